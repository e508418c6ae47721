"""What a namespace may hold: counted once, refused clearly, and by nobody outrun."""

import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from registry.audit.models import Entry
from registry.catalog import commits, quotas, repositories
from registry.catalog.models import Repository
from registry.errors import Invalid, QuotaExceeded
from registry.storage import blobs
from registry.storage.models import Blob
from tests.factories import (
    as_caller,
    make_commit,
    make_organisation,
    make_released,
    make_repository,
    make_user,
)
from tests.hub.calls import Wire, file, lfs_file
from tests.refusals import at_once

pytestmark = pytest.mark.django_db

BYTES = b"x" * 5000


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"


def bounded(room: int) -> Repository:
    """A repository whose namespace has so much room."""
    repository = make_repository()
    used = quotas.usage(repository.namespace).used
    repository.namespace = quotas.set_quota(repository.namespace, used + room, by="")
    return repository


def take(repository: Repository, content: bytes) -> Blob:
    blob = blobs.store(io.BytesIO(content), size=len(content))
    commits.hold(repository, blob, by=repository.created_by)
    return blob


def test_the_same_bytes_count_once_in_a_namespace() -> None:
    first = bounded(5000)
    second = make_repository(first.created_by)
    take(first, BYTES)

    take(second, BYTES)

    assert quotas.usage(first.namespace).room == 0
    with pytest.raises(QuotaExceeded, match="needs 1 bytes, and"):
        take(first, b"y")


@pytest.mark.parametrize("room", [4999, 0])
def test_each_way_in_refuses_what_has_no_room(room: int) -> None:
    repository = bounded(room)
    wire = Wire(repository.created_by)

    refused = wire.batch(repository, BYTES).json()["objects"][0]
    assert refused["error"]["code"] == 422
    assert "ask the operator" in refused["error"]["message"]
    answer = wire.commit(repository, file("a.txt", BYTES))
    assert (answer.status_code, "ask the operator" in answer.json()["error"]) == (422, True)
    assert not repository.holdings.filter(blob__size=5000).exists()


def test_a_plan_that_cannot_fit_is_refused_before_anything_is_sent() -> None:
    repository = bounded(5000)
    wire = Wire(repository.created_by)
    asked = {"path": "m.bin", "size": 5001, "sample": "AAEC"}
    where = f"/api/models/{repository}/preupload/"

    refused = wire.post(f"{where}main", {"files": [asked]})
    assert refused.status_code == 422
    assert "ask the operator" in refused.headers["X-Error-Message"]
    assert wire.post(f"{where}main", {"files": [asked | {"size": 5000}]}).status_code == 200
    ignored = {"files": [asked], "gitIgnore": "*.bin"}
    assert wire.post(f"{where}main", ignored).status_code == 200


def test_a_plan_counts_neither_what_may_be_there_nor_uploads_that_run() -> None:
    repository = bounded(5000)
    wire = Wire(repository.created_by)
    wire.batch(repository, b"y" * 4000)
    plan = {"files": [{"path": "m.bin", "size": 5000, "sample": "AAEC"}]}
    assert wire.post(f"/api/models/{repository}/preupload/main", plan).status_code == 200
    take(make_repository(repository.created_by), BYTES)

    assert wire.post(f"/api/models/{repository}/preupload/main", plan).status_code == 200


def test_who_proposes_does_not_learn_which_sizes_a_namespace_holds() -> None:
    repository = bounded(0)
    plan = {"files": [{"path": "m.bin", "size": 5000, "sample": "AAEC"}]}
    where = f"/api/models/{repository}/preupload/main?create_pr=1"

    assert Wire(repository.created_by).post(where, plan).status_code == 200


def test_a_quota_that_shrank_meanwhile_refuses_the_bytes() -> None:
    repository = bounded(5000)
    wire = Wire(repository.created_by)
    announced = wire.batch(repository, BYTES)
    quotas.set_quota(repository.namespace, 100, by="")

    href = announced.json()["objects"][0]["actions"]["upload"]["href"]
    answer = Wire().put(href.removeprefix("http://testserver"), BYTES)

    assert answer.status_code == 422
    assert not repository.holdings.filter(blob__size=5000).exists()


def test_who_proposes_does_not_learn_from_a_quota_which_bytes_a_namespace_holds() -> None:
    repository = make_released().repository
    hidden = make_repository(repository.created_by, "hidden")
    assert Wire(repository.created_by).send(hidden, BYTES).status_code == 200
    quotas.set_quota(repository.namespace, 100_000, by="")
    wire = Wire(make_user())
    announced = {content: wire.batch(repository, content) for content in (BYTES, BYTES[::-1])}
    quotas.set_quota(repository.namespace, 100, by="")

    told = set()
    for content, answer in announced.items():
        href = answer.json()["objects"][0]["actions"]["upload"]["href"]
        told.add(Wire().put(href.removeprefix("http://testserver"), content).status_code)

    assert told == {422}


def test_what_fits_exactly_is_taken_and_deleting_still_works_when_full() -> None:
    repository = bounded(5000)
    wire = Wire(repository.created_by)

    assert wire.send(repository, BYTES).status_code == 200
    quotas.set_quota(repository.namespace, 1, by="")

    assert wire.commit(repository, lfs_file("m.bin", BYTES)).status_code == 200
    gone = {"key": "deletedFile", "value": {"path": "m.bin"}}
    assert wire.commit(repository, gone).status_code == 200


def test_the_site_has_a_default_and_a_namespace_may_have_its_own(settings: Any) -> None:
    settings.QUOTA_BYTES = 10
    repository = make_repository_of_nothing()
    assert quotas.quota_of(repository.namespace) == 10
    own = quotas.set_quota(repository.namespace, quotas.NO_BOUND, by="")
    assert quotas.quota_of(own) is None
    assert quotas.usage(own).room is None


def make_repository_of_nothing() -> Repository:
    from django.conf import settings as site

    bound, site.QUOTA_BYTES = site.QUOTA_BYTES, 0
    try:
        return make_repository()
    finally:
        site.QUOTA_BYTES = bound


@pytest.mark.django_db(transaction=True)
def test_two_who_both_find_room_do_not_both_take_it() -> None:
    repository = bounded(5000)
    other = make_repository(repository.created_by)
    quotas.set_quota(repository.namespace, quotas.usage(repository.namespace).used + 5000, by="")
    made = at_once(
        lambda: take(repository, b"a" * 4000),
        lambda: take(other, b"b" * 4000),
        lambda: take(repository, b"c" * 4000),
    )

    assert sorted(type(one).__name__ for one in made) == ["Blob", "QuotaExceeded", "QuotaExceeded"]
    assert quotas.usage(repository.namespace).room == 1000


def test_the_operator_sets_and_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    repository = make_repository()
    make_commit(repository, {"m.bin": BYTES})
    name = repository.namespace.name

    call_command("namespace", "quota", name, "1.5GiB")
    assert capsys.readouterr().out.strip() == str(3 * 512 * 1024**2)
    call_command("namespace", "show", name)
    assert "of 1.5 GiB" in capsys.readouterr().out
    call_command("namespace", "quota", name, "none")
    assert capsys.readouterr().out.strip() == "none"
    call_command("namespace", "quota", name, "default")
    repository.namespace.refresh_from_db()
    assert repository.namespace.quota_bytes is None
    assert Entry.objects.filter(event="namespace.quota").count() == 3
    for wrong in ("much", "5GB", "-1", "inf"):
        with pytest.raises((CommandError, Invalid)):
            call_command("namespace", "quota", name, wrong)


def test_a_repository_moves_only_where_there_is_room_for_it() -> None:
    owner = make_user()
    lab = make_organisation(owner=owner)
    repository = make_repository(owner)
    make_commit(repository, {"m.bin": BYTES})
    quotas.set_quota(lab, 4000, by="")

    with pytest.raises(QuotaExceeded):
        repositories.move(repository, to=f"{lab.name}/moved", by=as_caller(owner))

    quotas.set_quota(lab, 10_000, by="")
    repositories.move(repository, to=f"{lab.name}/moved", by=as_caller(owner))
    assert quotas.usage(lab).used > 5000


def test_what_comes_while_a_repository_moves_counts_where_it_went() -> None:
    owner = make_user()
    lab = make_organisation(owner=owner)
    repository = make_repository(owner)
    quotas.set_quota(lab, 4000, by="")
    repositories.move(repository, to=f"{lab.name}/moved", by=as_caller(owner))

    with pytest.raises(QuotaExceeded):
        take(repository, BYTES)  # which was read before the move

    assert quotas.usage(lab).used < 4000


@pytest.mark.django_db(transaction=True)
def test_a_move_and_what_comes_meanwhile_never_both_find_the_room() -> None:
    owner = make_user()
    lab = make_organisation(owner=owner)
    quotas.set_quota(lab, 4000, by="")
    for turn in range(4):
        repository = make_repository(owner)
        blob = blobs.store(io.BytesIO(BYTES + bytes([turn])), size=len(BYTES) + 1)
        to = f"{lab.name}/m{turn}"

        done = at_once(
            partial(repositories.move, repository, to=to, by=as_caller(owner)),
            partial(commits.hold, repository, blob, by=owner),
        )

        assert sum(isinstance(one, QuotaExceeded) for one in done) == 1, done
