"""GGUF files whose header is true to the last byte (GG-HEADER), read with a bounded parser of our own."""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners.folder import Folder, Problem

MAX_KEYS = 4096
MAX_TENSORS = 65_536
MAX_TEXT = 8 * 1024 * 1024
MAX_ARRAY = 4_000_000
KEPT_TEXT = 1024
# Of the whole header: no vocabulary and its merges come near either
MAX_HEADER = 256 * 1024 * 1024
MAX_TEXTS = 4_500_000
# Of a template; what is longer is refused in any case
KEPT_TEMPLATE = 128 * 1024
MAX_TEMPLATES = 64
FEW = 4096
# What is judged as a whole, or not at all
TEMPLATE = "tokenizer.chat_template"

_KEY = re.compile(r"[a-z0-9._-]{1,256}")
_TENSOR = re.compile(r"[A-Za-z0-9._-]{1,256}")
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q"}
_SCALARS |= {11: "<q", 12: "<d"}
INT32, FLOAT32, TEXT = 5, 6, 8
_ARRAY, _UINT32 = 9, 4

# Type of a tensor: how many values stand in one block, and how many bytes the block takes.
BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}
# What newer programs write, and nothing here can read yet; and what no program reads any more.
_NEWER = {40: "NVFP4", 41: "Q1_0", 42: "Q2_0"}
_RETIRED = (4, 5, 31, 32, 33, 36, 37, 38)


class HeaderProblem(Problem):
    """Why the file is not a sound GGUF file."""


@dataclass(frozen=True)
class Tensor:
    type: int
    shape: tuple[int, ...]
    offset: int
    bytes: int


@dataclass(frozen=True)
class Array:
    """The type of its entries, how many there are, and at which byte the first lies."""

    kind: int
    length: int
    at: int


@dataclass
class Header:
    """Arrays are not kept: `entries_of` reads them again. `data_start` is where the offset 0 of the
    tensors lies."""

    version: int
    values: dict[str, int | float | bool | str] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    data_start: int = 0

    @property
    def lengths(self) -> dict[str, int]:
        return {key: array.length for key, array in self.arrays.items()}

    @property
    def split_count(self) -> int:
        count = self.values.get("split.count", 1)
        return count if type(count) is int and count > 0 else 1


def header_of(file: ModelFile) -> Header:
    """The header of this file, or HeaderProblem."""
    with file.local.open("rb", buffering=1024 * 1024) as stream:
        return read(stream, file.local.stat().st_size)


def read(stream: BinaryIO, size: int, *, most: int = MAX_HEADER) -> Header:
    """The header at the beginning of a file of this size, at most so many bytes of it."""
    reader = _Reader(stream, size, most)
    if reader.take(4) != b"GGUF":
        raise HeaderProblem("it does not start as a GGUF file")
    version = reader.number("<I")
    if version not in (2, 3):
        raise HeaderProblem(f"its version {version} is not 2 or 3")
    tensor_count, key_count = reader.number("<Q"), reader.number("<Q")
    if key_count > MAX_KEYS:
        raise HeaderProblem(f"it claims {key_count} keys, more than {MAX_KEYS}")
    if tensor_count > MAX_TENSORS:
        raise HeaderProblem(f"it claims {tensor_count} tensors, more than {MAX_TENSORS}")
    header = Header(version)
    for _ in range(key_count):
        _read_key(reader, header)
    alignment = alignment_of(header)
    for _ in range(tensor_count):
        _read_tensor(reader, header)
    header.data_start = _rounded(reader.at, alignment)
    _covered(header, size, alignment)
    return header


def entries_of(file: ModelFile, array: Array) -> Iterator[Any]:
    """The entries of an array of a header that has been read: numbers, or texts as bytes."""
    with file.local.open("rb", buffering=1024 * 1024) as stream:
        stream.seek(array.at)
        if array.kind == TEXT:
            for _ in range(array.length):
                yield stream.read(struct.unpack("<Q", stream.read(8))[0])
            return
        form = struct.Struct(_SCALARS[array.kind])
        for _ in range(array.length):
            yield form.unpack(stream.read(form.size))[0]


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.ending(".gguf"):
        try:
            folder.parsed("gguf", file.path, header_of)
        except HeaderProblem as problem:
            yield block("GG-HEADER", f"{show(file.path)}: {problem}.", file=file.path)


class _Reader:
    """Reads forward and never past the end."""

    def __init__(self, stream: BinaryIO, size: int, most: int) -> None:
        self.stream = stream
        self.most = most
        self.at = 0
        self.left = size
        self.texts = 0
        self.templates = 0

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise HeaderProblem(f"it is cut off: its header ends at byte {self.at + self.left}")
        if self.at + count > self.most:
            raise HeaderProblem(f"its header is larger than {self.most // 1024**2} MiB")
        data = self.stream.read(count)
        if len(data) != count:
            raise HeaderProblem("it changed while it was read")
        self.at += count
        self.left -= count
        return data

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def text(self) -> bytes:
        length = self.number("<Q")
        if length > MAX_TEXT:
            raise HeaderProblem(f"a text at byte {self.at} claims {length} bytes")
        return self.take(length)

    def skip_texts(self, count: int) -> None:
        """As `text`, for millions."""
        read, seek, unpack = self.stream.read, self.stream.seek, struct.Struct("<Q").unpack
        begin = at = self.at
        end = min(begin + self.left, self.most)
        for _ in range(count):
            raw = read(8)
            length = unpack(raw)[0] if len(raw) == 8 else 0
            at += 8 + length
            if at > end or length > MAX_TEXT:
                raise HeaderProblem(f"a text at byte {at - length} claims {length} bytes")
            if length < FEW:  # faster than to seek
                read(length)
            else:
                seek(length, 1)
        self.at = at
        self.left -= at - begin


def _read_key(reader: _Reader, header: Header) -> None:
    key = reader.text().decode("ascii", "replace")
    if not _KEY.fullmatch(key):
        raise HeaderProblem(f"the key {show(key)} is not allowed")
    if key in header.types:
        raise HeaderProblem(f"the key {show(key)} appears twice")
    kind = header.types[key] = reader.number("<I")
    if kind in _SCALARS:
        data = reader.take(struct.calcsize(_SCALARS[kind]))
        if kind == 7 and data not in (b"\0", b"\1"):
            raise HeaderProblem(f"the key {show(key)} is neither true nor false")
        header.values[key] = struct.unpack(_SCALARS[kind], data)[0]
    elif kind == TEXT:
        text = _utf8(reader.text(), key)
        kept = KEPT_TEXT
        if key.startswith(TEMPLATE):
            kept = KEPT_TEMPLATE
            reader.templates += 1
        if reader.templates > MAX_TEMPLATES:
            raise HeaderProblem(f"it has more than {MAX_TEMPLATES} templates")
        header.values[key] = text[:kept]
    elif kind == _ARRAY:
        header.arrays[key] = _skip_array(reader, key)
    else:
        raise HeaderProblem(f"the key {show(key)} has the unknown type {kind}")


def _skip_array(reader: _Reader, key: str) -> Array:
    kind, length = reader.number("<I"), reader.number("<Q")
    if length > MAX_ARRAY:
        raise HeaderProblem(f"the list {show(key)} claims {length} entries")
    begin = reader.at
    if kind in _SCALARS:
        reader.take(struct.calcsize(_SCALARS[kind]) * length)
    elif kind == TEXT:
        reader.texts += length
        if reader.texts > MAX_TEXTS:
            raise HeaderProblem(f"its lists hold more than {MAX_TEXTS} texts")
        reader.skip_texts(length)
    else:
        raise HeaderProblem(f"the list {show(key)} holds the type {kind}")
    return Array(kind, length, begin)


def _utf8(data: bytes, key: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise HeaderProblem(f"the text of {show(key)} is not UTF-8") from None


def alignment_of(header: Header) -> int:
    key = "general.alignment"
    alignment = header.values.get(key, 32)
    if header.types.get(key, _UINT32) != _UINT32 or not isinstance(alignment, int):
        raise HeaderProblem("its alignment is not a 32-bit number")
    if not 8 <= alignment <= 65_536 or alignment & (alignment - 1):
        raise HeaderProblem(f"its alignment {alignment} is not a power of two from 8 to 65536")
    return alignment


def _read_tensor(reader: _Reader, header: Header) -> None:
    name = reader.text().decode("ascii", "replace")
    if not _TENSOR.fullmatch(name):
        raise HeaderProblem(f"the tensor name {show(name)} is not allowed")
    if name in header.tensors:
        raise HeaderProblem(f"the tensor {show(name)} appears twice")
    dimensions = reader.number("<I")
    if not 1 <= dimensions <= 4:
        raise HeaderProblem(f"{show(name)} has {dimensions} dimensions")
    shape = tuple(reader.number("<Q") for _ in range(dimensions))
    kind, offset = reader.number("<I"), reader.number("<Q")
    if not all(1 <= size <= 2**40 for size in shape):
        raise HeaderProblem(f"{show(name)} has the shape {show(shape)}")
    if kind not in BLOCKS:
        raise HeaderProblem(f"{show(name)} {_why_not(kind)}")
    values, taken = BLOCKS[kind]
    if shape[0] % values:
        raise HeaderProblem(f"the rows of {show(name)} do not divide into blocks of {values}")
    header.tensors[name] = Tensor(kind, shape, offset, math.prod(shape) // values * taken)


def _why_not(kind: int) -> str:
    if kind in _NEWER:
        return (
            f"has the type {_NEWER[kind]}, which these checks cannot read yet; "
            "use another, such as Q4_K or Q8_0"
        )
    if kind in _RETIRED:
        return f"has the type {kind}, which was given up; quantize again with current tools"
    return f"has the unknown type {kind}"


def _covered(header: Header, size: int, alignment: int) -> None:
    """Tensors follow each other in the order of the list, and the last ends the file."""
    expected = end = 0
    for name, tensor in header.tensors.items():
        if tensor.offset != expected:
            raise HeaderProblem(
                f"{show(name)} starts at {tensor.offset}, the tensor before it ends at {expected}"
            )
        end = tensor.offset + tensor.bytes
        expected = _rounded(end, alignment)
    if not header.tensors:
        # Of a split file, the first part may hold nothing but the metadata.
        if header.split_count == 1 or size > header.data_start:
            raise HeaderProblem("it holds no tensors")
        return
    held = size - header.data_start
    if held < end:
        raise HeaderProblem(f"it is cut off: {end - held} bytes of its tensors are missing")
    if held not in (end, expected):
        raise HeaderProblem(f"{held - end} bytes after its last tensor belong to none")


def _rounded(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
