"""Putting a file together from stored xorbs, a piece at a time.

What comes next is read and unpacked in a thread beside the one that hashes and writes: both leave
the interpreter to the other while they work.
"""

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass

from registry.errors import Invalid
from registry.storage import blobs, objects
from registry.storage.backend import Content
from registry.storage.blobs import Writer
from registry.storage.models import Blob
from registry.storage.streams import PIECE, fill
from registry.storage.xet import chunks
from registry.storage.xet.chunks import HEADER, MAX_PACKED

AHEAD = 3
# Of one process: each holds a few pieces of 1 MiB, and can keep a processor busy for minutes
AT_ONCE = 2
# Of one upload, those that wait for the disk included
FILES_BEGUN = 3

_slots = threading.BoundedSemaphore(AT_ONCE)


class Lost(Exception):
    """A stored xorb is gone or damaged."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive chunks of a stored xorb, by where they begin and end there."""

    key: str
    begin: int
    end: int
    length: int


@dataclass(frozen=True)
class Wanted:
    """A file that is to be put together."""

    stretches: Iterable[Stretch]
    size: int
    sha256: str


def put_together(wanted: Iterable[Wanted]) -> Iterator[Blob]:
    """The blobs that these make, in their order. Raises Invalid where one has another SHA-256, and
    Lost.

    While one waits for the disk others are put together. The database is asked by the caller's own
    thread alone.
    """
    begun: deque[tuple[ExitStack, Writer, Future[None]]] = deque()
    threads = ThreadPoolExecutor(FILES_BEGUN)
    try:
        for file in wanted:
            stack = ExitStack()
            writer = stack.enter_context(blobs.writer(size=file.size, sha256=file.sha256))
            begun.append((stack, writer, threads.submit(_fill, writer, file.stretches)))
            if len(begun) >= FILES_BEGUN:
                yield _finished(*begun.popleft())
        while begun:
            yield _finished(*begun.popleft())
    finally:
        threads.shutdown(cancel_futures=True)
        for stack, _writer, _filling in begun:
            stack.close()


def _fill(writer: Writer, stretches: Iterable[Stretch]) -> None:
    with _slots:
        for piece in _ahead(_unpacked_all(stretches)):
            writer.write(piece)
    writer.settle()


def _finished(stack: ExitStack, writer: Writer, filling: "Future[None]") -> Blob:
    with stack:
        filling.result()
        return writer.finish()


def _ahead(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, made in a thread of their own a little before they are asked for."""
    waiting: deque[Future[bytes | None]] = deque()
    thread = ThreadPoolExecutor(1)
    try:
        for _ in range(AHEAD):
            waiting.append(thread.submit(next, pieces, None))
        while (piece := waiting.popleft().result()) is not None:
            waiting.append(thread.submit(next, pieces, None))
            yield piece
    finally:
        thread.shutdown(cancel_futures=True)


def _unpacked_all(stretches: Iterable[Stretch]) -> Iterator[bytes]:
    unpacker = chunks.Unpacker()
    last: Stretch | None = None
    content = b""
    for stretch in stretches:
        if stretch == last:  # repeated data names the same chunk again and again
            yield content
            continue
        last = None
        for piece in _unpacked(stretch, unpacker):
            yield piece
            if len(piece) == stretch.length:
                last, content = stretch, piece


def _unpacked(stretch: Stretch, unpacker: chunks.Unpacker) -> Iterator[bytes]:
    given = 0
    try:
        with (
            objects.open_object(stretch.key, stretch.begin, stretch.end - stretch.begin) as content,
            closing(_chunks(content, unpacker)) as pieces,
        ):
            for piece in pieces:
                given += len(piece)
                yield piece
    except (FileNotFoundError, Invalid) as error:
        raise Lost(stretch.key) from error
    if given != stretch.length:
        raise Lost(stretch.key)


def _chunks(content: Content, unpacker: chunks.Unpacker) -> Generator[bytes, None, None]:
    """The chunks in the content, as many together as were read at once."""
    buffer = memoryview(bytearray(PIECE + HEADER + MAX_PACKED))
    rest = 0
    while count := fill(buffer[rest:], content):
        view = buffer[: rest + count]
        found = []
        at = 0
        while len(view) - at >= HEADER:
            head = chunks.header(view, at)
            end = at + HEADER + head.packed
            if end > len(view):
                break
            found.append(unpacker.unpack(head, view[at + HEADER : end]))
            at = end
        yield b"".join(found)
        rest = len(view) - at
        buffer[:rest] = view[at:]
