"""Reading a shard: which chunks of which xorbs make a file, and the SHA-256 that it must have.

Only the form is looked at here. Whether it is true is decided by `intake`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.errors import Invalid, TooLarge
from registry.storage.xet import hashes

MAX_SHARD = 64 * 1024**2
# Each is looked up and put together, an empty one too; a commit takes no more either
MAX_FILES = 25_000
MAGIC = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
VERSION = 2
WITH_VERIFICATION = 0x80000000
WITH_SHA256 = 0x40000000

RECORD = 48
END = b"\xff" * 32 + bytes(16)
_HASH_AND_NUMBERS = [("hash", "V32"), ("flags", "<u4"), ("a", "<u4"), ("b", "<u4"), ("c", "<u4")]
_ANY = np.dtype(_HASH_AND_NUMBERS)
_TERM = np.dtype(
    [("xorb", "V32"), ("flags", "<u4"), ("length", "<u4"), ("first", "<u4"), ("end", "<u4")]
)


@dataclass(frozen=True, slots=True)
class Term:
    """Consecutive chunks of one xorb: `first` up to and without `end`."""

    xorb: bytes
    length: int
    first: int
    end: int
    verification: bytes


@dataclass(frozen=True)
class File:
    """A file as a shard describes it."""

    digest: bytes
    sha256: str
    size: int
    _terms: NDArray[np.void]
    _verifications: NDArray[np.void]

    @property
    def term_count(self) -> int:
        return len(self._terms)

    @property
    def xorbs(self) -> set[str]:
        """The hashes of the xorbs that it is made of."""
        return {hashes.text(digest) for digest in set(self._terms["xorb"].tolist())}

    def terms(self) -> Iterator[Term]:
        for term, verification in zip(self._terms, self._verifications, strict=True):
            yield Term(
                term["xorb"].tobytes(),
                int(term["length"]),
                int(term["first"]),
                int(term["end"]),
                verification["hash"].tobytes(),
            )


def read(body: bytes) -> list[File]:
    """The files of a shard. Invalid unless all of the body is what a shard may hold."""
    if len(body) % RECORD or len(body) < 3 * RECORD:
        raise Invalid("The shard is cut off, or something follows its end.")
    if body[:32] != MAGIC:
        raise Invalid("The body is no shard: it does not begin as one.")
    version, footer = (int.from_bytes(body[at : at + 8], "little") for at in (32, 40))
    if version != VERSION:
        raise Invalid(f"The shard has the version {version}; only {VERSION} is known here.")
    if footer:
        raise Invalid("A shard is uploaded without a footer.")
    records = _Records(body)
    files: list[File] = []
    while (head := records.head()) is not None:
        if len(files) == MAX_FILES:
            raise TooLarge(f"A shard has at most {MAX_FILES} files; send several.")
        files.append(_file(head, records))
    while (head := records.head()) is not None:
        records.take(int(head["a"]))  # chunks of a xorb, which are known from the xorb itself
    records.require_end()
    return files


def _file(head: np.void, records: "_Records") -> File:
    flags, count = int(head["flags"]), int(head["a"])
    if not flags & WITH_VERIFICATION:
        raise Invalid("The shard has a file without the hashes that verify its terms.")
    if not flags & WITH_SHA256:
        raise Invalid("The shard has a file without its SHA-256.")
    terms = records.take(count).view(_TERM)
    verifications = records.take(count)
    sha256 = hashes.text(records.take(1)[0]["hash"].tobytes())
    size = int(terms["length"].sum(dtype=np.uint64))
    return File(head["hash"].tobytes(), sha256, size, terms, verifications)


class _Records:
    """The records after the header, taken from the front."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._all = np.frombuffer(body, dtype=_ANY, offset=RECORD)
        self._next = 0

    def head(self) -> np.void | None:
        """The next record, or None where it ends the section."""
        record: np.void = self.take(1)[0]
        return None if record.tobytes() == END else record

    def take(self, count: int) -> NDArray[np.void]:
        if count > len(self._all) - self._next:
            raise Invalid("The shard is cut off: it announces more than it holds.")
        taken = self._all[self._next : self._next + count]
        self._next += count
        return taken

    def require_end(self) -> None:
        if self._next != len(self._all):
            raise Invalid("Something follows the end of the shard.")
