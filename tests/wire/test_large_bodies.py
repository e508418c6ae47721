"""Bodies on the real server: streamed, cut off, in chunks; memory that does not grow with them."""

import hashlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings

from registry.catalog.models import Repository
from registry.storage import blobs
from tests.factories import make_repository, make_token
from tests.hub.calls import file
from tests.wire.conftest import Server

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1024 * 1024
Call = Any


@pytest.fixture
def repository() -> Repository:
    return make_repository()


@pytest.fixture
def call(server: Server, repository: Repository) -> Iterator[Call]:
    """`call(method, path, body, **headers)` -> (status, body) with the owner's token."""
    secret = make_token(repository.created_by)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)

    def run(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        sent = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        connection.request(method, path, body, sent | headers)
        with connection.getresponse() as answer:
            return answer.status, answer.read()

    yield run
    connection.close()


def upload_path(call: Call, repository: Repository, oid: str, size: int) -> str:
    body = {"operation": "upload", "objects": [{"oid": oid, "size": size}]}
    path = f"/{repository}.git/info/lfs/objects/batch"
    status, answer = call("POST", path, json.dumps(body))
    assert status == 200, answer
    parts = urlsplit(json.loads(answer)["objects"][0]["actions"]["upload"]["href"])
    return f"{parts.path}?{parts.query}"


def peak_memory(server: Server) -> int:
    """The most memory that the worker ever used, in MiB."""
    (worker,) = psutil.Process(server.process.pid).children()
    status = Path(f"/proc/{worker.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def test_memory_does_not_grow_with_the_file(
    server: Server, call: Call, repository: Repository
) -> None:
    size, piece = 256 * MIB, bytes(range(256)) * 4096
    hasher = hashlib.sha256()
    for _ in range(size // MIB):
        hasher.update(piece)
    oid = hasher.hexdigest()
    upload_path(call, repository, "0" * 64, 1)
    before = peak_memory(server)

    path = upload_path(call, repository, oid, size)
    pieces = (piece for _ in range(size // MIB))
    status, answer = call("PUT", path, pieces, **{"Content-Length": str(size)})
    lines = [
        {"key": "header", "value": {"summary": "Add"}},
        {"key": "lfsFile", "value": {"path": "m.bin", "algo": "sha256", "oid": oid, "size": size}},
    ]
    commit = "\n".join(json.dumps(line) for line in lines)
    assert status == 200, answer
    assert call("POST", f"/api/models/{repository}/commit/main", commit)[0] == 200
    status, answer = call("GET", f"/{repository}/resolve/main/m.bin")

    assert (status, hashlib.sha256(answer).hexdigest()) == (200, oid)
    assert peak_memory(server) - before <= 32


def test_a_sender_that_dies_leaves_nothing(
    server: Server, call: Call, repository: Repository
) -> None:
    content = b"x" * MIB
    oid = hashlib.sha256(content).hexdigest()
    path = upload_path(call, repository, oid, len(content))
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.putrequest("PUT", path)
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content[:1000])
    incoming = Path(settings.BLOB_DIR) / "incoming"
    until = time.monotonic() + 10
    while not list(incoming.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)

    connection.close()

    while list(incoming.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(incoming.iterdir()) == []
    assert not blobs.exists(oid)
    assert not repository.holdings.filter(blob__sha256=oid).exists()


def test_bodies_may_come_in_chunks(call: Call, repository: Repository) -> None:
    content = b"chunk " * 50_000
    oid = hashlib.sha256(content).hexdigest()
    path = upload_path(call, repository, oid, len(content))

    assert call("PUT", path, iter([content[:7], content[7:]]))[0] == 200
    lines = [{"key": "header", "value": {"summary": "Add"}}, file("a.txt", b"a")]
    commit = [json.dumps(line).encode() + b"\n" for line in lines]
    assert call("POST", f"/api/models/{repository}/commit/main", iter(commit))[0] == 200
    assert call("GET", f"/{repository}/resolve/main/a.txt") == (200, b"a")


@pytest.mark.parametrize(
    "sent",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"\r\n\r\n",
        b"3\r\nabcXX0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nno trailer at all\r\n\r\n",
        b"3;\r=x\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"f" * 20_000,
        b"a\r\nabc",
    ],
)
@pytest.mark.parametrize("to", ["object", "commit"])
def test_chunks_that_cannot_be_read_get_a_sentence_and_leave_nothing(
    server: Server, call: Call, repository: Repository, sent: bytes, to: str
) -> None:
    oid = hashlib.sha256(b"abc").hexdigest()
    path = upload_path(call, repository, oid, 3)
    method = "PUT"
    if to == "commit":
        path, method = f"/api/models/{repository}/commit/main", "POST"
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.putrequest(method, path)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Authorization", f"Bearer {make_token(repository.created_by)}")
    connection.endheaders(sent)
    connection.sock.shutdown(socket.SHUT_WR)

    with connection.getresponse() as answer:
        said = answer.read()

    connection.close()
    assert answer.status == 400, said
    assert json.loads(said)["error"]
    assert list((Path(settings.BLOB_DIR) / "incoming").iterdir()) == []
    assert not blobs.exists(oid)


def test_more_bytes_in_chunks_than_announced_are_refused(
    call: Call, repository: Repository
) -> None:
    content = b"longer " * 50_000
    oid = hashlib.sha256(content).hexdigest()
    path = upload_path(call, repository, oid, len(content))

    status, answer = call("PUT", path, iter([content, b"!"]))

    assert status == 400
    assert b"More than the announced" in answer
    assert not blobs.exists(oid)


def test_ranges_are_cut_by_the_server_itself(call: Call, repository: Repository) -> None:
    content = bytes(range(256)) * 1000
    lines = [{"key": "header", "value": {"summary": "Add"}}, file("a.txt", content)]
    commit = "\n".join(json.dumps(line) for line in lines)
    assert call("POST", f"/api/models/{repository}/commit/main", commit)[0] == 200
    path = f"/{repository}/resolve/main/a.txt"

    for header, expected in {
        "bytes=0-0": content[:1],
        "bytes=1000-200999": content[1000:201000],
        "bytes=255999-": content[-1:],
        "bytes=-10": content[-10:],
    }.items():
        assert call("GET", path, Range=header) == (206, expected)
    assert call("GET", path, Range="bytes=256000-")[0] == 416
    assert call("HEAD", path) == (200, b"")
    assert call("GET", path) == (200, content)
