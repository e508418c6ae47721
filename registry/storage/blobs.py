"""Taking bytes in and finding them again, on a local folder.

A blob is written under a temporary name, hashed while it is written, compared with what was
announced, synced, renamed to its place, and only then gets its row.
"""

import errno
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings

from registry.errors import Invalid, StorageFull
from registry.storage.models import Blob

PIECE = 1024 * 1024
SMALL = 256 * 1024
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Stream(Protocol):
    """Anything that gives bytes: an open file, a request."""

    def read(self, size: int, /) -> bytes: ...


def store(stream: Stream, *, size: int, sha256: str | None = None) -> Blob:
    """Take in exactly `size` bytes with the announced SHA-256 (64 hex digits), or nothing at all.

    Memory use does not depend on the size. Raises Invalid when the bytes are not the announced
    ones, StorageFull when the disk is; in both cases nothing is left behind.
    """
    if size <= SMALL:
        content = _read(stream, limit=size + 1)
        if (known := _known(content)) is not None and known.sha256 == (sha256 or known.sha256):
            return known
        stream = io.BytesIO(content)
    with _temporary_file() as (file, temporary):
        digest = _copy(stream, file, size=size)
        if sha256 is not None and digest != sha256:
            raise Invalid(
                f"The bytes received have the SHA-256 {digest}, not the announced {sha256}. "
                "Nothing was kept; send the file again."
            )
        with _disk_errors():
            file.flush()
            os.fsync(file.fileno())
            target = path_of(digest)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(target)
            _sync_folder(target.parent)
    blob, _ = Blob.objects.get_or_create(sha256=digest, defaults={"size": size})
    return blob


def path_of(sha256: str) -> Path:
    """Where the bytes of this SHA-256 lie, whether or not they are there."""
    return Path(settings.BLOB_DIR) / sha256[:2] / sha256[2:4] / sha256


def open_blob(sha256: str) -> BinaryIO:
    return path_of(sha256).open("rb")


def clear_abandoned(*, older_than_seconds: float, now: float) -> int:
    """Remove temporary files that no living upload can still be writing. Returns how many."""
    removed = 0
    for path in _temporary_folder().iterdir():
        try:
            if now - path.stat().st_mtime > older_than_seconds:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


def free_bytes() -> int:
    """Bytes still free where the blobs lie."""
    return shutil.disk_usage(_temporary_folder()).free


def _read(stream: Stream, *, limit: int) -> bytes:
    content = bytearray()
    while len(content) < limit and (piece := stream.read(limit - len(content))):
        content += piece
    return bytes(content)


def _known(content: bytes) -> Blob | None:
    """The blob of these bytes, if they lie there unharmed: nothing has to be written and synced,
    which takes longer than all else when a commit brings thousands of small files."""
    blob = Blob.objects.filter(sha256=hashlib.sha256(content).hexdigest()).first()
    if blob is None:
        return None
    try:
        return blob if path_of(blob.sha256).read_bytes() == content else None
    except FileNotFoundError:
        return None


def _temporary_folder() -> Path:
    folder = Path(settings.BLOB_DIR) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _temporary_file() -> Iterator[tuple[BinaryIO, Path]]:
    with _disk_errors():
        descriptor, name = tempfile.mkstemp(dir=_temporary_folder())
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(
                "The registry's disk is full. Nothing of this upload was kept; "
                "tell the operator and send it again later."
            ) from error
        raise


def _copy(stream: Stream, file: BinaryIO, *, size: int) -> str:
    hasher = hashlib.sha256()
    received = 0
    while piece := stream.read(PIECE):
        received += len(piece)
        if received > size:
            raise Invalid(
                f"More than the announced {size} bytes arrived. Nothing was kept; send the file again."
            )
        hasher.update(piece)
        with _disk_errors():
            _write_all(file, piece)
    if received != size:
        raise Invalid(
            f"{received} of the announced {size} bytes arrived. Nothing was kept; send the file again."
        )
    return hasher.hexdigest()


def _write_all(file: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
