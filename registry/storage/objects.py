"""Bytes under names of our own: parts of uploads that are not whole yet, chunks, keepsakes.

They lie where the blobs lie, and are no blobs: nothing here is content of a repository.
"""

import io
import re
from collections.abc import Iterator

from registry.errors import Invalid
from registry.storage import backend, streams
from registry.storage.backend import Content, Piece
from registry.storage.streams import Stream

KEY = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*", re.ASCII)
PREFIX = re.compile(rf"({KEY.pattern}/)?", re.ASCII)


def put(key: str, content: Piece | Stream, *, size: int) -> None:
    """Keep exactly `size` bytes under this key (lower case letters, digits, `_.-`, folders with
    `/`), or nothing at all: Invalid where they are not as many, StorageFull where there is no room.

    What was there is replaced in one step. Returns when the bytes survive a loss of power.
    """
    stream = io.BytesIO(content) if isinstance(content, Piece) else content
    received = 0
    with backend.of_objects().incoming(size=size, key=_checked(key)) as incoming:
        for piece in streams.pieces(stream):
            received += len(piece)
            if received > size:
                break
            incoming.write(piece)
        if received != size:
            how_many = "More than" if received > size else f"{received} of"
            raise Invalid(
                f"{how_many} the announced {size} bytes arrived. Nothing was kept; send them again."
            )
        incoming.keep(key)


def open_object(key: str, first: int = 0, length: int | None = None) -> Content:
    """The bytes from `first` on, as a context manager. Raises FileNotFoundError."""
    return backend.of_objects().open(_checked(key), first, length)


def size_of(key: str) -> int | None:
    """How many bytes there are under this key, or None."""
    return backend.of_objects().size(_checked(key))


def exists(key: str) -> bool:
    return size_of(key) is not None


def delete(key: str) -> None:
    """Remove it if it is there."""
    backend.of_objects().delete(_checked(key))


def keys(prefix: str = "") -> Iterator[tuple[str, int]]:
    """The keys in a folder (`uploads/`, or all) and below it, each with its size."""
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"no folder of objects: {prefix!r}")
    return backend.of_objects().keys(prefix)


def _checked(key: str) -> str:
    if not KEY.fullmatch(key) or len(key) > 400:
        raise ValueError(f"no key of an object: {key!r}")
    return key
