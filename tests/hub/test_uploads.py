"""Sending files: planning, large files, commits; and what each kind of bad input gets."""

import hashlib
import io
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import signing

from registry.accounts import tokens
from registry.accounts.models import AccessToken, Role
from registry.catalog import commits, files, revisions
from registry.catalog.models import Holding, Repository, Revision
from registry.storage import blobs
from registry.storage.models import Blob
from tests import turns
from tests.factories import (
    CARD,
    as_caller,
    make_commit,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_revision,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, file, lfs_file, seen, upload_path

pytestmark = pytest.mark.django_db

BYTES = b"weights of a model" * 1000
ZERO = {"key": "file", "value": {"path": "a", "content": "", "encoding": "base64"}}


@pytest.fixture
def repository() -> Repository:
    return make_repository()


@pytest.fixture
def wire(repository: Repository) -> Wire:
    return Wire(repository.created_by)


def head(repository: Repository) -> Revision:
    return repository.refs.get(name="refs/heads/main").head


def stored_files() -> set[Path]:
    return {path for path in Path(settings.BLOB_DIR).rglob("*") if path.is_file()}


def plan(wire: Wire, repository: Repository, path: str, **rest: Any) -> dict[str, Any]:
    body = {"files": [{"path": path, "size": 10, "sample": "aGVsbG8="} | rest.pop("file", {})]}
    answer = wire.post(f"/api/models/{repository}/preupload/main", body | rest)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["files"][0]
    return found


# Planning


def test_more_patterns_and_paths_than_can_be_compared_are_refused_at_once(
    wire: Wire, repository: Repository
) -> None:
    names = ["/".join(["a"] * 30 + [f"{n}.txt"]) for n in range(256)]
    body = {
        "files": [{"path": name, "size": 10} for name in names],
        "gitIgnore": "".join(f"**/x/{'*/' * 9}{n}\n" for n in range(1000)),
    }
    with turns.at_most(600):
        answer = wire.post(f"/api/models/{repository}/preupload/main", body)

    assert (answer.status_code, answer.headers["X-Error-Message"][:26]) == (
        413,
        "The patterns of .gitignore",
    )
    body["gitIgnore"] = "".join(f"*.e{n}\n/b{n}/\n" for n in range(100))
    assert wire.post(f"/api/models/{repository}/preupload/main", body).status_code == 200


@pytest.mark.parametrize("path", ["a/" * 1_000_000 + "b", "a/" * 32 + "b", "a" * 1025])
def test_a_name_that_no_repository_holds_is_refused_before_it_is_looked_at(
    wire: Wire, repository: Repository, path: str
) -> None:
    body = {"files": [{"path": path, "size": 10}], "gitIgnore": "*.tmp"}
    answer = wire.post(f"/api/models/{repository}/preupload/main", body)

    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Invalid path")


def test_a_name_that_a_commit_refuses_is_refused_before_its_file_is_sent(
    wire: Wire, repository: Repository
) -> None:
    body = {"files": [{"path": "logs/aux.txt", "size": 4_000_000_000}]}
    answer = wire.post(f"/api/models/{repository}/preupload/main", body)

    assert answer.status_code == 422
    assert "Windows reserves it for a device" in answer.headers["X-Error-Message"]
    assert plan(wire, repository, "logs/aux.txt", gitIgnore="logs/")["shouldIgnore"] is True


@pytest.mark.parametrize(
    ("path", "file", "mode"),
    [
        ("a.txt", {}, "regular"),
        ("sub/a.safetensors", {}, "lfs"),
        ("a.safetensors", {"size": 0}, "regular"),
        ("a.txt", {"size": settings.LFS_THRESHOLD}, "regular"),
        ("a.txt", {"size": settings.LFS_THRESHOLD + 1}, "lfs"),
        ("a", {"sample": "AAEC"}, "lfs"),
        ("a", {"sample": "/////w=="}, "lfs"),
        ("cut-in-a-character", {"sample": "aGVsbG/D"}, "regular"),
    ],
)
def test_what_goes_to_lfs(
    wire: Wire, repository: Repository, path: str, file: dict[str, Any], mode: str
) -> None:
    assert plan(wire, repository, path, file=file)["uploadMode"] == mode


def test_the_patterns_of_the_repository_decide(wire: Wire, repository: Repository) -> None:
    make_commit(
        repository,
        {".gitattributes": "*.txt filter=lfs\nkeep/*.txt -filter\n", ".gitignore": "*.log\n"},
    )

    assert plan(wire, repository, "a.txt")["uploadMode"] == "lfs"
    assert plan(wire, repository, "keep/a.txt")["uploadMode"] == "regular"
    assert plan(wire, repository, "a.log")["shouldIgnore"]
    assert not plan(wire, repository, "a.log", gitIgnore="*.tmp\n")["shouldIgnore"]
    assert plan(wire, repository, "x/a.tmp", gitIgnore="*.tmp\n")["shouldIgnore"]


def test_a_file_that_is_there_is_named_by_its_id(wire: Wire, repository: Repository) -> None:
    make_commit(repository, {"a.txt": "a\n", "a.bin": "a\n"})

    assert plan(wire, repository, "a.txt")["oid"] == "78981922613b2afb6025042ff6bd878ac1994e85"
    assert plan(wire, repository, "a.bin")["oid"] == hashlib.sha256(b"a\n").hexdigest()
    assert plan(wire, repository, "other")["oid"] is None


# Large files


def test_a_large_file_is_kept_once_it_has_arrived(wire: Wire, repository: Repository) -> None:
    assert wire.send(repository, BYTES).status_code == 200

    verify = {"oid": hashlib.sha256(BYTES).hexdigest(), "size": len(BYTES)}
    path = f"/{repository}.git/info/lfs/objects/verify"
    assert wire.post(path, verify).status_code == 200
    assert wire.post(path, verify | {"size": 1}).status_code == 400
    assert "actions" not in wire.batch(repository, BYTES).json()["objects"][0]
    assert wire.commit(repository, lfs_file("model.bin", BYTES)).status_code == 200
    assert files.find(head(repository), "model.bin").size == len(BYTES)


def test_knowing_a_hash_gives_nothing(wire: Wire, repository: Repository) -> None:
    """Somebody else's repository holds the bytes: here they have to be sent all the same."""
    make_revision(files={"model.bin": BYTES})

    assert "upload" in wire.batch(repository, BYTES).json()["objects"][0]["actions"]
    answer = wire.commit(repository, lfs_file("model.bin", BYTES))
    assert answer.status_code == 400
    assert "LFS pointer pointed to a file that does not exist: model.bin" in answer.json()["error"]


@pytest.mark.parametrize("sent", [BYTES[:-1], BYTES + b"!", b"", BYTES[:-1] + b"!"])
def test_other_bytes_than_announced_leave_nothing(
    wire: Wire, repository: Repository, sent: bytes
) -> None:
    before = stored_files()
    path = upload_path(wire.batch(repository, BYTES))

    answer = Wire().put(path, sent)

    assert answer.status_code == 400
    assert "send the file again" in answer.json()["error"]
    assert stored_files() == before
    assert not Blob.objects.filter(sha256=hashlib.sha256(sent).hexdigest()).exists()


def test_a_body_that_ends_early_leaves_nothing(wire: Wire, repository: Repository) -> None:
    before = stored_files()
    path = upload_path(wire.batch(repository, BYTES))

    cut = {"CONTENT_LENGTH": str(len(BYTES)), "wsgi.input": io.BytesIO(BYTES[:100])}
    answer = Wire().client.generic("PUT", path, BYTES, RAW_URI=path, **cut)

    assert answer.status_code == 400
    assert "100 of the announced 18000 bytes arrived" in answer.json()["error"]
    assert stored_files() == before


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow past 4 KiB: writing fails in the kernel, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_leaves_nothing(
    wire: Wire, repository: Repository, request: pytest.FixtureRequest
) -> None:
    path = upload_path(wire.batch(repository, BYTES))
    before = stored_files()
    request.getfixturevalue("full_disk")

    sent = Wire().put(path, BYTES)
    committed = wire.commit(repository, file("large.txt", BYTES))

    for answer in (sent, committed):
        assert answer.status_code == 507
        assert "disk is full" in answer.json()["error"]
        assert "disk is full" in answer["X-Error-Message"]
    assert stored_files() == before


def test_a_file_that_cannot_fit_is_refused_before_it_is_sent(
    wire: Wire, repository: Repository
) -> None:
    for size, code in ((settings.MAX_FILE_SIZE + 1, 413), (blobs.free_bytes() + 10**9, 507)):
        error = wire.batch(repository, BYTES, size).json()["objects"][0]["error"]
        assert error["code"] in {code, 413}
        assert error["message"]


def test_an_upload_address_is_good_for_one_object_and_while_its_token_is(
    wire: Wire, repository: Repository
) -> None:
    path = upload_path(wire.batch(repository, BYTES))
    address, right = path.split("?right=")
    other = f"/lfs/objects/{hashlib.sha256(b'other').hexdigest()}?right={right}"

    assert Wire().put(other, b"other").status_code == 403
    assert Wire().put(f"{address}?right={right[:-2]}xx", BYTES).status_code == 403
    assert Wire().put(address, BYTES).status_code == 403
    token = AccessToken.objects.get(user=repository.created_by)
    tokens.revoke(token, by=as_caller(repository.created_by))
    assert Wire().put(path, BYTES).status_code == 401


def test_an_upload_address_ends(
    wire: Wire, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = upload_path(wire.batch(repository, BYTES))
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 13 * 3600)

    answer = Wire().put(path, BYTES)

    assert answer.status_code == 403
    assert "expired" in answer.json()["error"]


def test_who_lost_the_right_meanwhile_cannot_send() -> None:
    owner = make_user()
    lab = make_organisation(owner=owner)
    member = make_member(lab, Role.CONTRIBUTOR)
    repository = make_repository(owner, namespace=lab.name)
    path = upload_path(Wire(member).batch(repository, BYTES))
    member.memberships.all().delete()

    answer = Wire().put(path, BYTES)

    assert answer.status_code == 403
    assert "The right to send files to this repository is gone" in answer.json()["error"]
    assert not Holding.objects.filter(blob__sha256=hashlib.sha256(BYTES).hexdigest()).exists()


# Commits


def test_lines_are_applied_in_their_order(wire: Wire, repository: Repository) -> None:
    make_commit(repository, {"old/a.txt": "a", "old/b.txt": "b", "keep.txt": "k"})

    answer = wire.commit(
        repository,
        {"key": "deletedFolder", "value": {"path": "old/"}},
        file("old/c.txt", b"c"),
        file("new.txt", b"1"),
        file("new.txt", b"2"),
        {"key": "deletedFile", "value": {"path": "keep.txt"}},
    )

    revision = head(repository)
    names = [entry.path for entry in files.files_of(revision)]
    assert names == [".gitattributes", "new.txt", "old/c.txt"]
    assert answer.json() == {
        "success": True,
        "commitOid": revision.oid,
        "commitUrl": f"http://testserver/{repository}/commit/{revision.oid}",
        "hookOutput": "",
    }


def test_a_commit_says_what_others_still_get(wire: Wire, repository: Repository) -> None:
    first = wire.commit(repository, file("README.md", CARD.encode()))
    assert first["X-HF-Warning"].startswith("quarantine; ")
    assert "others get nothing yet" in first["X-HF-Warning"]

    released = make_released().repository
    later = Wire(released.created_by).commit(released, file("a.txt", b"a"))
    assert "what others get is still v1.0" in later["X-HF-Warning"]


def test_without_a_change_there_is_no_commit(wire: Wire, repository: Repository) -> None:
    first = wire.commit(repository, file("a.txt", b"a")).json()["commitOid"]

    assert wire.commit(repository, file("a.txt", b"a")).json()["commitOid"] == first
    assert repository.revisions.count() == 2


def test_a_parent_that_is_not_the_head_is_refused(wire: Wire, repository: Repository) -> None:
    first = head(repository).oid
    second = wire.commit(repository, file("a.txt", b"a"), parentCommit=first[:7])
    third = wire.commit(repository, file("a.txt", b"b"), parentCommit=first)

    assert second.status_code == 200
    assert seen(third) == (412, "", commits.STALE)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ({"key": "copyFile", "value": {"path": "a"}}, 400),
        ({"key": "file", "value": {"path": "a", "content": "?", "encoding": "base64"}}, 400),
        ({"key": "file", "value": {"path": "a", "content": "aa", "encoding": "utf-8"}}, 400),
        ({"key": "file", "value": {"path": "a"}}, 400),
        ({"key": "file"}, 400),
        ({"key": "header", "value": {"summary": "again"}}, 400),
        (lfs_file("a", b"never sent"), 400),
        ({"key": "lfsFile", "value": {"path": "a", "oid": "xyz"}}, 400),
        ({"key": "deletedFile", "value": {"path": "nothing"}}, 404),
        (file("../a", b""), 422),
        (file("/a", b""), 422),
        (file("a\\b", b""), 422),
        (file("a\n", b""), 422),
        (file(".git/config", b""), 422),
        (file("con.txt", b""), 422),
        (file("x" * 300, b""), 422),
        (file("", b""), 422),
        (file("README.md", b"---\nlicense: unheard-of\n---\n"), 400),
        (file("README.md", b"---\n- a\n---\n"), 400),
        (file("README.md", b"---\n\xff\n---\n"), 400),
    ],
)
def test_one_bad_line_refuses_the_whole_commit(
    wire: Wire, repository: Repository, line: dict[str, Any], status: int
) -> None:
    before = head(repository)

    answer = wire.commit(repository, file("good.txt", b"good"), line)

    assert answer.status_code == status, answer.content
    assert answer.json()["error"]
    assert head(repository) == before
    assert not repository.holdings.filter(blob__sha256=hashlib.sha256(b"good").hexdigest()).exists()


@pytest.mark.parametrize("body", [b"", b"\n", b"x", b'{"key": "file"', json.dumps(ZERO).encode()])
def test_a_commit_without_header_is_refused(
    wire: Wire, repository: Repository, body: bytes
) -> None:
    assert wire.post(f"/api/models/{repository}/commit/main", body).status_code == 400


def test_names_that_clash_on_other_computers_are_refused(
    wire: Wire, repository: Repository
) -> None:
    answer = wire.commit(repository, file("a.txt", b"1"), file("A.txt", b"2"))

    assert answer.status_code == 422
    assert "Invalid path" in answer.json()["error"]


def test_a_file_too_large_for_a_commit_is_sent_to_lfs(wire: Wire, repository: Repository) -> None:
    answer = wire.commit(repository, file("a.txt", b"a" * (settings.LFS_THRESHOLD + 100_000)))

    assert answer.status_code == 413
    assert "LFS" in answer.json()["error"]


def test_a_commit_that_is_too_long_is_refused(
    wire: Wire, repository: Repository, settings: Any
) -> None:
    settings.MAX_COMMIT_BODY = 1000

    answer = wire.commit(repository, *[file(f"{i}.txt", b"a" * 100) for i in range(10)])

    assert answer.status_code == 413


def test_more_files_than_a_repository_holds_are_refused_before_they_are_stored(
    wire: Wire, repository: Repository, settings: Any
) -> None:
    settings.MAX_FILES = 3
    before = stored_files()

    answer = wire.commit(repository, *[file(f"{i}", b"never stored %d" % i) for i in range(5)])

    assert answer.status_code == 413
    assert "at most 3 files" in answer.json()["error"]
    assert stored_files() == before
    assert not Blob.objects.filter(size=len(b"never stored 0")).exists()


def test_more_operations_than_a_commit_takes_are_refused(
    wire: Wire, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "MAX_OPERATIONS", 3)
    gone = [{"key": "deletedFile", "value": {"path": f"{i}"}} for i in range(4)]

    answer = wire.commit(repository, *gone)

    assert answer.status_code == 413
    assert "at most 3 operations" in answer.json()["error"]


@pytest.mark.parametrize("key", ["header", "deletedFile", "lfsFile", "nothing"])
def test_only_the_line_of_a_file_may_be_long(wire: Wire, repository: Repository, key: str) -> None:
    line = {"key": key, "value": {"path": "x" * 1024**2}}

    answer = wire.commit(repository, line)

    assert answer.status_code in {400, 413}
    assert len(answer.content) < 1000
    if key != "header":
        assert "Only the line of a file" in answer.json()["error"]


@pytest.mark.parametrize("text", ["\0", "a\\\0", "\ud800"])
def test_a_path_that_the_database_cannot_hold_is_refused(
    wire: Wire, repository: Repository, text: str
) -> None:
    answer = wire.commit(repository, {"key": "deletedFile", "value": {"path": text}})

    assert answer.status_code == 400
    assert "not the JSON expected here" in answer.json()["error"]


def test_a_backslash_before_a_code_is_plain_text(wire: Wire, repository: Repository) -> None:
    answer = wire.commit(repository, summary="not a zero: \\u0000 \U0001f999")

    assert answer.status_code == 200


def test_a_commit_goes_to_a_branch_that_exists(wire: Wire, repository: Repository) -> None:
    for rev in ("nope", head(repository).oid):
        answer = wire.commit(repository, file("a", b""), rev=rev)
        assert seen(answer) == (404, "RevisionNotFound", f"Invalid rev id: {rev}")


def test_a_read_token_is_told_how_to_reach_what_is_not_released(repository: Repository) -> None:
    answer = Wire(repository.created_by, "read").get(f"/api/models/{repository}")

    assert seen(answer)[:2] == (404, "RevisionNotFound")
    assert "a token of scope write" in answer["X-Error-Message"]
    oid = head(repository).oid
    reached = Wire(repository.created_by, "read").get(f"/api/models/{repository}/revision/{oid}")
    assert reached.json()["sha"] == oid


def test_a_read_token_of_a_contributor_cannot_commit_and_does_not_see_the_head() -> None:
    released = make_released()
    repository = released.repository
    newer = make_commit(repository, {"a.txt": "a"})
    reading, writing = Wire(repository.created_by, "read"), Wire(repository.created_by)

    assert reading.commit(repository, file("b", b"")).status_code == 403
    assert writing.get(f"/api/models/{repository}").json()["sha"] == newer.oid
    assert reading.get(f"/api/models/{repository}").json()["sha"] == released.revision.oid
    caller = tokens.recognise(make_token(repository.created_by, "read"))
    assert revisions.find(repository, newer.oid, caller=caller) == newer
