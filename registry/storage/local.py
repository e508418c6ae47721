"""Bytes in a folder of this machine: written beside their place, synced, then renamed to it."""

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from django.utils.translation import gettext as _

from registry.errors import StorageFull, StorageUnavailable

log = logging.getLogger(__name__)

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# A disk that went bad or was taken away, or a folder that was unmounted or is somebody else's
AWAY = {
    errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE,
    errno.ENOTDIR, errno.ELOOP,
}  # fmt: skip
INCOMING = "incoming"


class LocalFolder:
    """A back end on a file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def incoming(self, *, size: int, key: str = "") -> Iterator["_Incoming"]:
        with disk_errors():
            descriptor, name = tempfile.mkstemp(dir=self._incoming_folder())
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                yield _Incoming(file, temporary, self._folder)
        finally:
            temporary.unlink(missing_ok=True)

    def open(self, key: str, first: int = 0, length: int | None = None) -> "Window":
        with disk_errors(is_read=True):
            return Window((self._folder / key).open("rb", buffering=0), first, length)

    def size(self, key: str) -> int | None:
        try:
            with disk_errors(is_read=True):
                return (self._folder / key).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        (self._folder / key).unlink(missing_ok=True)
        # Somebody may be about to write into the folder: `keep` makes it again
        with suppress(OSError):
            (self._folder / key).parent.rmdir()

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        for folder, _folders, names in os.walk(self._folder / prefix):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    key = path.relative_to(self._folder).as_posix()
                    if not key.startswith(f"{INCOMING}/"):
                        yield key, path.stat().st_size

    def path(self, key: str) -> Path:
        return self._folder / key

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._incoming_folder()).free

    def clear_abandoned(self, *, before: float) -> int:
        removed = 0
        for path in self._incoming_folder().iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    def adopt(self, source: Path, file: BinaryIO, key: str) -> None:
        """Put a file of this folder, open for writing, to the place of its key."""
        _Incoming(file, source, self._folder).keep(key)

    def _incoming_folder(self) -> Path:
        folder = self._folder / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class _Incoming:
    def __init__(self, file: BinaryIO, temporary: Path, folder: Path) -> None:
        self._file = file
        self._temporary = temporary
        self._folder = folder

    def write(self, piece: bytes | bytearray | memoryview, /) -> None:
        view = memoryview(piece)
        with disk_errors():
            while view:
                view = view[self._file.write(view) :]

    def settle(self) -> None:
        with disk_errors():
            os.fsync(self._file.fileno())

    def keep(self, key: str, *, is_safe: bool = True) -> None:
        target = self._folder / key
        if is_safe:
            self.settle()
        with disk_errors():
            try:
                self._rename(target)
            except FileNotFoundError:  # the folder went when the last file in it was deleted
                self._rename(target)
            if is_safe:
                _sync_folder(target.parent)

    def _rename(self, target: Path) -> None:
        _make_folder(target.parent)
        self._temporary.rename(target)


class Window:
    """A part of an open file that ends where the part ends.

    gunicorn asks it for the descriptor, which stands at the first byte, and has the kernel send as
    many bytes as Content-Length says; who reads instead gets no byte more.
    """

    def __init__(self, file: BinaryIO, first: int = 0, length: int | None = None) -> None:
        self._file = file
        file.seek(0, os.SEEK_END)
        there = max(file.tell() - first, 0)
        self._left = there if length is None else min(length, there)
        file.seek(first)

    def fileno(self) -> int:
        return self._file.fileno()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece

    def readinto(self, buffer: memoryview, /) -> int:
        count: int = self._file.readinto(buffer[: self._left])  # type: ignore[attr-defined]
        self._left -= count
        return count

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


@contextmanager
def disk_errors(*, is_read: bool = False) -> Iterator[None]:
    """Say that the disk is full or away. A missing file is for readers to judge; for who writes
    it is the folder that is missing."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(
                _(
                    "The registry's disk is full. Nothing of this upload was kept; tell the "
                    "operator and send it again later."
                )
            ) from error
        if error.errno in AWAY or (error.errno == errno.ENOENT and not is_read):
            log.error("The folder of bytes does not serve: %s", error)
            raise StorageUnavailable(
                _("The registry's storage does not answer at the moment. Try again in a while.")
            ) from error
        raise


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each safe in the one above before anything lies in it."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
