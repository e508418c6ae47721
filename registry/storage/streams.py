"""Bytes as they arrive, in a buffer that is used again and again.

A new piece of memory for every MiB costs as much processor time as receiving it.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

PIECE = 1024 * 1024


class Stream(Protocol):
    """Anything that gives bytes: an open file, a request. Where it has `readinto`, that is used."""

    def read(self, size: int, /) -> bytes: ...


def fill(buffer: memoryview, stream: Stream) -> int:
    """Put what comes next at the beginning of the buffer. Returns how much; 0 at the end."""
    into: Callable[[memoryview], int] | None = getattr(stream, "readinto", None)
    if into is not None:
        return into(buffer)
    piece = stream.read(len(buffer))
    buffer[: len(piece)] = piece
    return len(piece)


def pieces(stream: Stream) -> Iterator[memoryview]:
    """What the stream gives. Each piece lies where the one before it was."""
    buffer = memoryview(bytearray(PIECE))
    while count := fill(buffer, stream):
        yield buffer[:count]
