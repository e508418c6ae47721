"""Taking in many small blobs at once: their waits for the disk run side by side, and a row is
written only once all bytes of its batch are safe."""

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import transaction

from registry.storage import backend, blobs
from registry.storage.models import Blob

# As many at once, since each of them holds a lock of the database while it is placed
BATCH = 256
THREADS = 8


def store_all(contents: Sequence[bytes]) -> list[Blob]:
    """The blobs of these contents, in the same order. Raises StorageFull when there is no room."""
    names = [hashlib.sha256(content).hexdigest() for content in contents]
    wanted = dict(zip(names, contents, strict=True))
    found: dict[str, Blob] = {}
    hashes = sorted(wanted)
    for first in range(0, len(hashes), BATCH):
        batch = {name: wanted[name] for name in hashes[first : first + BATCH]}
        known = _unharmed(batch)
        found |= known
        if new := {name: content for name, content in batch.items() if name not in known}:
            found |= _placed(new)
    return [found[name] for name in names]


@transaction.atomic
def _placed(contents: Mapping[str, bytes]) -> dict[str, Blob]:
    """As `blobs.place` for one. All take the locks in the same order."""
    blobs.alone_with(*contents)
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(_put, contents.keys(), contents.values()))
    made = blobs.write_rows({name: len(content) for name, content in contents.items()})
    return {blob.sha256: blob for blob in made}


def _put(sha256: str, content: bytes) -> None:
    key = blobs.key_of(sha256)
    with backend.of_blobs().incoming(size=len(content), key=key) as incoming:
        incoming.write(content)
        incoming.keep(key)


def _unharmed(contents: Mapping[str, bytes]) -> dict[str, Blob]:
    """The blobs among these that lie there already, to the byte."""
    rows = Blob.objects.filter(sha256__in=list(contents), unneeded_since=None, removed_at=None)
    with ThreadPoolExecutor(THREADS) as threads:
        good = threads.map(lambda row: blobs.holds(row.sha256, contents[row.sha256]), rows)
        return {row.sha256: row for row, is_good in zip(rows, good, strict=True) if is_good}
