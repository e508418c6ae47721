"""Bytes as they arrive, in a buffer that is used again and again.

A new piece of memory for every MiB costs as much processor time as receiving it.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

PIECE = 1024 * 1024


class Stream(Protocol):
    """Anything that gives bytes: an open file, a request."""

    def read(self, size: int, /) -> bytes: ...


@runtime_checkable
class Filler(Stream, Protocol):
    """A stream that puts its bytes where the reader wants them."""

    def readinto(self, buffer: memoryview, /) -> int: ...


def fill(buffer: memoryview, stream: Stream) -> int:
    """Put what comes next at the beginning of the buffer. Returns how much; 0 at the end."""
    if isinstance(stream, Filler):
        return stream.readinto(buffer)
    piece = stream.read(len(buffer))
    buffer[: len(piece)] = piece
    return len(piece)


def pieces(stream: Stream) -> Iterator[memoryview]:
    """What the stream gives. Each piece lies where the one before it was."""
    buffer = memoryview(bytearray(PIECE))
    while count := fill(buffer, stream):
        yield buffer[:count]
