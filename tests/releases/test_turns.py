"""Acts of several people at once: each is done or refused, none is broken off by the database."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from registry.accounts.models import User
from registry.agreements import acceptances, requests
from registry.catalog import branches, commits, repositories
from registry.catalog.commits import AddFile, Delete
from registry.catalog.models import GitBlob, Repository, Revision
from registry.errors import NotAllowed, NotNow, RegistryError, RepositoryMissing
from registry.releases import offers, pushes, removals, workflow
from registry.storage import blobs
from registry.storage.models import Blob
from tests.agreements.access import make_gated, owner_of
from tests.factories import (
    accept_terms,
    as_caller,
    make_commit,
    make_maintainer,
    make_member,
    make_organisation,
    make_release,
    make_released,
    make_repository,
    make_user,
)
from tests.refusals import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"


def none_broke(*works: Callable[[], Any]) -> None:
    given = at_once(*works)
    assert not [one for one in given if isinstance(one, Exception)], given


def stored(content: bytes) -> Blob:
    return blobs.store(io.BytesIO(content), size=len(content))


def push_new(repository: Repository, owner: User, name: str) -> Revision:
    """As the wire does it: hold what came, then push, all in one transaction."""
    blob = stored(f"the bytes of {name}".encode())
    with transaction.atomic():
        commits.hold_all(repository, [blob], by=owner)
        return pushes.push(
            repository,
            branch="main",
            operations=[AddFile(name, blob, is_lfs=False)],
            title="Add",
            by=as_caller(owner),
        )


def test_tags_and_branches_are_made_while_others_push() -> None:
    repository = make_repository()
    by = as_caller(repository.created_by)
    head = make_commit(repository, {"a.txt": "a"})

    def name() -> None:
        for turn in range(8):
            branches.create_tag(repository, f"t{turn}", start=head, by=by)
            branches.create_branch(repository, f"b{turn}", start=head, by=by)

    def push() -> None:
        for turn in range(8):
            make_commit(repository, {"b.txt": f"{turn}"})

    none_broke(name, push, lambda: make_commit(repository, {"c.txt": "c"}))


def test_terms_are_accepted_while_others_push() -> None:
    release = make_released()
    readers = [make_user() for _ in range(8)]

    def accept() -> None:
        for reader in readers:
            accept_terms(release, reader)

    def push() -> None:
        for turn in range(8):
            make_commit(release.repository, {"b.txt": f"{turn}"})

    none_broke(accept, push)
    assert acceptances.find(
        release.repository, terms_hash=release.terms_hash, caller=as_caller(readers[-1])
    )


def test_a_person_accepts_terms_while_another_publisher_lets_them_in_and_turns_them_out() -> None:
    releases, gated, reader = [make_released() for _ in range(6)], make_gated(), make_user()
    owner = owner_of(gated.repository)

    def accept() -> None:
        for release in releases:
            offers.accept(
                release.repository,
                shown_hash=release.terms_hash,
                typed_name="Some Body",
                by=as_caller(reader),
            )

    def decide() -> None:
        requests.grant(gated.repository, user=reader.username, by=owner)
        for _ in range(6):
            for status in ("rejected", "accepted"):
                requests.handle(gated.repository, status=status, user=reader.username, by=owner)

    none_broke(accept, decide)


def test_the_same_files_come_from_two_people_in_another_order() -> None:
    repository = make_repository()
    sent = [stored(b"%d" % number) for number in range(300)]
    owner = repository.created_by

    for _ in range(3):
        repository.holdings.all().delete()
        none_broke(
            lambda: commits.hold_all(repository, sent, by=owner),
            lambda: commits.hold_all(repository, sent[::-1], by=owner),
        )


def test_repositories_are_made_while_others_push_into_a_bounded_namespace(settings: Any) -> None:
    settings.QUOTA_BYTES = 10**12
    owner = make_user()
    repository = make_repository(owner)

    def create() -> None:
        for _ in range(8):
            make_repository(owner)

    def push() -> None:
        for turn in range(6):
            push_new(repository, owner, f"{turn}.txt")

    none_broke(create, push)


def test_large_files_are_removed_while_others_propose() -> None:
    repository = make_repository()
    by = as_caller(repository.created_by)
    for number in range(6):
        make_commit(repository, {f"{number}.bin": b"weights %d" % number, f"{number}.txt": "x"})
    large = GitBlob.objects.filter(repository=repository, is_lfs=True)
    oids = list(large.values_list("oid", flat=True))

    def remove() -> None:
        for oid in oids:
            removals.remove(repository, [oid], from_branches=True, by=by)

    def propose() -> None:
        for number in range(6):
            pushes.propose(
                repository,
                branch="main",
                operations=[Delete(f"{number}.txt")],
                title="Delete",
                by=by,
            )

    none_broke(remove, propose)


def test_a_tag_and_a_branch_of_one_name_are_not_both_made() -> None:
    repository = make_repository()
    by = as_caller(repository.created_by)
    head = make_commit(repository, {"a.txt": "a"})
    for turn in range(6):
        name = f"one{turn}"
        given = at_once(
            lambda name=name: branches.create_tag(repository, name, start=head, by=by),
            lambda name=name: branches.create_branch(repository, name, start=head, by=by),
        )
        assert sum(isinstance(one, RegistryError) for one in given) == 1, given


def test_what_is_released_meanwhile_is_not_deleted() -> None:
    release = make_release()
    maintainer, owner = make_maintainer(), release.repository.created_by
    is_approved = Event()

    def approve() -> None:
        with transaction.atomic():
            workflow.transition("approve", release, by=as_caller(maintainer))
            is_approved.set()
            time.sleep(0.3)

    def delete() -> None:
        is_approved.wait(10)
        repositories.delete(release.repository, by=as_caller(owner))

    _, deleted = at_once(approve, delete)

    assert isinstance(deleted, RegistryError), deleted
    assert Repository.objects.get(pk=release.repository_id).deleted_at is None


def test_what_is_deleted_meanwhile_takes_no_commit_and_is_not_released() -> None:
    release = make_release()
    repository, maintainer = release.repository, make_maintainer()
    is_deleted = Event()

    def delete() -> None:
        with transaction.atomic():
            repositories.delete(repository, by=as_caller(repository.created_by))
            is_deleted.set()
            time.sleep(0.3)

    def commit() -> Revision:
        is_deleted.wait(10)
        return make_commit(repository, {"a.txt": "a"})

    _, committed = at_once(delete, commit)

    assert isinstance(committed, RegistryError), committed
    with pytest.raises(RepositoryMissing):
        workflow.open_release(release.revision, version="v2", by=as_caller(maintainer))
    with pytest.raises(NotNow, match="deleted"):
        workflow.transition("approve", release, by=as_caller(maintainer))
    assert (
        workflow.transition(
            "reject", release, by=as_caller(maintainer), reason="It is gone."
        ).status
        == "rejected"
    )


@pytest.mark.parametrize("act", ["tag", "branch", "squash", "delete", "remove"])
def test_who_loses_the_role_by_a_move_does_nothing_after_it(act: str) -> None:
    owner = make_user("ada")
    lab = make_organisation("lab", owner=owner)
    member, repository = make_member(lab), make_repository(owner, "tiny", namespace="lab")
    head = make_commit(repository, {"a.bin": b"weights"})
    branches.create_branch(repository, "draft", start=head, by=as_caller(owner))
    large = GitBlob.objects.get(repository=repository, is_lfs=True).oid
    acts: dict[str, Callable[..., Any]] = {
        "tag": lambda by: branches.create_tag(repository, "t", start=head, by=by),
        "branch": lambda by: branches.create_branch(repository, "b", start=head, by=by),
        "squash": lambda by: pushes.squash(repository, "main", title="One", by=by),
        "delete": lambda by: pushes.delete_branch(repository, "draft", by=by),
        "remove": lambda by: removals.remove(repository, [large], from_branches=True, by=by),
    }
    is_moved = Event()

    def move() -> None:
        with transaction.atomic():
            repositories.move(repository, to="ada/tiny", by=as_caller(owner))
            is_moved.set()
            time.sleep(0.3)

    def do() -> None:
        is_moved.wait(10)
        acts[act](as_caller(member))

    _, refused = at_once(move, do)

    assert isinstance(refused, NotAllowed), refused
