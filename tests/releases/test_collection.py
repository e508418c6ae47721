"""Garbage collection: what goes, what stays, and what happens when somebody wants it at that moment."""

import hashlib
import io
import random
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from registry.audit.models import Entry
from registry.catalog import branches, commits, files, repositories
from registry.catalog.commits import AddFile, Delete
from registry.catalog.models import GitBlob, Holding, Repository, Revision
from registry.checks.models import CheckRun
from registry.errors import NotNow, RegistryError
from registry.releases import collection, pushes, workflow
from registry.storage import blobs
from registry.storage.models import Blob
from tests.factories import (
    as_caller,
    make_commit,
    make_maintainer,
    make_pull_request,
    make_release,
    make_released,
    make_repository,
)
from tests.refusals import at_once

pytestmark = pytest.mark.django_db

GRACE = timedelta(hours=10)
BYTES = b"weights that somebody may need"
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"


def collect_all(**rest: Any) -> collection.Report:
    """Mark now, and collect when the grace is over."""
    collection.collect(grace=GRACE)
    return collection.collect(grace=GRACE, now=timezone.now() + GRACE, **rest)


def is_here(content: bytes = BYTES) -> bool:
    sha256 = hashlib.sha256(content).hexdigest()
    has_row = Blob.objects.filter(sha256=sha256, removed_at=None).exists()
    assert has_row == blobs.exists(sha256)
    return has_row


def uploaded(repository: Repository, content: bytes = BYTES) -> Blob:
    blob = blobs.store(io.BytesIO(content), size=len(content))
    commits.hold(repository, blob, by=repository.created_by)
    return blob


def delete_file(repository: Repository, path: str = "m.bin", branch: str = "main") -> Revision:
    return pushes.push(
        repository,
        branch=branch,
        operations=[Delete(path)],
        title="Delete",
        by=as_caller(repository.created_by),
    )


def on_a_branch_that_goes(repository: Repository, content: bytes = BYTES) -> Revision:
    by = as_caller(repository.created_by)
    start = repository.refs.get(name="refs/heads/main").head
    branches.create_branch(repository, "side", start=start, by=by)
    revision = make_commit(repository, {"m.bin": content}, branch="side")
    revision.check_runs.update(state="superseded")
    branches.delete_branch(repository, "side", by=by)
    return revision


def test_what_no_commit_claimed_goes_after_the_grace_and_not_before() -> None:
    repository = make_repository()
    uploaded(repository)

    first = collection.collect(grace=GRACE)
    early = collection.collect(grace=GRACE, now=timezone.now() + GRACE / 2)
    assert (first.marked.files, early.removed.files, is_here()) == (1, 0, True)
    assert early.waiting.bytes == len(BYTES)

    report = collection.collect(grace=GRACE, now=timezone.now() + GRACE)

    assert (report.removed.files, report.removed.bytes, is_here()) == (1, len(BYTES), False)
    assert not repository.holdings.filter(blob__sha256=SHA256).exists()
    assert Entry.objects.get(event="storage.collect").details["removed"]["bytes"] == len(BYTES)


def test_a_dry_run_says_the_same_and_does_nothing() -> None:
    uploaded(make_repository())
    before = collection.collect(grace=GRACE, dry_run=True)
    assert before.marked.files == 1
    assert not Holding.objects.filter(unneeded_since__isnull=False).exists()
    collection.collect(grace=GRACE)

    report = collection.collect(grace=GRACE, now=timezone.now() + GRACE, dry_run=True)

    assert report.given_up.files == 1
    assert is_here()
    assert not Entry.objects.filter(event="storage.collect").exists()


def test_what_a_branch_had_once_stays() -> None:
    repository = make_repository()
    make_commit(repository, {"m.bin": BYTES})
    delete_file(repository)

    assert collect_all().removed.files == 0
    assert is_here()


def test_what_only_a_deleted_branch_had_goes_and_vanishes_from_its_revision() -> None:
    repository = make_repository()
    revision = on_a_branch_that_goes(repository)

    collect_all()

    assert not is_here()
    assert [file.path for file in files.files_of(revision)] == [".gitattributes"]
    with pytest.raises(NotNow, match="removed for good"):
        branches.create_branch(
            repository, "again", start=revision, by=as_caller(repository.created_by)
        )


def test_what_a_pull_request_began_with_stays() -> None:
    """Also where nothing else leads to it: to merge, one asks what the pull request changed."""
    repository = make_repository()
    by = as_caller(repository.created_by)
    make_commit(repository, {"m.bin": BYTES})
    pull = make_pull_request(repository, {"a.txt": "a"}, by=repository.created_by)
    delete_file(repository, branch=pull.ref_name)
    delete_file(repository)
    for name in (pull.ref_name, "main"):
        pushes.squash(repository, name, title="One", by=by)
    CheckRun.objects.update(state="superseded")

    collect_all()

    assert is_here()


def test_what_a_check_is_looking_at_stays() -> None:
    repository = make_repository()
    revision = on_a_branch_that_goes(repository)
    revision.check_runs.update(state="queued")

    collect_all()

    assert is_here()


@pytest.mark.parametrize("step", ["", "suspend", "recall"])
def test_what_was_released_stays_whatever_became_of_it(step: str) -> None:
    release = make_released(files={"README.md": "---\nlicense: mit\n---\n", "m.bin": BYTES})
    if step:
        workflow.transition(step, release, by=as_caller(make_maintainer()), reason="A reason.")
        repositories.delete(release.repository, by=as_caller(release.repository.created_by))

    collect_all()

    assert is_here()


def test_what_is_under_review_stays() -> None:
    release = make_release(files={"README.md": "---\nlicense: mit\n---\n", "m.bin": BYTES})
    release.repository.refs.update(head=release.repository.revisions.order_by("pk").first())

    collect_all()

    assert is_here()


def test_bytes_of_a_deleted_repository_go_and_its_manifest_stays() -> None:
    repository = make_repository()
    revision = make_commit(repository, {"m.bin": BYTES})
    repositories.delete(repository, by=as_caller(repository.created_by))

    collect_all()

    assert not is_here()
    revision.refresh_from_db()
    assert revision.manifest_digest


def test_what_another_repository_holds_stays_there() -> None:
    first, second = make_repository(), make_repository()
    make_commit(first, {"m.bin": BYTES})
    revision = make_commit(second, {"m.bin": BYTES})
    repositories.delete(first, by=as_caller(first.created_by))

    collect_all()

    assert is_here()
    assert not first.holdings.exists()
    assert files.find(revision, "m.bin").sha256 == SHA256


def test_bytes_that_come_again_are_there_again() -> None:
    repository = make_repository()
    old = on_a_branch_that_goes(repository)
    collect_all()
    assert not is_here()

    revision = make_commit(repository, {"m.bin": BYTES})

    assert is_here()
    assert files.find(revision, "m.bin").sha256 == SHA256
    assert blobs.read(SHA256) == BYTES
    assert files.find(old, "m.bin").sha256 == SHA256
    assert collect_all().removed.files == 0


def test_a_mark_goes_when_the_bytes_are_needed_again() -> None:
    repository = make_repository()
    blob = uploaded(repository)
    collection.collect(grace=GRACE)
    assert repository.holdings.get(blob=blob).unneeded_since is not None

    make_commit(repository, {"m.bin": BYTES})

    assert repository.holdings.get(blob=blob).unneeded_since is None
    assert collection.collect(grace=GRACE, now=timezone.now() + GRACE).removed.files == 0


def test_a_branch_on_what_is_marked_saves_it() -> None:
    repository = make_repository()
    revision = on_a_branch_that_goes(repository)
    collection.collect(grace=GRACE)
    branches.create_branch(repository, "back", start=revision, by=as_caller(repository.created_by))

    collection.collect(grace=GRACE, now=timezone.now() + GRACE)

    assert is_here()
    assert repository.holdings.get(blob__sha256=SHA256).unneeded_since is None


def test_strays_go_and_lost_and_damaged_bytes_are_said() -> None:
    repository = make_repository()
    for name in ("lost", "hurt", "fine"):
        make_commit(repository, {"m.bin": name.encode()})
    lost, hurt = (hashlib.sha256(name).hexdigest() for name in (b"lost", b"hurt"))
    blobs.delete(lost)
    stray = blobs.store(io.BytesIO(b"stray"), size=5)
    Blob.objects.filter(pk=stray.pk).delete()
    from registry.storage import backend

    backend.local_folder().path(blobs.key_of(hurt)).write_bytes(b"HURT")  # type: ignore[union-attr]
    report = collection.collect(grace=GRACE)
    collection.look_at_files(report, read=True)

    assert (report.strays.files, report.lost, report.damaged) == (1, [lost], [hurt])
    assert not blobs.exists(stray.sha256)


def test_a_commit_that_names_lost_bytes_is_refused_and_they_may_be_sent_again() -> None:
    repository = make_repository()
    blob = uploaded(repository)
    blobs.delete(SHA256)

    with pytest.raises(RegistryError, match="not in the store"):
        pushes.push(
            repository,
            branch="main",
            operations=[AddFile("m.bin", blob, is_lfs=True)],
            title="Add",
            by=as_caller(repository.created_by),
        )


def test_nothing_is_removed_while_a_copy_is_made() -> None:
    uploaded(make_repository())
    collection.collect(grace=GRACE)
    done = threading.Event()
    begun = threading.Event()

    def copy() -> None:
        with blobs.removal_paused():
            begun.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=copy)
    thread.start()
    begun.wait(20)
    try:
        report = collection.collect(grace=GRACE, now=timezone.now() + GRACE)
    finally:
        done.set()
        thread.join()

    assert (report.removed.files, is_here()) == (0, True)


@pytest.mark.django_db(transaction=True)
def test_a_commit_and_a_collection_at_once_never_leave_a_file_without_its_bytes() -> None:
    """Whoever is first: the commit has its bytes, or is refused and told to send them again."""
    outcomes = []
    for turn in range(12):
        content = random.Random(turn).randbytes(2000)  # noqa: S311 - bytes that differ
        repository = make_repository()
        blob = uploaded(repository, content)
        collection.collect(grace=timedelta(0), now=timezone.now() - timedelta(hours=1))
        Holding.objects.filter(repository=repository).update(
            unneeded_since=timezone.now() - timedelta(hours=1)
        )

        def commit(repository: Repository = repository, blob: Blob = blob) -> Revision:
            return pushes.push(
                repository,
                branch="main",
                operations=[AddFile("m.bin", blob, is_lfs=True)],
                title="Add",
                by=as_caller(repository.created_by),
            )

        committed, _ = at_once(commit, lambda: collection.collect(grace=timedelta(minutes=1)))

        if isinstance(committed, Revision):
            assert files.find(committed, "m.bin").sha256 == blob.sha256
            assert blobs.read(blob.sha256) == content
        else:
            assert isinstance(committed, RegistryError), committed
            assert not GitBlob.objects.filter(repository=repository, blob=blob).exists()
        outcomes.append(type(committed).__name__)


def test_bytes_that_came_again_have_their_own_grace_until_somebody_holds_them() -> None:
    first, second = make_repository(), make_repository()
    uploaded(first)
    Holding.objects.filter(repository=first, blob__size=len(BYTES)).update(
        unneeded_since=timezone.now() - timedelta(hours=1)
    )

    blob = blobs.place(hashlib.sha256(BYTES).hexdigest(), len(BYTES), lambda: None)
    collection.collect(grace=timedelta(minutes=1))

    assert not first.holdings.filter(blob=blob).exists()
    commits.hold(second, blob, by=second.created_by)
    assert blobs.read(blob.sha256) == BYTES


@pytest.mark.django_db(transaction=True)
def test_bytes_sent_again_while_they_are_removed_are_there_in_the_end() -> None:
    first, second = make_repository(), make_repository()
    for turn in range(12):
        content = random.Random(turn).randbytes(300_000)  # noqa: S311 - bytes that differ
        uploaded(first, content)
        Holding.objects.filter(repository=first).exclude(
            blob__in=GitBlob.objects.filter(repository=first).values("blob")
        ).update(unneeded_since=timezone.now() - timedelta(hours=1))

        sent, _ = at_once(
            lambda content=content: uploaded(second, content),
            lambda: collection.collect(grace=timedelta(minutes=1)),
        )

        assert isinstance(sent, Blob), sent
        assert blobs.read(sent.sha256) == content
        assert second.holdings.filter(blob=sent, blob__removed_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_only_one_collection_runs_at_a_time() -> None:
    with transaction.atomic(), collection._only_one():
        (second,) = at_once(lambda: collection.collect(grace=GRACE))

    assert isinstance(second, NotNow)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [Holding, Blob])
def test_marking_and_who_locks_in_order_never_wait_for_each_other(kind: Any) -> None:
    repository = make_repository()
    for number in range(2):
        content = f"content {number}".encode()
        if kind is Holding:
            uploaded(repository, content)
        else:
            blobs.store(io.BytesIO(content), size=len(content))
    first, last = kind.objects.order_by("-pk")[:2][::-1]
    field = "brought_by" if kind is Holding else "size"
    kind.objects.filter(pk=first.pk).update(**{field: F(field)})  # it lies behind the other now
    has_first = threading.Event()

    def lock_in_order() -> None:
        with transaction.atomic():
            kind.objects.select_for_update().get(pk=first.pk)
            has_first.set()
            time.sleep(0.5)
            kind.objects.select_for_update().get(pk=last.pk)

    def mark() -> None:
        has_first.wait(10)
        collection.collect(grace=GRACE)

    assert at_once(lock_in_order, mark) == [None, None]
    assert not kind.objects.filter(pk__in=[first.pk, last.pk], unneeded_since=None).exists()
