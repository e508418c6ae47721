"""Reads a tensor once and keeps a handful of figures: what checks and fingerprints need of it."""

import hashlib
import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy

from registry.checks.smoke.weights import formats, prints, roles
from registry.checks.smoke.weights.formats import Array, Float
from registry.checks.smoke.weights.tensors import Stored, slices

MOST_RANKS = 1024
_BATCH = 8192


@dataclass
class Figures:
    """`broken` counts values that are not numbers, `first_broken` is where the first of them stands.

    Of blocks (GGUF) `std` and `norm` are estimates from the samples, and `highest` is a bound."""

    tensor: Stored
    sha256: str = ""
    broken: int = 0
    first_broken: int = 0
    highest: float = 0.0
    norm: float | None = None
    std: float | None = None
    zero_rows: int = 0
    is_constant: bool = False
    is_zero: bool = False
    not_positive: int = 0
    live_rows: Array | None = None
    live_columns: Array | None = None
    samples: Array | None = None
    gram: Array | None = None
    units: Array | None = None

    @property
    def name(self) -> str:
        return self.tensor.name

    @property
    def rows(self) -> int:
        return self.tensor.elements // max(self.tensor.columns, 1)


def measured(tensors: Iterable[Stored], *, threads: int) -> Iterator[Figures]:
    """The figures of each, in order. Every thread holds a slice; hashing and counting let go of the lock."""
    waiting: deque[Future[Figures]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for tensor in tensors:
            waiting.append(pool.submit(measure, tensor))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def measure(tensor: Stored) -> Figures:
    figures = Figures(tensor)
    digest = hashlib.sha256()
    tally = _tally_of(figures)
    sampler = prints.Sampler(tensor) if prints.is_sampled(tensor) else None
    rows = prints.Rows(tensor) if prints.has_gram(tensor) else None
    units = prints.Units(tensor) if prints.has_units(tensor) else None
    takers = [taker for taker in (tally, sampler, rows, units) if taker is not None]
    # Uploaded bits may overflow wherever they are multiplied.
    with numpy.errstate(all="ignore"):
        for start, part in slices(tensor):
            digest.update(part.data)
            for taker in takers:
                taker.take(start, part)
    figures.sha256 = digest.hexdigest()
    # What holds something that is not a number is not compared with anything.
    if not figures.broken:
        figures.samples = sampler.values() if sampler else None
        figures.gram = rows.cosines() if rows else None
        figures.units = units.values() if units else None
    tally.close()
    return figures


def _tally_of(figures: Figures) -> "_Tally":
    dtype = figures.tensor.dtype
    if dtype in formats.COMPLEX:
        return _Floats(figures, formats.FLOATS[formats.COMPLEX[dtype]])
    if dtype in formats.FLOATS:
        return _Floats(figures, formats.FLOATS[dtype])
    return _Blocks(figures) if formats.block_of(dtype) else _Tally(figures)


class _Tally:
    """Numbers of which only their equality is looked at: integers, packed or not."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.tensor = figures.tensor
        self.size = self._item_bytes()
        self.first: Array | None = None
        self.is_constant = self.tensor.elements > 1
        self.is_zero = True

    def take(self, start: int, part: Array) -> None:
        """Until a second value has been seen."""
        if self.is_constant:
            items = part.reshape(-1, self.size)
            if self.first is None:
                self.first = items[0].copy()
            self.is_constant = _are_all(items, self.first)
        if self.is_zero:
            self.is_zero = not part.any()

    def close(self) -> None:
        self.figures.is_constant = self.is_constant
        self.figures.is_zero = self.is_zero and self.tensor.elements > 0
        self._estimate()

    def _item_bytes(self) -> int:
        item = formats.item_of(self.tensor.dtype)
        return item[1] if item and self.tensor.bytes % item[1] == 0 else 1

    def _estimate(self) -> None:
        """Norm and spread by the samples, where reading all would cost too much."""
        samples = self.figures.samples
        if samples is not None and len(samples) > 1:
            values = samples.astype(numpy.float64)
            square = float(numpy.mean(values * values))
            self.figures.norm = math.sqrt(square * self.tensor.elements)
            self.figures.std = float(values.std())


class _Floats(_Tally):
    """Everything but the norm is read from the bits themselves."""

    def __init__(self, figures: Figures, kind: Float) -> None:
        self.kind = kind
        super().__init__(figures)
        name = self.tensor.name
        by_rows = roles.is_of_tokens(name) or roles.is_projection(name) or roles.is_adapter(name)
        row = self.tensor.row_bytes if by_rows else None
        self.columns = row // kind.bytes if row and row % kind.bytes == 0 else 0
        self.square = 0.0
        self.highest = 0
        self.is_scale = roles.is_scale(name)
        self.scale_rows: list[Array] = []

    def take(self, start: int, part: Array) -> None:
        bits = part.view(self.kind.item)
        if self.is_constant:
            if self.first is None:
                self.first = bits[:1].copy()
            self.is_constant = _are_all(bits, self.first)
        magnitudes = numpy.bitwise_and(bits, self.kind.item(self.kind.magnitude))
        if self.columns:
            by_row = magnitudes.reshape(-1, self.columns)
            highest = by_row.max(axis=1)
            self._rows(by_row, highest)
            most = int(highest.max())
        else:
            most = int(magnitudes.max())
        if most >= self.kind.beyond or self.tensor.dtype in formats.SIGNED_ZERO:
            most = self._broken(start, bits, magnitudes)
        self.highest = max(self.highest, most)
        if most:
            self.square += _square(self.kind, magnitudes, most)
        if self.is_scale:
            wrong = magnitudes == 0
            if self.kind.magnitude.bit_length() < 8 * self.kind.bytes:
                wrong |= magnitudes != bits
            self.figures.not_positive += int(numpy.count_nonzero(wrong))

    def close(self) -> None:
        figures = self.figures
        self.is_zero = self.highest == 0
        figures.is_constant = (self.is_constant or self.is_zero) and self.tensor.elements > 1
        figures.is_zero = self.is_zero and self.tensor.elements > 0
        figures.highest = _number(self.kind, self.highest)
        figures.norm = math.sqrt(self.square)
        if self.scale_rows:
            figures.live_rows = numpy.concatenate(self.scale_rows)[:MOST_RANKS]
        if self.tensor.elements:
            mean_square = self.square / self.tensor.elements
            # The mean is small beside the spread in all that is trained: the samples are enough.
            mean = 0.0 if figures.samples is None else _mean(figures.samples)
            figures.std = math.sqrt(max(mean_square - mean * mean, 0.0))

    def _item_bytes(self) -> int:
        return self.kind.bytes

    def _rows(self, by_row: Array, highest: Array) -> None:
        live = highest != 0
        self.figures.zero_rows += len(live) - int(numpy.count_nonzero(live))
        if not roles.is_adapter(self.tensor.name):
            return
        if self.figures.rows <= MOST_RANKS:
            self.scale_rows.append(live)
        if self.columns <= MOST_RANKS:
            seen: Array = numpy.asarray(by_row.any(axis=0))
            known = self.figures.live_columns
            self.figures.live_columns = seen if known is None else numpy.logical_or(known, seen)

    def _broken(self, start: int, bits: Array, magnitudes: Array) -> int:
        """Counts what is not a number, takes it out, and returns the highest magnitude of the rest."""
        if self.tensor.dtype in formats.SIGNED_ZERO:
            wrong = bits == 0x80
        else:
            wrong = magnitudes >= self.kind.item(self.kind.beyond)
        count = int(numpy.count_nonzero(wrong))
        if count and not self.figures.broken:
            self.figures.first_broken = start // self.kind.bytes + int(wrong.argmax())
        self.figures.broken += count
        magnitudes[wrong] = 0
        return int(magnitudes.max())


class _Blocks(_Tally):
    """Blocks of GGUF: their scales are looked at, their numbers at the sampled positions only."""

    def __init__(self, figures: Figures) -> None:
        super().__init__(figures)
        self.numbers, self.taken = formats.block_of(self.tensor.dtype) or (1, 1)
        self.places = formats.SCALES.get(self.tensor.dtype, ())
        row = self.tensor.row_bytes
        self.of_row = row // self.taken if row and row % self.taken == 0 else 0

    def take(self, start: int, part: Array) -> None:
        super().take(start, part)
        blocks = part.reshape(-1, self.taken)
        if self.tensor.dtype == "MXFP4":
            self._count(start, blocks[:, 0] == 0xFF)
        elif self.tensor.dtype == "IQ1_M":
            self._count(start, _scales_of_iq1_m(blocks) & 0x7C00 == 0x7C00)
        if not self.places:
            return
        bound = numpy.zeros(len(blocks), numpy.float32)
        for place, factor in self.places:
            bits: Array = numpy.ndarray(len(blocks), "<u2", part, place, self.taken).copy()
            self._count(start, bits & 0x7C00 == 0x7C00)
            magnitudes = formats.magnitude_of(formats.FLOATS["F16"], bits & 0x7FFF)
            bound += magnitudes * numpy.float32(factor)
        self.figures.highest = max(self.figures.highest, float(bound.max()))
        if self.of_row and len(bound) % self.of_row == 0:
            alive = (bound.reshape(-1, self.of_row) != 0).any(axis=1)
            self.figures.zero_rows += len(alive) - int(numpy.count_nonzero(alive))

    def close(self) -> None:
        super().close()
        # Blocks that are alike are numbers that are alike only where those of one block are.
        samples = self.figures.samples
        alike = samples is not None and len(samples) > 0 and bool((samples == samples[0]).all())
        self.figures.is_zero = bool(self.places) and self.figures.highest == 0
        self.figures.is_constant = self.figures.is_zero or (self.is_constant and alike)

    def _count(self, start: int, wrong: Array) -> None:
        count = int(numpy.count_nonzero(wrong))
        if count and not self.figures.broken:
            block = start // self.taken + int(wrong.argmax())
            self.figures.first_broken = block * self.numbers
        self.figures.broken += count


def _are_all(items: Array, value: Array) -> bool:
    """The last one alone tells nearly always."""
    return bool((items[-1] == value).all()) and bool((items == value).all())


def _square(kind: Float, magnitudes: Array, most: int) -> float:
    """The sum of the squares."""
    highest = _number(kind, most)
    if kind.bytes == 8 or not 1e-12 < highest < 1e12:
        wide = formats.magnitude_of(kind, magnitudes).astype(numpy.float64)
        return float(numpy.dot(wide, wide))
    if kind is formats.FLOATS["BF16"] and len(magnitudes) % 2 == 0:
        # The upper half of a 32-bit float each: read in pairs, they need not be widened.
        pairs = magnitudes.view(numpy.uint32)
        lower = pairs << numpy.uint32(16)
        total = _squares(lower.view(numpy.float32))
        upper = numpy.bitwise_and(pairs, numpy.uint32(0xFFFF0000), out=lower)
        return total + _squares(upper.view(numpy.float32))
    return _squares(formats.magnitude_of(kind, magnitudes))


def _squares(floats: Array) -> float:
    whole = len(floats) // _BATCH * _BATCH
    batches, rest = floats[:whole].reshape(-1, _BATCH), floats[whole:]
    total = float(numpy.vecdot(batches, batches).sum(dtype=numpy.float64))
    return total + float(numpy.vecdot(rest, rest))


def _number(kind: Float, bits: int) -> float:
    return float(formats.magnitude_of(kind, numpy.array([bits], kind.item))[0])


def _mean(samples: Array) -> float:
    return float(samples.mean(dtype=numpy.float64)) if len(samples) else 0.0


def _scales_of_iq1_m(blocks: Array) -> Any:
    """The scale of this format is put together from the highest four bits of four numbers."""
    parts = numpy.ascontiguousarray(blocks[:, 48:56]).view("<u2")
    return (
        (parts[:, 0] >> 12)
        | (parts[:, 1] >> 8 & 0xF0)
        | (parts[:, 2] >> 4 & 0xF00)
        | (parts[:, 3] & 0xF000)
    )
