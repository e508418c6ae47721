"""What is taken in of an upload by Xet: xorbs that are what their name says, and files whose every
chunk was sent to the same space and whose bytes have the SHA-256 that they are announced with.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from registry.errors import Invalid, TooLarge
from registry.storage import backend, blobs, objects
from registry.storage.models import Blob, XetFile, XetSpace, Xorb
from registry.storage.streams import Stream
from registry.storage.xet import hashes, rebuild, shards, spaces, xorbs
from registry.storage.xet.rebuild import Lost, Stretch, Wanted
from registry.storage.xet.shards import File, Term
from registry.storage.xet.xorbs import MAX_XORB, Table

# A client's chunks have 64 KiB on average, and 8 KiB at least but for the last of a file
SMALLEST_CHUNK = 4 * 1024
MAX_CHUNKS = 16 * 1024**2
# The tables of some 100 GB of chunks
MAX_TABLES = 64 * 1024**2


def has_xorb(space: XetSpace, digest: str) -> bool:
    return space.xorbs.filter(hash=digest).exists()


def take_xorb(space: XetSpace, digest: str, stream: Stream) -> bool:
    """Keep a xorb, and say whether it is new. Raises Invalid, keeping nothing, unless it is what
    its hash says."""
    wanted = _hash(digest)
    key = spaces.key(space, digest)
    with backend.of_objects().incoming(size=MAX_XORB, key=key) as incoming:
        table = xorbs.verify(stream, digest=wanted, keep=incoming.write)
        with transaction.atomic():
            # The row first: of two who send it at once, each packed in its own way, one waits
            _, is_new = Xorb.objects.get_or_create(
                space=space,
                hash=digest,
                defaults={"size": int(table["end"][-1]), "chunks": table.tobytes()},
            )
            if is_new:
                # What a loss of power takes is noticed once a file is made of it, and sent again
                incoming.keep(key, is_safe=False)
    return is_new


def read_shard(space: XetSpace, body: bytes) -> list["Claim"]:
    """What a shard claims, every word of it true but the SHA-256, which `prove` looks at."""
    tables = _Tables(space)
    left = MAX_CHUNKS
    claims = []
    try:
        for file in shards.read(body):
            left -= _check(file, tables, left)
            claims.append(Claim(space, file, tables))
    except _NotSent:
        # A client that believes it sent this would believe it for weeks, at this address
        spaces.close(space, now=timezone.now())
        raise
    return claims


def prove(claims: Iterable["Claim"]) -> list[Blob]:
    """The blobs of the claimed files, in no order: put together and hashed, unless the same space
    did it before."""
    proven: list[Blob] = []
    unproven: list[Claim] = []
    for claim in claims:
        known = _known(claim)
        if known is None:
            unproven.append(claim)
        else:
            proven.append(known)
    for claim, blob in zip(unproven, _put_together(unproven), strict=True):
        _note(claim)
        proven.append(blob)
    return proven


def _known(claim: "Claim") -> Blob | None:
    file = claim.file
    known = Blob.objects.filter(sha256=file.sha256, size=file.size, removed_at=None).first()
    proofs = claim.space.files.filter(hash=hashes.text(file.digest), sha256=file.sha256)
    is_here = known is not None and proofs.exists() and not blobs.missing([known])
    return known if is_here else None


@transaction.atomic
def _note(claim: "Claim") -> None:
    """Remember that the space made this file."""
    space, file = claim.space, claim.file
    XetFile.objects.get_or_create(
        space=space, hash=hashes.text(file.digest), defaults={"sha256": file.sha256}
    )
    space.xorbs.filter(hash__in=file.xorbs, is_used=False).update(is_used=True)


def _put_together(claims: Sequence["Claim"]) -> Iterator[Blob]:
    made = 0
    try:
        for blob in rebuild.put_together(claim.wanted() for claim in claims):
            made += 1
            yield blob
    except Lost as lost:
        raise _harmed(claims[made].space, lost.key) from lost
    except Invalid:
        # Either the client announced another SHA-256, or the bytes of a xorb are no longer its own
        _require_whole(claims[made])
        raise


def _harmed(space: XetSpace, key: str) -> Invalid:
    """Forget the xorb under this key, and what clients remember; the refusal says what to do."""
    spaces.close(space, now=timezone.now())
    space.xorbs.filter(hash=key.rpartition("/")[2]).delete()
    return Invalid(
        "The registry has lost some of what this upload sent before. Start the upload again: "
        "it will send everything afresh."
    )


def _require_whole(claim: "Claim") -> None:
    for xorb in claim.file.xorbs:
        key = spaces.key(claim.space, xorb)
        try:
            with objects.open_object(key) as stored:
                xorbs.verify(stored, digest=_hash(xorb), keep=len)
        except (FileNotFoundError, Invalid) as error:
            raise _harmed(claim.space, key) from error


def staged_bytes(space: XetSpace, claims: Iterable["Claim"]) -> int:
    """How many bytes these files are made of that were counted as not yet part of any file."""
    named: set[str] = set()
    for claim in claims:
        named |= claim.file.xorbs
    unused = space.xorbs.filter(hash__in=named, is_used=False)
    staged: int = unused.aggregate(all=Sum("size", default=0))["all"]
    return staged


@dataclass(frozen=True)
class Claim:
    """A file that a shard describes, whose chunks are those of xorbs in this space."""

    space: XetSpace
    file: File
    tables: "_Tables"

    def wanted(self) -> Wanted:
        return Wanted(self.stretches(), size=self.file.size, sha256=self.file.sha256)

    def stretches(self) -> Iterator[Stretch]:
        for term in self.file.terms():
            table = self.tables.of(term.xorb)
            begin = int(table["end"][term.first - 1]) if term.first else 0
            key = spaces.key(self.space, hashes.text(term.xorb))
            yield Stretch(key, begin, int(table["end"][term.end - 1]), term.length)


class _NotSent(Invalid):
    """A shard names a xorb that is not in its space."""


class _Tables:
    """The chunks of a space's xorbs, a bounded number of them in memory."""

    def __init__(self, space: XetSpace) -> None:
        self._space = space
        self._loaded: dict[bytes, Table] = {}
        self._size = 0

    def of(self, xorb: bytes) -> Table:
        if (table := self._loaded.get(xorb)) is None:
            table = self._load(hashes.text(xorb))
            self._loaded[xorb] = table
            self._size += table.nbytes
            while self._size > MAX_TABLES and len(self._loaded) > 1:
                self._size -= self._loaded.pop(next(iter(self._loaded))).nbytes
        return table

    def _load(self, digest: str) -> Table:
        stored = self._space.xorbs.filter(hash=digest).values_list("chunks", flat=True).first()
        if stored is None:
            raise _NotSent(
                f"The shard names the xorb {digest}, which was not sent here. Start the upload again."
            )
        return xorbs.table_of(cast(bytes, stored))


def _check(file: File, tables: _Tables, most: int) -> int:
    """Raise unless the file's chunks are as it says. Returns how many these are."""
    if file.size > settings.MAX_FILE_SIZE:
        raise TooLarge(f"A file may have at most {settings.MAX_FILE_SIZE // 10**9} GB; split it.")
    most = min(most, file.size // SMALLEST_CHUNK + file.term_count + 1)
    count = 0
    tree = hashes.Tree()
    for term in file.terms():
        rows = _rows(term, tables.of(term.xorb))
        count += len(rows)
        if count > most:
            raise TooLarge("The shard cuts a file into more chunks than a client makes of it.")
        for digest, length in zip(rows["hash"].tolist(), rows["length"].tolist(), strict=True):
            tree.add(digest, length)
    if hashes.file(tree.root()) != file.digest:
        raise Invalid("The hash of a file in the shard is not that of its chunks.")
    return count


def _rows(term: Term, table: Table) -> Table:
    if not 0 <= term.first < term.end <= len(table):
        raise Invalid("The shard names chunks that the xorb does not have.")
    rows = table[term.first : term.end]
    if int(rows["length"].sum(dtype=np.uint64)) != term.length:
        raise Invalid("The length of a term in the shard is not that of its chunks.")
    if hashes.term(rows["hash"].tobytes()) != term.verification:
        raise Invalid("The hash that verifies a term in the shard is not that of its chunks.")
    return rows


def _hash(digest: str) -> bytes:
    try:
        return hashes.from_text(digest)
    except ValueError as error:
        raise Invalid("A hash has 64 hex digits.") from error
