"""The body of a request as it arrives."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from django.http import HttpRequest, UnreadablePostError
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import SocketUnreader


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

    def readinto(self, buffer: memoryview, /) -> int:
        with _reading():
            if self._connection is not None and (count := self._connection.receive(buffer)):
                return count
            piece = self._source.read(len(buffer))
            buffer[: len(piece)] = piece
            return len(piece)


class _Connection:
    """The socket behind a body of known length, as gunicorn has it."""

    def __init__(self, body: Body, reader: LengthReader, unreader: SocketUnreader) -> None:
        self._body = body
        self._reader = reader
        self._unreader = unreader

    def receive(self, buffer: memoryview) -> int:
        """As much of the body as is there. 0 where gunicorn has to be asked: it still has some of
        it, or the body is at its end, or the connection."""
        if self._body.buf.tell() or self._unreader.buf.getbuffer().nbytes:
            return 0
        wanted = buffer[: self._reader.length]
        count = self._unreader.sock.recv_into(wanted) if wanted else 0
        self._reader.length -= count
        return count


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
