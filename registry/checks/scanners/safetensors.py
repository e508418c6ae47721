"""Safetensors files whose header is true to the last byte (ST-HEADER), read with a parser of our own.

The stock library takes duplicate keys and control characters in names; we take neither.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import strict_json
from registry.checks.scanners.folder import Folder, Problem

MAX_HEADER_BYTES = 100_000_000
# Python takes four bytes for each character as soon as one of them is no letter of ours
MAX_WIDE_BYTES = 32 * 1024 * 1024
MAX_TENSORS = 65_536
MAX_DIMENSIONS = 32
MAX_ELEMENTS = 2**60

BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
# How often these stand in the entry of one tensor; metadata has some more.
_MARKS = {b"{": 1, b"[": 2, b'"': 10, b",": 8}
_MARKS_OF_METADATA = 100_000
_NAME = re.compile(r"[A-Za-z0-9._-]{1,512}")


class HeaderProblem(Problem):
    """Why the file is not a sound container of tensors."""


@dataclass(frozen=True)
class Tensor:
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """`data_start` is where in the file the offset 0 of the tensors lies."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    data_start: int


def header_of(file: ModelFile) -> Header:
    """The header of this file, or HeaderProblem."""
    size = file.local.stat().st_size
    with file.local.open("rb") as stream:
        start = stream.read(8)
        if len(start) < 8:
            raise HeaderProblem("it is too short to be a safetensors file")
        (length,) = struct.unpack("<Q", start)
        if length > MAX_HEADER_BYTES:
            raise HeaderProblem(f"its header claims {length} bytes, more than is allowed")
        if length > size - 8:
            raise HeaderProblem(f"its header claims {length} bytes, but the file has {size}")
        return parse(stream.read(length), data_bytes=size - 8 - length)


def parse(raw: bytes, *, data_bytes: int) -> Header:
    """The header in these bytes, checked against the length of the data that follows."""
    if not raw.startswith(b"{"):
        raise HeaderProblem("its header does not start with {")
    if len(raw) > MAX_WIDE_BYTES and not raw.isascii():
        raise HeaderProblem(f"its header has {len(raw)} bytes, not all of them ASCII")
    for mark, count in _MARKS.items():
        if raw.count(mark) > count * MAX_TENSORS + _MARKS_OF_METADATA:
            raise HeaderProblem(f"its header holds more than {MAX_TENSORS} tensors would need")
    try:
        value = strict_json.parse(raw, max_bytes=MAX_HEADER_BYTES)
    except strict_json.JsonProblem as problem:
        raise HeaderProblem(f"in its header, {problem}") from None
    if not isinstance(value, dict):
        raise HeaderProblem("its header is not an object")
    metadata = value.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(
        isinstance(text, str) for text in metadata.values()
    ):
        raise HeaderProblem("its metadata is not text to text")
    if len(value) > MAX_TENSORS:
        raise HeaderProblem(f"it holds {len(value)} tensors, more than {MAX_TENSORS}")
    tensors = {name: _tensor(name, entry) for name, entry in value.items()}
    _covered(tensors, data_bytes)
    return Header(tensors, metadata, 8 + len(raw))


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.ending(".safetensors"):
        try:
            folder.parsed("safetensors", file.path, header_of)
        except HeaderProblem as problem:
            yield block("ST-HEADER", f"{show(file.path)}: {problem}.", file=file.path)


def _tensor(name: str, entry: Any) -> Tensor:
    if not _NAME.fullmatch(name):
        raise HeaderProblem(f"the tensor name {show(name)} is not allowed")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise HeaderProblem(f"the entry of {show(name)} is not dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise HeaderProblem(f"{show(name)} has the unknown dtype {show(dtype)}")
    if not _counts(shape) or len(shape) > MAX_DIMENSIONS:
        raise HeaderProblem(f"the shape of {show(name)} is not a list of sizes")
    if not _counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise HeaderProblem(f"the range of {show(name)} is not a start and an end")
    elements = 1
    for size in shape:
        elements *= size
        if elements > MAX_ELEMENTS:
            raise HeaderProblem(f"the shape of {show(name)} overflows")
    if elements * BITS[dtype] != (offsets[1] - offsets[0]) * 8:
        raise HeaderProblem(
            f"{show(name)} is {show(shape)} of {dtype}, but its range is "
            f"{offsets[1] - offsets[0]} bytes"
        )
    return Tensor(dtype, tuple(shape), offsets[0], offsets[1])


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(
        type(item) is int and 0 <= item <= MAX_ELEMENTS for item in value
    )


def _covered(tensors: dict[str, Tensor], data_bytes: int) -> None:
    """Every byte of the data belongs to exactly one tensor."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin < end:
            raise HeaderProblem(f"{show(name)} overlaps the tensor before it")
        if tensor.begin > end:
            raise HeaderProblem(f"{tensor.begin - end} bytes before {show(name)} belong to none")
        end = tensor.end
    if end > data_bytes:
        raise HeaderProblem(f"it is cut off: {end - data_bytes} bytes of its tensors are missing")
    if end < data_bytes:
        raise HeaderProblem(f"{data_bytes - end} bytes after its last tensor belong to none")
