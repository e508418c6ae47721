"""Removing large files for good, and taking them into another repository."""

import io
from pathlib import Path
from typing import Any

import pytest

from registry.accounts import plain_hub
from registry.accounts.models import Role
from registry.audit.models import Access, Entry
from registry.catalog import branches, commits, files
from registry.catalog.models import Repository, Revision
from registry.releases import workflow
from registry.storage import blobs
from tests.factories import (
    CARD,
    accept_terms,
    as_caller,
    finish_checks,
    make_commit,
    make_maintainer,
    make_member,
    make_organisation,
    make_release,
    make_released,
    make_repository,
    make_user,
    with_copies,
)
from tests.hub.calls import Wire, lfs_file

pytestmark = pytest.mark.django_db

BYTES = b"weights that are not wanted"


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"


def head(repository: Repository, branch: str = "main") -> Revision:
    return repository.refs.get(name=f"refs/heads/{branch}").head


def listed(repository: Repository) -> list[dict[str, Any]]:
    answer = Wire(repository.created_by).get(f"/api/models/{repository}/lfs-files")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


def remove(repository: Repository, *names: str, rewrite: bool = True, wire: Any = None) -> Any:
    oids = [one["fileOid"] for one in listed(repository) if one["filename"] in names]
    body = {"deletions": {"sha": oids, "rewriteHistory": rewrite}}
    wire = wire or Wire(repository.created_by)
    return wire.post(f"/api/models/{repository}/lfs-files/batch", body)


def test_large_files_of_all_revisions_are_listed_in_pages() -> None:
    repository = make_repository()
    make_commit(repository, {"old/deep/a.bin": b"first", "README.md": CARD})
    make_commit(repository, {"old/deep/a.bin": b"second", "b.bin": b"third"})

    found = listed(repository)

    assert {(one["filename"], one["size"], one.get("ref")) for one in found} == {
        ("old/deep/a.bin", 5, None),
        ("old/deep/a.bin", 6, "main"),
        ("b.bin", 5, "main"),
    }
    wire = Wire(repository.created_by)
    paged, path = [], f"/api/models/{repository}/lfs-files?limit=2"
    while path:
        answer = wire.get(path)
        paged += answer.json()
        link = answer.headers.get("Link", "")
        path = link.partition("testserver")[2].partition(">")[0]
    assert paged == found


def test_a_removed_file_is_gone_from_every_commit_and_stays_on_record() -> None:
    repository = make_repository()
    old = make_commit(repository, {"m.bin": BYTES, "a.bin": b"kept"})

    assert remove(repository, "m.bin").status_code == 200

    wire = Wire(repository.created_by)
    for revision in (old.oid, "main"):
        answer = wire.get(f"/{repository}/resolve/{revision}/m.bin")
        assert (answer.status_code, answer["X-Error-Code"]) == (404, "EntryNotFound")
        assert wire.get(f"/{repository}/resolve/{revision}/a.bin").sent == b"kept"
        names = [
            one["path"] for one in wire.get(f"/api/models/{repository}/tree/{revision}").json()
        ]
        assert "m.bin" not in names
    assert [one["filename"] for one in listed(repository)] == ["a.bin"]
    assert head(repository).title == "Remove large files for good"
    entry = Entry.objects.get(event="lfs.remove")
    assert entry.details["objects"][0]["path"] == "m.bin"
    old.refresh_from_db()
    assert old.manifest_digest
    assert remove(repository, "m.bin").status_code == 200


def test_a_removed_file_may_come_again() -> None:
    repository = make_repository()
    make_commit(repository, {"m.bin": BYTES})
    remove(repository, "m.bin")
    wire = Wire(repository.created_by)

    assert wire.commit(repository, lfs_file("m.bin", BYTES)).status_code == 400
    assert wire.send(repository, BYTES).status_code == 200
    assert wire.commit(repository, lfs_file("m.bin", BYTES)).status_code == 200
    assert wire.get(f"/{repository}/resolve/main/m.bin").sent == BYTES


def test_who_proposes_a_change_brings_nothing_back() -> None:
    repository = make_repository()
    plain_hub.switch(repository.namespace, on=True)
    old = make_commit(repository, {"secret.bin": BYTES})
    remove(repository, "secret.bin")
    bob = Wire(make_user("bob"))
    assert bob.send(repository, BYTES).status_code == 200

    named = bob.commit(repository, lfs_file("again.bin", BYTES), rev="main?create_pr=1")

    assert named.status_code == 409
    assert Wire().get(f"/{repository}/resolve/{old.oid}/secret.bin").status_code == 404
    make_commit(repository, {"again.bin": BYTES})
    assert Wire().get(f"/{repository}/resolve/main/again.bin").sent == BYTES


def test_without_rewriting_what_a_branch_has_is_refused() -> None:
    repository = make_repository()
    make_commit(repository, {"m.bin": BYTES, "old.bin": b"old"})
    make_commit(repository, {"old.bin": b"new"})
    branches.create_branch(
        repository, "side", start=head(repository), by=as_caller(repository.created_by)
    )

    refused = remove(repository, "m.bin", rewrite=False)
    assert refused.status_code == 409
    assert "m.bin is on the branch main" in refused.json()["error"]
    assert remove(repository, "m.bin").status_code == 200
    assert all(file.path != "m.bin" for file in files.files_of(head(repository, "side")))


@pytest.mark.parametrize("make", [make_release, make_released])
def test_nothing_is_removed_from_a_release(make: Any) -> None:
    release = make(files={"README.md": CARD, "m.bin": BYTES})
    make_commit(release.repository, {"m.bin": b"newer"})

    answer = remove(release.repository, "m.bin")

    assert answer.status_code == 403
    assert "part of a release" in answer.json()["error"]
    assert files.find(release.revision, "m.bin").size == len(BYTES)


def test_only_who_writes_the_repository_lists_and_removes() -> None:
    lab = make_organisation()
    repository = make_repository(make_member(lab), namespace=lab.name)
    make_commit(repository, {"m.bin": BYTES})
    reader = Wire(make_member(lab, Role.READ))

    assert remove(repository, "m.bin", wire=reader).status_code == 404
    assert reader.get(f"/api/models/{repository}/lfs-files").status_code == 404
    reading = Wire(repository.created_by, "read")
    assert remove(repository, "m.bin", wire=reading).status_code == 403
    assert listed(repository)


def test_an_unknown_object_and_a_hostile_body_are_refused() -> None:
    repository = make_repository()
    wire = Wire(repository.created_by)
    path = f"/api/models/{repository}/lfs-files/batch"

    assert wire.post(path, {"deletions": {"sha": ["0" * 40]}}).status_code == 400
    assert wire.post(path, {"deletions": {"sha": "x"}}).status_code == 400
    assert wire.post(path, {"deletions": {"sha": ["a"] * 1001}}).status_code == 400
    cursor = wire.get(f"/api/models/{repository}/lfs-files?cursor=Ii0xIg==")
    assert cursor.status_code == 400


def copy(source: Repository, target: Repository, wire: Wire, content: bytes = BYTES) -> Any:
    one = lfs_file("m.bin", content)["value"]
    body = {
        "target": {"type": "model", "name": str(target)},
        "files": [{"xetHash": "0" * 64, "sha256": one["oid"], "filename": "m.bin"}],
    }
    return wire.post(f"/api/models/{source}/lfs-files/duplicate", body)


def test_a_reader_takes_what_is_open_to_them_and_nothing_else() -> None:
    release = make_released(files={"README.md": CARD, "m.bin": BYTES})
    target = make_repository()
    reader = target.created_by
    wire = Wire(reader)

    closed = copy(release.repository, target, wire)
    assert [one["sha256"] for one in closed.json()["failed"]] == [
        lfs_file("", BYTES)["value"]["oid"]
    ]
    assert not target.holdings.filter(blob__size=len(BYTES)).exists()
    accept_terms(release, reader)
    assert copy(release.repository, target, wire).json() == {"failed": []}
    assert wire.commit(target, lfs_file("m.bin", BYTES)).status_code == 200
    assert Access.objects.filter(actor=reader.public_id, path="m.bin").count() == 1


def test_the_target_must_be_writable_and_a_hash_alone_opens_nothing() -> None:
    mine, theirs = make_repository(), make_repository()
    make_commit(theirs, {"m.bin": BYTES})
    make_commit(mine, {"m.bin": BYTES})

    assert copy(mine, theirs, Wire(mine.created_by)).status_code == 404
    assert copy(theirs, mine, Wire(mine.created_by)).status_code == 404
    assert copy(mine, mine, Wire(mine.created_by), b"other").json()["failed"]
    assert copy(mine, mine, Wire(make_user())).status_code == 404


def test_what_a_stranger_sent_to_another_branch_is_theirs_to_take_along() -> None:
    repository = make_repository()
    by = as_caller(repository.created_by)
    branches.create_branch(repository, "next", start=repository.revisions.get(), by=by)
    revision = make_commit(repository, with_copies({"README.md": CARD}), branch="next")
    finish_checks(revision)
    release = workflow.open_release(revision, version="v1.0", by=by, branch="next")
    workflow.transition("approve", release, by=as_caller(make_maintainer()))
    target = make_repository()
    blob = blobs.store(io.BytesIO(BYTES), size=len(BYTES))
    commits.hold(repository, blob, by=target.created_by)

    assert copy(repository, target, Wire(target.created_by)).json() == {"failed": []}
    assert target.holdings.filter(blob=blob).exists()
