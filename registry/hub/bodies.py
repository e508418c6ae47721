"""The body of a request as it arrives, and answers that do not wait for it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, cast

from django.http import HttpRequest, JsonResponse, UnreadablePostError
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import SocketUnreader

from registry.storage import streams


class Received:
    """A body that is read once, from its beginning. What cannot be read is said as Django says it
    of other bodies."""

    def __init__(self, request: HttpRequest) -> None:
        source = request.META["wsgi.input"]
        is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        # Django reads none of a body that was sent in chunks
        reads_chunks = is_chunked and request.META.get("wsgi.input_terminated")
        self._source = cast(BinaryIO, source if reads_chunks else request)
        self._connection = None if reads_chunks else _connection(source)

    def read(self, size: int, /) -> bytes:
        with _reading():
            return self._source.read(size)

    def readline(self, size: int, /) -> bytes:
        with _reading():
            return self._source.readline(size)

    def say_no_more(self) -> None:
        """Tell who sends that nothing will be said to them on this connection any more."""
        if self._connection is not None:
            self._connection.say_no_more()

    def readinto(self, buffer: memoryview, /) -> int:
        with _reading():
            if self._connection is not None:
                return self._connection.receive(buffer)
            return _put(self._source.read(len(buffer)), buffer)


class Early(JsonResponse):
    """An answer that leaves before the body has come, and ends the connection in its own direction.

    Who stops sending then has saved the rest. Who goes on is listened to: closed in both directions,
    the connection would look broken to them.
    """

    def __init__(self, value: object, body: Received, *, limit: int) -> None:
        super().__init__(value)
        self._body = body
        self._limit = limit

    def close(self) -> None:
        super().close()
        self._body.say_no_more()
        received = 0
        with suppress(UnreadablePostError):
            for piece in streams.pieces(self._body):
                received += len(piece)
                if received > self._limit:
                    return


class _Connection:
    """The socket behind a body of known length, as gunicorn has it."""

    def __init__(self, body: Body, reader: LengthReader, unreader: SocketUnreader) -> None:
        self._body = body
        self._reader = reader
        self._unreader = unreader

    def receive(self, buffer: memoryview) -> int:
        """As much of the body as is there: first what gunicorn has read of it already, for which
        it must not be asked to read more. 0 at the end of the body, or of the connection."""
        wanted = buffer[: self._reader.length + self._body.buf.tell()]
        if not wanted:
            return 0
        if read := self._body.buf.tell():
            return _put(self._body.read(min(read, len(wanted))), wanted)
        if held := self._unreader.take_buffered():
            count = _put(held[: len(wanted)], wanted)
            self._unreader.unread(held[count:])
        else:
            count = self._unreader.sock.recv_into(wanted)
        self._reader.length -= count
        return count

    def say_no_more(self) -> None:
        with suppress(OSError):  # they have gone already
            self._unreader.sock.shutdown(socket.SHUT_WR)


def _put(piece: bytes, buffer: memoryview) -> int:
    buffer[: len(piece)] = piece
    return len(piece)


def _connection(source: object) -> _Connection | None:
    """None where another server runs the site, or none: in its tests."""
    if not isinstance(source, Body) or not isinstance(source.reader, LengthReader):
        return None
    unreader = source.reader.unreader
    if not isinstance(unreader, SocketUnreader):
        return None
    return _Connection(source, source.reader, unreader)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (OSError, ParseException) as error:
        raise UnreadablePostError(str(error)) from error
