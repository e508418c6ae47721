"""Which values of a tensor stand for it in a fingerprint: the same ones on every machine and forever.

A grid of rows and columns, so that a difference between two models keeps its rank. Layers of one
role share their places, so that a layer is known again after others were cut out before it.
"""

import hashlib
import re
import struct
from collections.abc import Sequence

SAMPLES = 1024
SIDE = 32
_LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


def role_of(name: str) -> str:
    """The name of a tensor without the numbers of its layer and its expert."""
    return _LAYER.sub("*", name)


def grid(name: str, shape: Sequence[int]) -> tuple[list[int], list[int]]:
    """The rows and the columns whose crossings are the samples, in order. More than two dimensions
    count as rows, but for the last; a tensor of one dimension is one row."""
    columns = shape[-1] if shape else 1
    rows = 1
    for size in shape[:-1]:
        rows *= size
    if not rows or not columns:
        return [], []
    tall = min(rows, SIDE if columns >= SIDE else SAMPLES // columns)
    wide = min(columns, SAMPLES // tall)
    role = role_of(name).encode()
    return _places(b"rows:" + role, rows, tall), _places(b"columns:" + role, columns, wide)


def _places(seed: bytes, size: int, count: int) -> list[int]:
    """One place in each of `count` equal parts of the whole."""
    found = []
    for number in range(count):
        first, after = number * size // count, (number + 1) * size // count
        digest = hashlib.sha256(seed + struct.pack("<Q", number)).digest()
        found.append(first + int.from_bytes(digest[:8], "little") % (after - first))
    return found
