"""The hashes of Xet: keyed BLAKE3 of chunks, of lists of chunks, of terms and of files.

In text, the 32 bytes are four little-endian numbers of 16 hex digits each.
"""

import re
import struct
from collections.abc import Iterable

from blake3 import blake3

ZERO = bytes(32)
TEXT = re.compile(r"[0-9a-f]{64}", re.ASCII)

_CHUNK = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_TERM = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_FOUR = struct.Struct("<4Q")
_SMALLEST_GROUP = 3
_LARGEST_GROUP = 9

Buffer = bytes | bytearray | memoryview


def text(digest: bytes) -> str:
    return "{:016x}{:016x}{:016x}{:016x}".format(*_FOUR.unpack(digest))


def from_text(value: str) -> bytes:
    """The bytes of a hash in text; ValueError where it is none."""
    if not TEXT.fullmatch(value):
        raise ValueError(f"no hash: {value[:80]!r}")
    return _FOUR.pack(*(int(value[i : i + 16], 16) for i in range(0, 64, 16)))


def chunk(content: Buffer) -> bytes:
    return blake3(content, key=_CHUNK).digest()


def term(chunk_hashes: Buffer) -> bytes:
    """Of the raw hashes of a term's chunks, one after the other."""
    return blake3(chunk_hashes, key=_TERM).digest()


def file(root: bytes) -> bytes:
    """Of a file whose chunks have this root."""
    return ZERO if root == ZERO else blake3(root, key=ZERO).digest()


def root(nodes: Iterable[tuple[bytes, int]]) -> bytes:
    """The root of chunks given by hash and length."""
    tree = Tree()
    for digest, length in nodes:
        tree.add(digest, length)
    return tree.root()


class Tree:
    """Finds the root of a list as it comes, holding a few nodes of each level at a time."""

    def __init__(self) -> None:
        self._levels: list[list[tuple[bytes, int]]] = []

    def add(self, digest: bytes, length: int, level: int = 0) -> None:
        while True:
            if level == len(self._levels):
                self._levels.append([])
            group = self._levels[level]
            group.append((digest, length))
            if len(group) < _SMALLEST_GROUP or not (
                digest[24] & 3 == 0 or len(group) == _LARGEST_GROUP
            ):
                return
            digest, length = _parent(group)
            group.clear()
            level += 1

    def root(self) -> bytes:
        """The root of all that was added. Nothing can be added after it."""
        level = 0
        while level < len(self._levels):
            group = self._levels[level]
            is_top = level == len(self._levels) - 1
            if is_top and len(group) == 1:
                return group[0][0]
            if group:
                digest, length = _parent(group)
                group.clear()
                self.add(digest, length, level + 1)
            level += 1
        return ZERO


def _parent(group: list[tuple[bytes, int]]) -> tuple[bytes, int]:
    listed = "".join(
        "{:016x}{:016x}{:016x}{:016x} : {}\n".format(*_FOUR.unpack(digest), length)
        for digest, length in group
    )
    return blake3(listed.encode(), key=_NODE).digest(), sum(length for _, length in group)
