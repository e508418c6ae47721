"""Objects on their way in by parts, on a local folder: each part is written where it belongs in one
file, which becomes the blob without being copied.

A hash runs along while parts come in order, one after the other; only what came otherwise is read a
second time. Whatever was said of parts, the SHA-256 of the whole file decides. Locks on ranges of
the file, which end with the process that has them, keep a part's writer alone with its range, and
whoever completes the upload alone with all of it.
"""

import fcntl
import hashlib
import os
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.errors import Invalid, Missing, TooMany
from registry.storage import backend, blobs
from registry.storage.local import disk_errors
from registry.storage.models import Blob, Upload
from registry.storage.streams import PIECE, Stream, fill

PART = 64 * 1024**2
MAX_PARTS = 1000
OVER = gettext_noop("This upload is over, or was abandoned. Start it again.")
BUSY = gettext_noop("Another request is still sending to this upload.")
WAIT_SECONDS = 20.0
CHAINS = 256
BROKEN = -1


@dataclass
class _Chain:
    """A hash of the first `done` bytes, good as long as nobody else wrote."""

    hasher: Any
    done: int
    writes: int


_chains: OrderedDict[str, _Chain] = OrderedDict()
_chains_lock = threading.Lock()


def part_size(size: int) -> int:
    """How large the parts of an object are: few enough that their addresses make a short answer."""
    return max(PART, -(-size // MAX_PARTS // PIECE) * PIECE)


def count(upload: Upload) -> int:
    return -(-upload.size // upload.part_size)


def begin(upload: Upload) -> None:
    """Make the file, unless it is there from before."""
    path = _path(upload)
    with disk_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()


def receive(upload: Upload, number: int, stream: Stream) -> None:
    """Take in one part, or raise. What is there already is compared and not written again."""
    if not 1 <= number <= count(upload):
        raise Invalid(
            _("The upload has %(upload)s parts; there is no part %(number)s.")
            % {"upload": count(upload), "number": number}
        )
    first = (number - 1) * upload.part_size
    length = min(upload.part_size, upload.size - first)
    with _opened(upload) as file, _locked(file, first, length):
        _check_place(upload, file)
        chain = _take_chain(upload, first)
        try:
            _receive(upload, file, stream, first, length, chain)
        finally:
            # Also where it broke off: what came before is still good, and the part will come again
            _put_chain(upload, chain)


def complete(upload: Upload) -> Blob:
    """Make the file a blob, or raise Invalid and keep nothing of it."""
    with _opened(upload) as file, _locked(file, 0, 0):
        _check_place(upload, file)
        there = os.fstat(file.fileno()).st_size
        if there != upload.size:
            raise Invalid(
                _(
                    "%(there)s of the announced %(size)s bytes arrived: parts are missing. Send "
                    "them again."
                )
                % {"there": there, "size": upload.size}
            )
        digest = _digest(upload, file)
        if digest != upload.sha256:
            discard(upload)
            raise Invalid(
                _(
                    "The bytes received have the SHA-256 %(digest)s, not the announced %(sha256)s. "
                    "Nothing was kept; send the file again."
                )
                % {"digest": digest, "sha256": upload.sha256}
            )
        folder = backend.local_folder()
        assert folder is not None  # noqa: S101 - parts come here only where there is one
        return blobs.place(
            upload.sha256,
            upload.size,
            lambda: folder.adopt(_path(upload), file, blobs.key_of(upload.sha256)),
        )


def discard(upload: Upload) -> None:
    """Forget what came of the upload."""
    with _chains_lock:
        _chains.pop(upload.public_id, None)
    _path(upload).unlink(missing_ok=True)


def strays() -> Iterator[str]:
    """Public ids of uploads whose files lie there."""
    with suppress(FileNotFoundError):
        for path in _folder().iterdir():
            yield path.name


def discard_stray(name: str, *, before: datetime) -> bool:
    """Remove the file of an upload that has no row, unless it was just made."""
    with suppress(FileNotFoundError):
        path = _folder() / name
        if path.stat().st_mtime < before.timestamp():
            path.unlink()
            return True
    return False


def _receive(
    upload: Upload,
    file: BinaryIO,
    stream: Stream,
    first: int,
    length: int,
    chain: _Chain | None,
) -> None:
    """Write the part, and have the chain go on over it."""
    along = chain.hasher.copy() if chain else None
    there = os.fstat(file.fileno()).st_size
    is_written = False
    received = 0
    buffer = memoryview(bytearray(PIECE))
    while received < length:
        count = fill(buffer[: length - received], stream)
        if not count:
            raise Invalid(
                _("%(received)s of the %(length)s bytes of this part arrived; send it again.")
                % {"received": received, "length": length}
            )
        piece = buffer[:count]
        at = first + received
        is_same = not is_written and at < there and os.pread(file.fileno(), len(piece), at) == piece
        if not is_same:
            if not is_written:
                _note_write(upload, chain)
                is_written = True
            _write(file, piece, at)
        if along is not None:
            along.update(piece)
        received += len(piece)
    if stream.read(1):
        raise Invalid(
            _("More than the %(length)s bytes of this part arrived; send it again.")
            % {"length": length}
        )
    if not is_written:
        Upload.objects.filter(pk=upload.pk).update(touched_at=timezone.now())
    if chain is not None:
        chain.hasher, chain.done = along, first + length


def _note_write(upload: Upload, chain: _Chain | None) -> None:
    """Count a change to the file before it is made, so that no hash of what was is trusted. The
    chain knows of its own writer's."""
    found = Upload.objects.filter(pk=upload.pk)
    if not found.update(writes=F("writes") + 1, touched_at=timezone.now()):
        raise Missing(_(OVER))
    if chain is not None:
        writes = found.values_list("writes", flat=True).get()
        chain.writes = writes if writes == chain.writes + 1 else BROKEN


def _write(file: BinaryIO, view: memoryview, at: int) -> None:
    with disk_errors():
        while view:
            written = os.pwrite(file.fileno(), view, at)
            view, at = view[written:], at + written


def _digest(upload: Upload, file: BinaryIO) -> str:
    """The SHA-256 of the file: from the chain as far as it goes, the rest read."""
    writes = Upload.objects.filter(pk=upload.pk).values_list("writes", flat=True).first()
    with _chains_lock:
        chain = _chains.pop(upload.public_id, None)
    hasher, done = hashlib.sha256(), 0
    if chain is not None and chain.writes == writes:
        hasher, done = chain.hasher, chain.done
    while piece := os.pread(file.fileno(), PIECE, done):
        hasher.update(piece)
        done += len(piece)
    return str(hasher.hexdigest())


def _take_chain(upload: Upload, first: int) -> _Chain | None:
    """The hash of all that comes before, if it can be gone on with. At the start there always is
    one."""
    with _chains_lock:
        chain = _chains.pop(upload.public_id, None)
    upload.refresh_from_db(fields=["writes"])
    if first == 0:
        return _Chain(hashlib.sha256(), 0, upload.writes)
    if chain is not None and chain.done == first and chain.writes == upload.writes:
        return chain
    return None


def _put_chain(upload: Upload, chain: _Chain | None) -> None:
    if chain is None:
        return
    with _chains_lock:
        _chains[upload.public_id] = chain
        while len(_chains) > CHAINS:
            _chains.popitem(last=False)


@contextmanager
def _opened(upload: Upload) -> Iterator[BinaryIO]:
    try:
        with disk_errors(is_read=True):
            file = _path(upload).open("r+b", buffering=0)
    except FileNotFoundError as error:
        raise Missing(_(OVER)) from error
    with file:
        yield file


def _check_place(upload: Upload, file: BinaryIO) -> None:
    """Raise where the file became a blob, or was discarded, while we waited for it."""
    try:
        here = _path(upload).stat()
    except FileNotFoundError as error:
        raise Missing(_(OVER)) from error
    if here.st_ino != os.fstat(file.fileno()).st_ino:
        raise Missing(_(OVER))


@contextmanager
def _locked(file: BinaryIO, first: int, length: int) -> Iterator[None]:
    """Alone with this range of the file (to its end where `length` is 0), among all threads and
    processes. The lock ends when the file is closed."""
    wanted = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, first, length, 0)
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.fcntl(file.fileno(), fcntl.F_OFD_SETLK, wanted)
            break
        except (BlockingIOError, PermissionError) as error:
            if time.monotonic() > until:
                raise TooMany(_(BUSY), seconds=5) from error
            time.sleep(0.05)
    yield


def _path(upload: Upload) -> Path:
    return _folder() / upload.public_id


def _folder() -> Path:
    return Path(settings.BLOB_DIR) / "objects" / "uploads"
