"""Xorbs and shards as a client makes them, out of chunks that a test chooses."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import lz4.frame

from registry.storage.xet import hashes, shards

PLAIN, LZ4, REGROUPED = range(3)


def packed(content: bytes, scheme: int = PLAIN) -> bytes:
    """One chunk with its header."""
    if scheme == REGROUPED:
        content_sent = b"".join(content[position::4] for position in range(4))
    else:
        content_sent = content
    body = content_sent if scheme == PLAIN else lz4.frame.compress(content_sent)
    length = len(body).to_bytes(3, "little")
    return b"\0" + length + bytes([scheme]) + len(content).to_bytes(3, "little") + body


@dataclass(frozen=True)
class Xorb:
    chunks: tuple[bytes, ...]
    scheme: int = PLAIN

    @property
    def body(self) -> bytes:
        return b"".join(packed(chunk, self.scheme) for chunk in self.chunks)

    @property
    def hash(self) -> bytes:
        return hashes.root((hashes.chunk(chunk), len(chunk)) for chunk in self.chunks)

    @property
    def text(self) -> str:
        return hashes.text(self.hash)


@dataclass(frozen=True)
class Piece:
    """A term: some chunks of a xorb."""

    xorb: Xorb
    first: int = 0
    end: int | None = None

    @property
    def chunks(self) -> tuple[bytes, ...]:
        return self.xorb.chunks[self.first : self.end]


@dataclass(frozen=True)
class File:
    pieces: tuple[Piece, ...]

    @property
    def chunks(self) -> list[bytes]:
        return [chunk for piece in self.pieces for chunk in piece.chunks]

    @property
    def content(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def hash(self) -> bytes:
        return hashes.file(hashes.root((hashes.chunk(c), len(c)) for c in self.chunks))


def xorb(*contents: bytes, scheme: int = PLAIN) -> Xorb:
    return Xorb(contents, scheme)


def file(*of: Xorb | Piece) -> File:
    return File(tuple(piece if isinstance(piece, Piece) else Piece(piece) for piece in of))


def record(digest: bytes, *numbers: int) -> bytes:
    return digest + struct.pack("<4I", *numbers, *[0] * (4 - len(numbers)))


def head(*, version: int = 2, footer: int = 0) -> bytes:
    return shards.MAGIC + struct.pack("<2Q", version, footer)


def described(
    one: File, *, sha256: str = "", digest: bytes = b"", verification: bytes = b""
) -> bytes:
    """The records of a file. What is given replaces what would be true."""
    terms = b""
    checks = b""
    for piece in one.pieces:
        end = len(piece.xorb.chunks) if piece.end is None else piece.end
        length = sum(map(len, piece.chunks))
        terms += record(piece.xorb.hash, 0, length, piece.first, end)
        listed = b"".join(hashes.chunk(chunk) for chunk in piece.chunks)
        checks += record(verification or hashes.term(listed))
    flags = shards.WITH_VERIFICATION | shards.WITH_SHA256
    swapped = hashes.from_text(sha256 or one.sha256)
    return record(digest or one.hash, flags, len(one.pieces)) + terms + checks + record(swapped)


def shard(*files: File | bytes, xorbs: Sequence[Xorb] = ()) -> bytes:
    body = head()
    for one in files:
        body += one if isinstance(one, bytes) else described(one)
    body += shards.END
    for one_xorb in xorbs:
        body += record(one_xorb.hash, 0, len(one_xorb.chunks), 0, len(one_xorb.body))
        for chunk in one_xorb.chunks:
            body += record(hashes.chunk(chunk), 0, len(chunk))
    return body + shards.END
