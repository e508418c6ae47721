"""What is kept of a model's weights: read from the sandbox, which is not believed, and from rows."""

import base64
import binascii
import hashlib
import json
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy

from registry.checks.positions import SAMPLES

MOST_TENSORS = 20_000
MOST_BYTES = 64 * 1024 * 1024
MOST_DIMENSIONS = 8
MOST_ELEMENTS = 2**60
GRAM_ROWS = 512
UNIT_ROWS, UNIT_WIDTH = 65_536, 32
MOST_UNIT_BYTES = 4 * 1024 * 1024

_MAGIC = b"LFP1"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,512}")
_DTYPE = re.compile(r"[A-Za-z0-9_]{1,16}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LAYER = re.compile(r"(.*\blayers)\.(\d{1,4})\.(.+)")
# Of these one layer is described; the rest of it differs between formats of the same model
_PROJECTIONS = re.compile(r"(self_attn|mlp|feed_forward)\.\w+(_proj)?\.weight")

Array = numpy.ndarray[Any, Any]


class Malformed(ValueError):
    """What the sandbox said of the weights cannot be so."""


@dataclass(frozen=True)
class Print:
    """One tensor: the hash of all of it, its length as a vector, and some of its values."""

    sha256: str
    dtype: str
    shape: tuple[int, ...]
    norm: float
    samples: Array

    @property
    def is_matrix(self) -> bool:
        return len(self.shape) > 1 and bool(self.samples.size)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Gram:
    """The cosines between some rows of the embedding, which no rotation changes."""

    rows: tuple[int, ...]
    values: Array


@dataclass(frozen=True)
class Prints:
    """All that is kept of one model. `units` has, by the name of a projection, a few columns of
    each of its hidden units."""

    tensors: dict[str, Print]
    gram: Gram | None = None
    units: dict[str, Array] = field(default_factory=dict)

    @cached_property
    def weights_digest(self) -> str:
        """Over the names and hashes of all tensors."""
        digest = hashlib.sha256()
        for name, one in sorted(self.tensors.items()):
            digest.update(f"{name}\0{one.sha256}\n".encode())
        return digest.hexdigest()

    @cached_property
    def shape_key(self) -> str:
        """Over the shapes of the projections of one layer: what can be compared has the same."""
        first: dict[str, tuple[int, ...]] = {}
        lowest = min(
            (at for _, at, _ in map(layer_of, self.tensors) if at is not None), default=None
        )
        for name, one in self.tensors.items():
            _, at, role = layer_of(name)
            if at == lowest and len(one.shape) > 1 and (at is None or _PROJECTIONS.search(role)):
                first[role] = one.shape
        if not first:
            first = {name: one.shape for name, one in self.tensors.items() if len(one.shape) > 1}
            first = {name: shape for name, shape in first.items() if layer_of(name)[1] is None}
        return hashlib.sha256(json.dumps(sorted(first.items())).encode()).hexdigest()

    @property
    def parameters(self) -> int:
        return min(sum(one.elements for one in self.tensors.values()), 2**62)

    @property
    def dtype(self) -> str:
        """That of most of its values."""
        counts: Counter[str] = Counter()
        for one in self.tensors.values():
            counts[one.dtype] += one.elements
        return counts.most_common(1)[0][0] if counts else ""


def layer_of(name: str) -> tuple[str, int | None, str]:
    """What stands before the number of a layer, the number, and the role within the layer."""
    match = _LAYER.fullmatch(name)
    return (match[1], int(match[2]), match[3]) if match else ("", None, name)


def read(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> Prints | None:
    """The fingerprint in what the sandbox measured of one model, None where it measured nothing.
    Raises Malformed: a program of ours never says such things."""
    tensors: dict[str, Print] = {}
    for said in records.get("tensor", ())[: MOST_TENSORS + 1]:
        name, one = _print(said)
        if name in tensors or len(tensors) == MOST_TENSORS:
            raise Malformed("more tensors than there can be")
        tensors[name] = one
    if not tensors:
        return None
    return Prints(tensors, _gram(records.get("gram", ())), _units(records.get("units", ())))


def encode(prints: Prints) -> bytes:
    """The bytes in which a row keeps it."""
    parts: list[bytes] = []
    tensors = []
    for name, one in prints.tensors.items():
        parts.append(one.samples.astype("<f4").tobytes())
        tensors.append([name, one.sha256, one.dtype, one.shape, one.norm, one.samples.size])
    gram = None
    if prints.gram is not None:
        gram = list(prints.gram.rows)
        parts.append(prints.gram.values.astype("<f2").tobytes())
    units = [[name, *values.shape] for name, values in prints.units.items()]
    parts += [values.astype("i1").tobytes() for values in prints.units.values()]
    head = json.dumps({"tensors": tensors, "gram": gram, "units": units}).encode()
    return b"".join([_MAGIC, struct.pack("<I", len(head)), head, *parts])


def decode(raw: bytes | memoryview) -> Prints:
    """What `encode` wrote."""
    data = bytes(raw)
    if data[:4] != _MAGIC:
        raise Malformed("no fingerprint")
    (length,) = struct.unpack_from("<I", data, 4)
    head = json.loads(data[8 : 8 + length])
    at = 8 + length
    tensors = {}
    for name, sha256, dtype, shape, norm, count in head["tensors"]:
        samples = numpy.frombuffer(data, "<f4", count, at)
        tensors[name] = Print(sha256, dtype, tuple(shape), norm, samples)
        at += 4 * count
    gram = None
    if head["gram"] is not None:
        rows = tuple(head["gram"])
        count = len(rows) * (len(rows) - 1) // 2
        gram = Gram(rows, numpy.frombuffer(data, "<f2", count, at).astype("f4"))
        at += 2 * count
    units = {}
    for name, tall, wide in head["units"]:
        units[name] = numpy.frombuffer(data, "i1", tall * wide, at).reshape(tall, wide)
        at += tall * wide
    return Prints(tensors, gram, units)


def _print(said: Mapping[str, Any]) -> tuple[str, Print]:
    name, sha256, dtype = said.get("name"), said.get("sha256"), said.get("dtype")
    shape, norm = said.get("shape"), said.get("norm")
    if not (_is(_NAME, name) and _is(_DIGEST, sha256) and _is(_DTYPE, dtype)):
        raise Malformed("a tensor without name, hash or type")
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        raise Malformed("a tensor without a shape")
    if any(type(size) is not int or not 0 <= size <= MOST_ELEMENTS for size in shape):
        raise Malformed("a shape that is none")
    if math.prod(shape) > MOST_ELEMENTS:
        raise Malformed("a shape that is too large")
    samples = _numbers(said.get("samples") or "", "<f4", most=SAMPLES)
    if samples.size > math.prod(shape):
        raise Malformed("more samples than values")
    if isinstance(norm, bool) or not isinstance(norm, int | float):
        norm = math.inf
    # Values that are no numbers are for W-FINITE to report; nothing can be compared with them
    is_sound = math.isfinite(norm) and norm >= 0 and bool(numpy.isfinite(samples).all())
    if not is_sound:
        norm, samples = 0.0, samples[:0]
    return str(name), Print(str(sha256), str(dtype), tuple(shape), float(norm), samples)


def _gram(said: Sequence[Mapping[str, Any]]) -> Gram | None:
    """The upper half without the diagonal, which takes several records."""
    if not said:
        return None
    rows = said[0].get("rows")
    if isinstance(rows, int) and not isinstance(rows, bool) and 0 <= rows <= GRAM_ROWS:
        rows = list(range(rows))
    if not isinstance(rows, list) or len(rows) > GRAM_ROWS:
        raise Malformed("a Gram matrix without its rows")
    if any(type(row) is not int or not 0 <= row <= MOST_ELEMENTS for row in rows):
        raise Malformed("a row that is none")
    most = GRAM_ROWS * (GRAM_ROWS - 1) // 2
    if len(said) > 64:
        raise Malformed("a Gram matrix in too many parts")
    values = [_numbers(one.get("values") or "", "<f2", most=most) for one in said]
    joined = numpy.concatenate(values)
    if joined.size != len(rows) * (len(rows) - 1) // 2:
        raise Malformed("a Gram matrix that is not the upper half of its rows")
    if not joined.size or not numpy.isfinite(joined).all():
        return None
    return Gram(tuple(rows), numpy.clip(joined, -1, 1))


def _units(said: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """A few columns of the hidden units, as small integers; each projection in several records."""
    parts: dict[str, list[bytes]] = {}
    wide: dict[str, int] = {}
    total = 0
    for one in said:
        name, width = one.get("name"), one.get("width")
        if not _is(_NAME, name) or type(width) is not int or not 1 <= width <= UNIT_WIDTH:
            raise Malformed("hidden units without name or width")
        raw = _bytes(one.get("values"), most=MOST_UNIT_BYTES)
        total += len(raw)
        if total > MOST_UNIT_BYTES or wide.setdefault(str(name), width) != width:
            raise Malformed("more hidden units than there can be")
        parts.setdefault(str(name), []).append(raw)
    found = {}
    for name, pieces in parts.items():
        values = numpy.frombuffer(b"".join(pieces), "i1")
        if values.size % wide[name] or values.size // wide[name] > UNIT_ROWS:
            raise Malformed("hidden units that are not whole")
        found[name] = values.reshape(-1, wide[name])
    return found


def _numbers(text: Any, kind: str, *, most: int) -> Array:
    size = numpy.dtype(kind).itemsize
    raw = _bytes(text, most=most * size)
    if len(raw) % size:
        raise Malformed("numbers that are not whole")
    return numpy.frombuffer(raw, kind).astype("f4")


def _bytes(text: Any, *, most: int) -> bytes:
    if not isinstance(text, str) or len(text) > most * 4 // 3 + 8:
        raise Malformed("more values than there can be")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("values that are not base64") from None
    if len(raw) > most:
        raise Malformed("more values than there can be")
    return raw


def _is(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def matrices_of(tensors: Iterable[tuple[str, Print]]) -> dict[str, Print]:
    return {name: one for name, one in tensors if one.is_matrix}
