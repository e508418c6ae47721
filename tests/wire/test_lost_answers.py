"""A commit whose answer is lost on the way: the client sends it once more, and it is one commit."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.factories import make_commit, make_facts, make_repository, make_token, make_user
from tests.wire import broken
from tests.wire.clients import Client, newest_python
from tests.wire.conftest import Server

pytestmark = pytest.mark.django_db(transaction=True)
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Forgetful(broken.Line):
    """Hands everything on but the first answer to a commit, in whose place it says to try again."""

    def __init__(self, url: str) -> None:
        self.lost = 0
        self._committing: set[socket.socket] = set()
        super().__init__(url)

    def _up(self, inner: socket.socket, outer: socket.socket) -> None:
        with suppress(OSError):
            while piece := inner.recv(65536):
                if b"/commit/" in piece.partition(b"\r\n")[0] and not self.lost:
                    self._committing.add(outer)
                outer.sendall(piece)
        self._end(outer)

    def _down(self, outer: socket.socket, inner: socket.socket) -> None:
        with suppress(OSError):
            while piece := outer.recv(65536):
                if outer in self._committing:
                    self.lost += 1
                    inner.sendall(BUSY)
                    break
                inner.sendall(piece)
        self._end(inner)
        self._end(outer)


@pytest.fixture
def line(server: Server) -> Iterator[Forgetful]:
    made = Forgetful(server.url)
    yield made
    made.close()


def test_a_folder_whose_commit_is_sent_twice_is_there_once(line: Forgetful, tmp_path: Path) -> None:
    make_facts()
    ada = make_user("ada")
    repository = make_repository(ada, "tiny")
    before = make_commit(repository, {"old/a.txt": "a", "old/b.bin": b"weights", "keep.txt": "k"})
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "new.bin").write_bytes(b"\0new weights")
    (folder / "keep.txt").write_text("changed")
    client = Client(newest_python(), line.url, make_token(ada), tmp_path / "home")

    try:
        done = client(
            "upload_folder",
            repo_id="ada/tiny",
            folder_path=str(folder),
            delete_patterns="old/*",
            parent_commit=before.oid,
        )
    finally:
        client.close()

    assert line.lost == 1
    head = repository.refs.get(name="refs/heads/main").head
    assert done["oid"] == head.oid
    assert head.parents == [before.oid]
    assert repository.revisions.count() == 3
