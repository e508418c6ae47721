"""What the header of a stored weight file says: tensors and metadata, read by ranges, without data.

The parsers are those of the scanners. What they refuse is refused here with the same words.
"""

import io
import json
import math
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from posixpath import dirname
from typing import Any, BinaryIO, cast

from registry.catalog.files import FileEntry
from registry.checks.scanners import gguf, safetensors, strict_json
from registry.checks.scanners.folder import Problem, joined
from registry.releases.line_diff import readable
from registry.storage import blobs

MIB = 1024 * 1024
# Of a page, much less than a scan may read
MAX_SAFETENSORS, MAX_GGUF = 16 * MIB, 48 * MIB
MAX_VALUE = 400
MAX_METADATA = 500
PIECE = 256 * 1024
INDEX = ".safetensors.index.json"
MAX_INDEX = strict_json.MAX_INDEX_BYTES
MAX_SHARDS = 1_000

# As the programs around GGUF call the types of tensors
TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0"},
    **{10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K"},
    **{16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S"},
    **{22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64"},
    **{29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"},
}
_KINDS = {0: "uint8", 1: "int8", 2: "uint16", 3: "int16", 4: "uint32", 5: "int32", 6: "float32"}
_KINDS |= {7: "bool", 8: "text", 9: "list", 10: "uint64", 11: "int64", 12: "float64"}


@dataclass(frozen=True, slots=True)
class TensorRow:
    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    file: str = ""

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def form(self) -> str:
        """Type and shape, as `BF16 [4096, 4096]`."""
        return f"{self.dtype} [{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class FileHeader:
    """`metadata` has key, kind and value as a reader sees them; `length` is how many bytes at the
    beginning of the file were read."""

    kind: str  # safetensors, gguf
    tensors: tuple[TensorRow, ...]
    metadata: tuple[tuple[str, str, str], ...]
    length: int

    @cached_property
    def values(self) -> int:
        return sum(tensor.elements for tensor in self.tensors)

    @cached_property
    def by_dtype(self) -> list[dict[str, Any]]:
        return by_dtype(self.tensors)


@dataclass(frozen=True)
class Index:
    """How many tensors an index sends to each shard, by its path."""

    shards: Mapping[str, int]
    metadata: tuple[tuple[str, str, str], ...]


def has_header(path: str) -> bool:
    return path.lower().endswith((".safetensors", ".gguf"))


def is_index(path: str) -> bool:
    return path.lower().endswith(INDEX)


def by_dtype(tensors: tuple[TensorRow, ...]) -> list[dict[str, Any]]:
    """Of each type how many tensors, values and bytes, the largest first."""
    counts: Counter[str] = Counter()
    elements: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        counts[tensor.dtype] += 1
        elements[tensor.dtype] += tensor.elements
        sizes[tensor.dtype] += tensor.bytes
    return [
        {"dtype": dtype, "tensors": counts[dtype], "values": elements[dtype], "bytes": size}
        for dtype, size in sizes.most_common()
    ]


def read(file: FileEntry) -> FileHeader:
    """The header, or a Problem whose text ends a sentence."""
    if file.path.lower().endswith(".gguf"):
        return _gguf(file)
    return _safetensors(file)


def index_of(path: str, content: bytes) -> Index:
    """What an index says of shards, by their paths, or a Problem."""
    value = strict_json.parse(content, max_bytes=MAX_INDEX)
    weight_map = value.get("weight_map") if isinstance(value, dict) else None
    if not isinstance(weight_map, dict) or not all(
        isinstance(shard, str) for shard in weight_map.values()
    ):
        raise Problem("it has no weight_map of names")
    counted = Counter(joined(dirname(path), shard) for shard in weight_map.values())
    if len(counted) > MAX_SHARDS:
        raise Problem(f"it names more than {MAX_SHARDS} files")
    return Index(dict(sorted(counted.items())), _metadata(value.get("metadata")))


def _safetensors(file: FileEntry) -> FileHeader:
    with blobs.open_blob(file.sha256) as content:
        start = content.read(8)
        if len(start) < 8:
            raise Problem("it is too short to be a safetensors file")
        (length,) = struct.unpack("<Q", start)
        if length > file.size - 8:
            raise Problem(f"its header claims {length} bytes, but the file has {file.size}")
        if length > MAX_SAFETENSORS:
            raise Problem(f"its header of {length} bytes is too large to be shown here")
        raw = content.read(length)
    header = safetensors.parse(raw, data_bytes=file.size - 8 - length)
    rows = tuple(
        TensorRow(name, one.dtype, one.shape, one.end - one.begin, file.path)
        for name, one in header.tensors.items()
    )
    return FileHeader("safetensors", rows, _metadata(header.metadata), header.data_start)


def _gguf(file: FileEntry) -> FileHeader:
    stream = io.BufferedReader(_Stored(file), PIECE)
    header = gguf.read(cast(BinaryIO, stream), file.size, most=MAX_GGUF)
    rows = tuple(
        TensorRow(name, TYPES.get(one.type, str(one.type)), one.shape, one.bytes, file.path)
        for name, one in header.tensors.items()
    )
    metadata = tuple(
        (key, _kind(header, key), _value(header.values.get(key), header.lengths.get(key)))
        for key in header.types
    )
    return FileHeader("gguf", rows, metadata[:MAX_METADATA], min(header.data_start, file.size))


def _kind(header: gguf.Header, key: str) -> str:
    if (array := header.arrays.get(key)) is not None:
        return f"list of {_KINDS.get(array.kind, array.kind)}"
    return _KINDS.get(header.types[key], "")


def _metadata(found: Any) -> tuple[tuple[str, str, str], ...]:
    if not isinstance(found, dict):
        return ()
    pairs = list(found.items())[:MAX_METADATA]
    return tuple((readable(key)[:MAX_VALUE], "", _value(value)) for key, value in pairs)


def _value(value: Any, entries: int | None = None) -> str:
    if entries is not None:
        return f"{entries:,}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "\n".join(readable(line) for line in text[:MAX_VALUE].split("\n")) + (
        "…" if len(text) > MAX_VALUE else ""
    )


class _Stored(io.RawIOBase):
    """A stored file that is read where one is, by ranges, wherever the site keeps it."""

    def __init__(self, file: FileEntry) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = begin + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), max(self._file.size - self._at, 0))
        if count == 0:
            return 0
        with blobs.open_blob(self._file.sha256, self._at, count) as content:
            data = content.read(count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
