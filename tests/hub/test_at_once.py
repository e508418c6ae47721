"""Uploads that meet: the same bytes into two repositories, and a repository that goes meanwhile."""

import hashlib
import io
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from registry.catalog import repositories
from registry.catalog.models import Holding, Repository
from registry.storage.models import Blob
from tests.factories import as_caller, make_repository, make_user
from tests.hub.calls import Wire, file, lfs_file, seen, upload_path
from tests.refusals import at_once
from tests.storage.xet import making

pytestmark = pytest.mark.django_db(transaction=True)


def by_commit(wire: Wire, repository: Repository, content: bytes) -> dict[str, Any]:
    return file("model.bin", content)


def by_lfs(wire: Wire, repository: Repository, content: bytes) -> dict[str, Any]:
    assert wire.send(repository, content).status_code == 200
    return lfs_file("model.bin", content)


def by_xet(wire: Wire, repository: Repository, content: bytes) -> dict[str, Any]:
    xorb = making.xorb(content[:70_000], content[70_000:])
    cas, path = cas_of(wire, repository)
    assert cas.post(f"{path}/v1/xorbs/default/{xorb.text}", xorb.body).status_code == 200
    shard = making.shard(making.file(xorb), xorbs=[xorb])
    assert cas.post(f"{path}/v1/shards", shard).status_code == 200
    return lfs_file("model.bin", content)


def cas_of(wire: Wire, repository: Repository) -> tuple[Wire, str]:
    given = wire.get(f"/api/models/{repository}/xet-write-token/main").json()
    return Wire(secret=given["accessToken"]), urlsplit(given["casUrl"]).path


@pytest.mark.parametrize("send", [by_commit, by_lfs, by_xet])
def test_the_same_file_comes_into_two_repositories_at_once(
    send: Callable[[Wire, Repository, bytes], dict[str, Any]],
) -> None:
    content = os.urandom(100_000)
    owners = [make_user() for _ in range(2)]
    both = [(Wire(owner), make_repository(owner)) for owner in owners]

    def upload(wire: Wire, repository: Repository) -> Any:
        return wire.commit(repository, send(wire, repository, content))

    answers = at_once(*(lambda one=one: upload(*one) for one in both))

    assert [answer.status_code for answer in answers] == [200, 200], answers
    for wire, repository in both:
        assert wire.get(f"/{repository}/resolve/main/model.bin").sent == content
    blob = Blob.objects.get(sha256=hashlib.sha256(content).hexdigest())
    holders = Holding.objects.filter(blob=blob).values_list("repository", "brought_by")
    expected = [(one.pk, one.created_by_id) for _, one in both]
    assert sorted(holders) == sorted(expected)


class Interrupted(io.BytesIO):
    """A body half of which has arrived when something else happens."""

    def __init__(self, content: bytes, between: Callable[[], object]) -> None:
        super().__init__(content)
        self._half, self._between = len(content) // 2, between

    def read(self, size: int | None = -1, /) -> bytes:
        """As the server has it: all that was asked for, however long that takes to arrive."""
        first = super().read(min(size or 0, max(self._half - self.tell(), 0)))
        if len(first) == size:
            return first
        self._happen()
        return first + super().read(-1 if size is None else size - len(first))

    def readline(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self._half:
            self._happen()
        return super().readline(size)

    def _happen(self) -> None:
        between, self._between = self._between, lambda: None
        (outcome,) = at_once(between)
        assert outcome is None, outcome


def deleted_meanwhile(
    repository: Repository, method: str, path: str, body: bytes, headers: dict[str, str]
) -> Any:
    owner = as_caller(repository.created_by)
    arriving = Interrupted(body, lambda: repositories.delete(repository, by=owner))
    return Wire().client.generic(
        method,
        path,
        body,
        headers=headers,
        RAW_URI=path,
        **{"CONTENT_LENGTH": str(len(body)), "wsgi.input": arriving},
    )


def test_a_repository_that_is_deleted_while_a_large_file_arrives_holds_nothing_of_it() -> None:
    repository, content = make_repository(), os.urandom(100_000)
    path = upload_path(Wire(repository.created_by).batch(repository, content))

    answer = deleted_meanwhile(repository, "PUT", path, content, {})

    assert answer.status_code == 403
    assert b"is gone" in answer.content
    assert not Holding.objects.filter(blob__sha256=hashlib.sha256(content).hexdigest()).exists()


def test_a_repository_that_is_deleted_while_a_commit_arrives_has_none_of_it() -> None:
    repository, content = make_repository(), os.urandom(100_000)
    wire = Wire(repository.created_by)
    lines = [{"key": "header", "value": {"summary": "Add"}}, file("a.bin", content)]
    lines.append(file("b.txt", b"b"))
    body = b"\n".join(json.dumps(line).encode() for line in lines)
    before = repository.refs.get().head

    answer = deleted_meanwhile(
        repository, "POST", f"/api/models/{repository}/commit/main", body, wire.headers
    )

    assert seen(answer)[:2] == (404, "RepoNotFound")
    assert repository.refs.get().head == before
    assert not Holding.objects.filter(blob__sha256=hashlib.sha256(content).hexdigest()).exists()


def test_a_repository_that_is_deleted_while_a_shard_arrives_holds_none_of_its_files() -> None:
    repository, content = make_repository(), os.urandom(100_000)
    cas, path = cas_of(Wire(repository.created_by), repository)
    xorb = making.xorb(content)
    assert cas.post(f"{path}/v1/xorbs/default/{xorb.text}", xorb.body).status_code == 200
    shard = making.shard(making.file(xorb), xorbs=[xorb])

    answer = deleted_meanwhile(repository, "POST", f"{path}/v1/shards", shard, cas.headers)

    assert answer.status_code == 404, answer.content
    assert not Holding.objects.filter(blob__sha256=hashlib.sha256(content).hexdigest()).exists()


def test_uploads_and_a_deletion_end_in_one_order_or_the_other() -> None:
    repository = make_repository()
    wire, owner = Wire(repository.created_by), as_caller(repository.created_by)

    def write() -> list[int]:
        sent = [wire.commit(repository, file(f"{n}.txt", b"%d" % n)) for n in range(6)]
        return [answer.status_code for answer in sent]

    found, gone = at_once(write, lambda: repositories.delete(repository, by=owner))

    assert gone is None, gone
    assert found == sorted(found)
    assert set(found) <= {200, 404}
    assert repository.revisions.count() == 1 + found.count(200)
