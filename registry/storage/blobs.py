"""Taking bytes in and finding them again by their SHA-256, wherever the site keeps them.

A blob is hashed while it is written, compared with what was announced, made safe, put to its place
in one step, and only then gets its row.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.errors import Invalid, NotNow, TooLarge
from registry.storage import backend, copies, streams
from registry.storage.backend import Content, Incoming, Piece
from registry.storage.models import Blob
from registry.storage.streams import Stream

SMALL = 256 * 1024
REMOVAL = 0x72656D6F  # the key of a lock
LOOKS_AT_ONCE = 8  # what a store answers over a network, it answers to many at once
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Writer:
    """Takes a blob piece by piece; `finish` makes it one. See `writer`."""

    def __init__(self, incoming: Incoming, *, size: int, sha256: str | None) -> None:
        self._incoming = incoming
        self._size = size
        self._sha256 = sha256
        self._hasher = hashlib.sha256()
        self._received = 0

    def write(self, piece: Piece) -> None:
        self._received += len(piece)
        if self._received > self._size:
            raise Invalid(
                _(
                    "More than the announced %(size)s bytes arrived. Nothing was kept; send the "
                    "file again."
                )
                % {"size": self._size}
            )
        self._hasher.update(piece)
        self._incoming.write(piece)

    def settle(self) -> None:
        """Check what was written and wait for the disk: all of `finish` that asks no database."""
        self._verified()
        self._incoming.settle()

    def finish(self) -> Blob:
        digest = self._verified()
        return place(digest, self._size, lambda: self._incoming.keep(key_of(digest)))

    def _verified(self) -> str:
        if self._received != self._size:
            raise Invalid(
                _(
                    "%(received)s of the announced %(size)s bytes arrived. Nothing was kept; send "
                    "the file again."
                )
                % {"received": self._received, "size": self._size}
            )
        digest = self._hasher.hexdigest()
        if digest != (self._sha256 or digest):
            raise Invalid(
                _(
                    "The bytes received have the SHA-256 %(digest)s, not the announced %(sha256)s. "
                    "Nothing was kept; send the file again."
                )
                % {"digest": digest, "sha256": self._sha256}
            )
        return digest


def store(stream: Stream, *, size: int, sha256: str | None = None) -> Blob:
    """Take in exactly `size` bytes with the announced SHA-256 (64 hex digits), or nothing at all.

    Memory use does not depend on the size. Raises Invalid when the bytes are not the announced
    ones, StorageFull when there is no room; in both cases nothing is left behind.
    """
    if size <= SMALL:
        content = _read(stream, limit=size + 1)
        if (known := _known(content)) is not None and known.sha256 == (sha256 or known.sha256):
            return known
        with _writer(size=size, sha256=sha256) as taking:
            taking.write(content)
            return taking.finish()
    with _writer(size=size, sha256=sha256) as taking:
        for piece in streams.pieces(stream):
            taking.write(piece)
        return taking.finish()


@contextmanager
def writer(*, size: int, sha256: str) -> Iterator[Writer]:
    """`write` the pieces of a blob, then `finish`. Without it nothing remains; Invalid is raised
    by `write` when it is too much and by `finish` when it is too little or another SHA-256."""
    with _writer(size=size, sha256=sha256) as taking:
        yield taking


@transaction.atomic
def place(sha256: str, size: int, keep: Callable[[], object]) -> Blob:
    """The row of bytes that were verified and that `keep` puts to their place. Garbage collection
    cannot come between the two, and counts anew from here."""
    alone_with(sha256)
    keep()
    (blob,) = write_rows({sha256: size})
    return blob


def write_rows(sizes: Mapping[str, int]) -> list[Blob]:
    """The rows of bytes that lie at their places, by SHA-256; nothing waits for their removal."""
    now = timezone.now()
    return Blob.objects.bulk_create(
        [Blob(sha256=sha256, size=size, came_at=now) for sha256, size in sizes.items()],
        update_conflicts=True,
        unique_fields=["sha256"],
        update_fields=["came_at", "unneeded_since", "removed_at"],
    )


def alone_with(*hashes: str) -> None:
    """Wait until nobody else places or removes these bytes, until the transaction ends."""
    numbers = sorted({_number_of(sha256) for sha256 in hashes})  # all wait in the same order
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n", [numbers])


def is_alone_with(sha256: str) -> bool:
    """The same without waiting: whether it was had."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number_of(sha256)])
        return bool(cursor.fetchone()[0])


@contextmanager
def removal_paused() -> Iterator[None]:
    """While this lasts no bytes are removed: for who copies all that there is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", [REMOVAL])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s)", [REMOVAL])


def may_remove() -> bool:
    """Whether nobody paused the removal of bytes; nobody can until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [REMOVAL])
        return bool(cursor.fetchone()[0])


def claim(found: Iterable[Blob]) -> None:
    """Raise unless all of these are here, and keep garbage collection from removing them until the
    transaction ends: by then a holding says that they are needed."""
    keys = [blob.pk for blob in found]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sha256, removed_at IS NULL FROM storage_blob WHERE id = ANY(%s)"
            " ORDER BY id FOR KEY SHARE",
            [keys],
        )
        gone = [sha256 for sha256, is_here in cursor.fetchall() if not is_here]
    if gone:
        raise NotNow(
            _("The object %(gone)s was removed, as nothing needed it. Send it again.")
            % {"gone": gone[0]}
        )


def open_blob(sha256: str, first: int = 0, length: int | None = None) -> Content:
    """The bytes from `first` on, as a context manager. Raises FileNotFoundError."""
    return backend.of_blobs().open(key_of(sha256), first, length)


def read(sha256: str, *, limit: int = sys.maxsize) -> bytes:
    """All bytes of a small blob; TooLarge where there are more than the limit."""
    with open_blob(sha256) as content:
        found = content.read(min(limit + 1, sys.maxsize))
    if len(found) > limit:
        raise TooLarge(_("The file has more than %(limit)s bytes.") % {"limit": limit})
    return found


def holds(sha256: str, content: bytes) -> bool:
    """Whether just these bytes lie there, unharmed."""
    try:
        return read(sha256, limit=len(content)) == content
    except (FileNotFoundError, TooLarge):
        return False


def exists(sha256: str) -> bool:
    """Whether the bytes are there; the row alone does not say it."""
    return backend.of_blobs().size(key_of(sha256)) is not None


def stored_size(sha256: str) -> int | None:
    """How many bytes lie there, or None where there are none."""
    return backend.of_blobs().size(key_of(sha256))


def missing(found: Iterable[Blob]) -> list[Blob]:
    """Those of these blobs whose bytes do not lie there with their size, whatever their rows say."""
    asked = list(found)
    with ThreadPoolExecutor(LOOKS_AT_ONCE) as threads:
        sizes = list(threads.map(stored_size, [blob.sha256 for blob in asked]))
    return [blob for blob, size in zip(asked, sizes, strict=True) if size != blob.size]


def stored() -> Iterator[tuple[str, int]]:
    """All blobs whose bytes are there, with their sizes, whether or not they have a row."""
    for key, size in backend.of_blobs().keys(""):
        sha256 = key.rpartition("/")[2]
        if SHA256.fullmatch(sha256) and key == key_of(sha256):
            yield sha256, size


def delete(sha256: str) -> None:
    """Remove the bytes. Only garbage collection does that, once nothing needs them."""
    backend.of_blobs().delete(key_of(sha256))


@contextmanager
def local_copy(sha256: str) -> Iterator[Path]:
    """A real file with these bytes, for programs that want one. Nobody may write it."""
    if (folder := backend.local_folder()) is not None:
        yield folder.path(key_of(sha256))
    else:
        with copies.copy_of(sha256, lambda: open_blob(sha256)) as path:
            yield path


def _number_of(sha256: str) -> int:
    """The number by which a blob is locked."""
    return int.from_bytes(bytes.fromhex(sha256[:16]), signed=True)


def key_of(sha256: str) -> str:
    """The key of a blob at the back end."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def clear_abandoned(*, older_than_seconds: float, now: float) -> int:
    """Remove what no living upload can still be writing. Returns how many things that were."""
    before = now - older_than_seconds
    return backend.of_blobs().clear_abandoned(before=before) + backend.of_objects().clear_abandoned(
        before=before
    )


def free_bytes() -> int:
    """Bytes still free where the blobs lie."""
    return backend.of_blobs().free_bytes()


@contextmanager
def _writer(*, size: int, sha256: str | None) -> Iterator[Writer]:
    key = key_of(sha256) if sha256 else ""
    with backend.of_blobs().incoming(size=size, key=key) as incoming:
        yield Writer(incoming, size=size, sha256=sha256)


def _read(stream: Stream, *, limit: int) -> bytes:
    content = bytearray()
    while len(content) < limit and (piece := stream.read(limit - len(content))):
        content += piece
    return bytes(content)


def _known(content: bytes) -> Blob | None:
    """The blob of these bytes, if they lie there unharmed: nothing has to be written and synced,
    which takes longer than all else when a commit brings thousands of small files."""
    sha256 = hashlib.sha256(content).hexdigest()
    blob = Blob.objects.filter(sha256=sha256, unneeded_since=None, removed_at=None).first()
    return blob if blob is not None and holds(sha256, content) else None
