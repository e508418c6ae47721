"""What a place for bytes has to offer, and which one this site has chosen."""

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from django.conf import settings

from registry.storage.local import LocalFolder

if TYPE_CHECKING:
    from registry.storage.s3 import S3Bucket

Piece = bytes | bytearray | memoryview


class Content(Protocol):
    """Bytes on their way out. It has `fileno` only where the kernel can send them."""

    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class Incoming(Protocol):
    """Bytes on their way in. Nobody finds them before `keep`, and without it nothing remains."""

    def write(self, piece: Piece, /) -> None: ...

    def settle(self) -> None:
        """Wait until what was written is safe from a loss of power, so that `keep` need not."""

    def keep(self, key: str, *, is_safe: bool = True) -> None:
        """Put what was written to its place, in one step and safe from a loss of power, unless
        that is not asked for."""


class Backend(Protocol):
    """Bytes under keys such as `ab/cd/abcd…`. A key that is written again gets the new bytes."""

    def incoming(self, *, size: int, key: str = "") -> AbstractContextManager[Incoming]:
        """At most `size` bytes; `key` is where they will be kept, if that is known by now."""

    def open(self, key: str, first: int = 0, length: int | None = None) -> Content:
        """The bytes from `first` on. Raises FileNotFoundError."""

    def size(self, key: str) -> int | None:
        """How many bytes there are, or None where nothing has this key."""

    def delete(self, key: str) -> None:
        """Remove it if it is there."""

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Keys below a folder (`prefix` ends with `/` or is empty) and their sizes."""

    def free_bytes(self) -> int:
        """Room left, as far as that is known."""

    def clear_abandoned(self, *, before: float) -> int:
        """Remove what uploads of processes that are gone left before this time (seconds of the
        epoch). Returns how much."""


def of_blobs() -> Backend:
    return local_folder() or bucket("blobs/")


def of_objects() -> Backend:
    if settings.STORAGE == "s3":
        return bucket("objects/")
    return _folder(str(settings.BLOB_DIR / "objects"))


def local_folder() -> LocalFolder | None:
    """The folder of this machine that the blobs lie in, if they do."""
    return _folder(str(settings.BLOB_DIR)) if settings.STORAGE == "local" else None


def bucket(folder: str) -> "S3Bucket":
    """A folder of the site's bucket."""
    return _bucket(f"{settings.S3_PREFIX}{folder}", **settings.S3)


@functools.cache
def _folder(path: str) -> LocalFolder:
    return LocalFolder(Path(path))


@functools.cache
def _bucket(prefix: str, **address: str) -> "S3Bucket":
    # boto3 takes a while and memory, for which sites without a bucket have no use
    from registry.storage.s3 import Address, S3Bucket

    return S3Bucket(Address(**address), prefix)
