"""Blobs of a bucket as files of this machine, for programs that want real files."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from registry.errors import StorageFull, StorageUnavailable
from registry.storage.backend import Content
from registry.storage.local import disk_errors
from registry.storage.streams import pieces


@contextmanager
def copy_of(sha256: str, opened: Callable[[], Content]) -> Iterator[Path]:
    """A verified copy, which stays for as long as somebody uses it and is then the first to go
    when room is needed. Several processes share it: each holds a lock on the file."""
    folder = _folder()
    path = folder / sha256
    while (descriptor := _use(path)) is None:
        _bring(opened, path, sha256)
    try:
        yield path
    finally:
        os.close(descriptor)
        shrink(settings.COPIES_BYTES)


def shrink(limit: int) -> int:
    """Remove copies that nobody uses, the oldest first, until no more than `limit` bytes are
    kept. Returns how many went."""
    found = []
    for path in _folder().iterdir():
        with suppress(FileNotFoundError):
            found.append((path.stat().st_atime, path.stat().st_size, path))
    kept, removed = sum(size for _, size, _ in found), 0
    for _, size, path in sorted(found):
        if kept <= limit:
            break
        if _remove_unused(path):
            kept, removed = kept - size, removed + 1
    return removed


def _use(path: Path) -> int | None:
    """A descriptor whose lock keeps the copy from being removed, or None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    if os.fstat(descriptor).st_nlink:
        os.utime(descriptor)
        return descriptor
    os.close(descriptor)  # removed before we had the lock
    return None


def _bring(opened: Callable[[], Content], path: Path, sha256: str) -> None:
    """Fetch, and where the disk is full make room of what nobody uses for as long as there is any."""
    while True:
        try:
            with opened() as content:
                return _fetch(content, path, sha256)
        except StorageFull:
            if not shrink(0):
                raise


def _fetch(content: Content, path: Path, sha256: str) -> None:
    hasher = hashlib.sha256()
    with disk_errors(), tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        # So that nobody takes it for an abandoned one while it is written
        fcntl.flock(file, fcntl.LOCK_SH)
        if not os.fstat(file.fileno()).st_nlink:
            return  # somebody did, in the moment before; the caller comes again
        try:
            for piece in pieces(content):
                hasher.update(piece)
                file.write(piece)
            file.flush()
            if hasher.hexdigest() != sha256:
                raise StorageUnavailable(f"The bytes stored as {sha256} are others.")
            # Never over the file of somebody who was quicker: its users hold a lock on that one
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
        finally:
            Path(file.name).unlink(missing_ok=True)


def _remove_unused(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:  # else another file may have this name by now
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _folder() -> Path:
    folder: Path = settings.CACHE_DIR / "blobs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
