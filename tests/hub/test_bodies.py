"""A body is read from the connection itself, as gunicorn would have read it."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from registry.hub.bodies import Received
from registry.storage import streams


class Connection:
    """A client's socket, and what gunicorn makes of what it sends."""

    def __init__(self) -> None:
        self.client, self.server = socket.socketpair()
        self._config = Config()
        self._requests = RequestParser(self._config, self.server, ("127.0.0.1", 1))

    def next(self) -> Received:
        """The body of the next request."""
        found = next(self._requests)
        address = ("127.0.0.1", 2)
        _response, environ = wsgi.create(found, self.server, address, address, self._config)
        return Received(WSGIRequest(environ))

    def send(self, *sent: bytes) -> None:
        for piece in sent:
            self.client.sendall(piece)

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture
def connection() -> Iterator[Connection]:
    found = Connection()
    yield found
    found.close()


def head(length: int) -> bytes:
    return b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def taken(body: Received, size: int = 100_000) -> bytes:
    buffer = memoryview(bytearray(size))
    found = b""
    while count := body.readinto(buffer):
        found += buffer[:count]
    return found


@given(
    bodies=st.lists(st.binary(max_size=20_000), min_size=1, max_size=4),
    size=st.integers(min_value=1, max_value=30_000),
)
def test_each_request_of_a_connection_gets_its_own_bytes(bodies: list[bytes], size: int) -> None:
    connection = Connection()
    sending = threading.Thread(
        target=connection.send, args=[head(len(body)) + body for body in bodies]
    )
    try:
        sending.start()
        for body in bodies:
            assert taken(connection.next(), size) == body
        sending.join()
    finally:
        connection.close()


def test_reading_may_go_on_in_either_way(connection: Connection) -> None:
    connection.send(head(12), b"one", b"two", b"line\n!", head(2), b"ok")
    body = connection.next()

    assert body.read(3) == b"one"
    assert bytes(_some(body, 3)) == b"two"
    assert body.readline(100) == b"line\n"
    assert bytes(_some(body, 3)) == b"!"
    assert body.read(1) == b""
    assert taken(connection.next()) == b"ok"


def test_a_large_body_arrives_whole(connection: Connection) -> None:
    content = os.urandom(5_000_000)
    sending = threading.Thread(target=connection.send, args=[head(len(content)), content])
    sending.start()

    hasher = hashlib.sha256()
    for piece in streams.pieces(connection.next()):
        hasher.update(piece)
    sending.join()

    assert hasher.digest() == hashlib.sha256(content).digest()


def test_a_body_that_ends_early_is_shorter(connection: Connection) -> None:
    connection.send(head(100), b"x" * 40)
    connection.client.shutdown(socket.SHUT_WR)

    assert taken(connection.next()) == b"x" * 40


def test_a_connection_that_is_reset_is_said_as_such(connection: Connection) -> None:
    connection.send(head(100))
    body = connection.next()
    connection.server.close()

    with pytest.raises(UnreadablePostError):
        taken(body)


def test_a_body_in_chunks_is_put_together(connection: Connection) -> None:
    connection.send(
        b"PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"3\r\none\r\n5\r\n, two\r\n0\r\n\r\n",
        head(2),
        b"ok",
    )

    assert taken(connection.next()) == b"one, two"
    assert taken(connection.next()) == b"ok"


def _some(body: Received, size: int) -> memoryview:
    buffer = memoryview(bytearray(size))
    return buffer[: body.readinto(buffer)]


def test_without_gunicorn_the_body_is_what_django_has() -> None:
    class Request:
        META: dict[str, Any] = {"wsgi.input": object()}  # noqa: RUF012
        headers: dict[str, str] = {}  # noqa: RUF012

        def read(self, size: int, /) -> bytes:
            return b"abc"[:size]

    assert bytes(_some(Received(Request()), 2)) == b"ab"  # type: ignore[arg-type]
