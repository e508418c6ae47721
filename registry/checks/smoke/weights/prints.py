"""What later comparisons need of a tensor: its hash, some of its values, and for a few tensors more.

That more are the cosines between rows of the embedding, and some columns of the hidden units of the
first layer. Places follow from name and shape alone: two models are sampled alike without knowing
of each other.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy

from registry.checks import positions
from registry.checks.smoke.weights import formats, roles
from registry.checks.smoke.weights.formats import Array
from registry.checks.smoke.weights.tensors import Stored

if TYPE_CHECKING:
    from registry.checks.smoke.weights.figures import Figures

GRAM_ROWS = 512
# A row of the longest embedding that there is; what is longer is no embedding.
MOST_COLUMNS = 65_536
UNIT_COLUMNS, MOST_UNITS = 32, 65_536
MOST_UNIT_BYTES = 2 * 1024 * 1024
PART_BYTES = 128 * 1024
# What may be said in all leaves room for the other stages.
MOST_BYTES = 10 * 1024 * 1024
MOST_RECORDS = 16_000

_NAME = re.compile(r"[A-Za-z0-9._-]{1,512}")
# Both sides of what makes a hidden unit: wherever it was moved, both of them went along.
_UNITS = re.compile(r"(?:.*\.)?layers\.0\.mlp\.(?:gate|up)_proj\.weight")


def gram_rows(rows: int) -> Array:
    """Which rows of an embedding are compared: a few tokens more at its end do not move them."""
    if rows <= GRAM_ROWS:
        return numpy.arange(rows, dtype=numpy.int64)
    reach = 1 << (rows.bit_length() - 1)
    chosen: dict[int, None] = {}
    number = 0
    while len(chosen) < GRAM_ROWS:
        digest = hashlib.sha256(b"gram" + number.to_bytes(4, "big")).digest()
        chosen[int.from_bytes(digest[:8], "big") % reach] = None
        number += 1
    return numpy.array(sorted(chosen), numpy.int64)


def is_sampled(tensor: Stored) -> bool:
    return len(tensor.shape) >= 2 and tensor.elements > 0 and formats.can_decode(tensor.dtype)


def has_gram(tensor: Stored) -> bool:
    return (
        tensor.name.endswith(roles.EMBEDDINGS)
        and len(tensor.shape) == 2
        and is_sampled(tensor)
        and _has_whole_rows(tensor)
        and tensor.columns <= MOST_COLUMNS
    )


def has_units(tensor: Stored) -> bool:
    return (
        _UNITS.fullmatch(tensor.name) is not None
        and len(tensor.shape) == 2
        and is_sampled(tensor)
        and _has_whole_rows(tensor)
        and tensor.shape[0] <= MOST_UNITS
    )


def _has_whole_rows(tensor: Stored) -> bool:
    _, size = formats.item_of(tensor.dtype) or (1, 1)
    return tensor.row_bytes is not None and tensor.row_bytes % size == 0


class Picker:
    """Takes items out of slices as they pass by."""

    def __init__(self, items: Array, item_bytes: int) -> None:
        self.items = items
        self.size = item_bytes
        self.held = numpy.zeros((len(items), item_bytes), numpy.uint8)

    def take(self, start: int, part: Array) -> None:
        first = start // self.size
        rows = part.reshape(-1, self.size)
        low, high = numpy.searchsorted(self.items, [first, first + len(rows)])
        if high > low:
            self.held[low:high] = rows[self.items[low:high] - first]


class Sampler(Picker):
    """The values that stand for the tensor."""

    def __init__(self, tensor: Stored) -> None:
        self.dtype = tensor.dtype
        numbers, size = formats.item_of(tensor.dtype) or (1, 1)
        wanted = _sampled(positions.role_of(tensor.name), tensor.shape)
        items, self.which = numpy.unique(wanted // numbers, return_inverse=True)
        self.inside = wanted % numbers
        super().__init__(items, size)

    def values(self) -> Array:
        found: Array = formats.decode(self.dtype, self.held)[self.which, self.inside]
        return found


@lru_cache(maxsize=256)
def _sampled(role: str, shape: tuple[int, ...]) -> Array:
    """The same for a tensor of every layer."""
    rows, columns = positions.grid(role, shape)
    found: Array = numpy.add.outer(
        numpy.array(rows, numpy.int64) * shape[-1], numpy.array(columns, numpy.int64)
    ).reshape(-1)
    return found


class Rows(Picker):
    """The rows of the embedding that are compared with each other."""

    def __init__(self, tensor: Stored) -> None:
        self.dtype = tensor.dtype
        super().__init__(gram_rows(tensor.shape[0]), tensor.row_bytes or 1)

    def cosines(self) -> Array:
        """Each pair once, in the order of the rows, as 16-bit floats; a row of zeros is like nothing."""
        _, size = formats.item_of(self.dtype) or (1, 1)
        rows = formats.decode(self.dtype, self.held.reshape(-1, size)).reshape(len(self.items), -1)
        rows = rows.astype(numpy.float64)
        norms = numpy.linalg.norm(rows, axis=1, keepdims=True)
        rows = numpy.divide(rows, norms, out=numpy.zeros_like(rows), where=norms > 0)
        upper = numpy.triu_indices(len(rows), 1)
        found: Array = (rows @ rows.T)[upper].astype(numpy.float16)
        return found


class Units:
    """Some columns of each row, as integers of one byte; the length of a row does not matter."""

    def __init__(self, tensor: Stored) -> None:
        self.dtype = tensor.dtype
        rows, columns = tensor.shape
        self.numbers, self.size = formats.item_of(tensor.dtype) or (1, 1)
        self.row_bytes = tensor.row_bytes or 1
        self.width = max(1, min(UNIT_COLUMNS, columns, MOST_UNIT_BYTES // rows))
        places = numpy.arange(self.width) * columns // self.width
        self.items, self.inside = places // self.numbers, places % self.numbers
        self.found: list[Array] = []

    def take(self, start: int, part: Array) -> None:
        items = part.reshape(-1, self.row_bytes // self.size, self.size)[:, self.items]
        rows = formats.decode(self.dtype, items.reshape(-1, self.size))
        rows = rows.reshape(-1, self.width, self.numbers)[:, numpy.arange(self.width), self.inside]
        most = numpy.abs(rows).max(axis=1, keepdims=True)
        sound = numpy.isfinite(most) & (most > 0)
        rows = numpy.divide(rows * 127, most, out=numpy.zeros_like(rows), where=sound)
        self.found.append(numpy.rint(rows).astype(numpy.int8))

    def values(self) -> Array:
        return numpy.concatenate(self.found)


class Records:
    """What is told of each tensor, within what may be told: hashes go on when samples have to end."""

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.bytes = 0
        self.has_gram = False

    def of(self, figures: "Figures") -> Iterator[tuple[str, dict[str, Any]]]:
        tensor = figures.tensor
        if (
            len(self.told) >= MOST_RECORDS
            or tensor.name in self.told
            or not _NAME.fullmatch(tensor.name)
        ):
            return
        self.told.add(tensor.name)
        has_room = self.bytes < MOST_BYTES
        samples = None
        if figures.samples is not None and has_room:
            samples = _text(figures.samples.astype("<f4").tobytes())
            self.bytes += len(samples)
        yield (
            "tensor",
            {
                "name": tensor.name,
                "sha256": figures.sha256,
                "dtype": tensor.dtype,
                "shape": list(tensor.shape),
                "norm": _finite(figures.norm),
                "samples": samples,
            },
        )
        if figures.gram is not None and has_room and not self.has_gram:
            self.has_gram = True
            rows = gram_rows(tensor.shape[0]).tolist()
            yield from self._parts("gram", tensor.name, figures.gram.astype("<f2"), rows=rows)
        if figures.units is not None and has_room:
            width = figures.units.shape[1]
            yield from self._parts("units", tensor.name, figures.units, width=width)

    def _parts(
        self, kind: str, name: str, values: Array, **rest: Any
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """One line of what the sandbox says is too short for all of it."""
        raw = values.tobytes()
        parts = range(0, len(raw), PART_BYTES)
        for number, at in enumerate(parts):
            text = _text(raw[at : at + PART_BYTES])
            self.bytes += len(text)
            yield (
                kind,
                {"name": name, "part": number, "parts": len(parts), "values": text, **rest},
            )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _finite(value: float | None) -> float | None:
    return value if value is not None and numpy.isfinite(value) else None
