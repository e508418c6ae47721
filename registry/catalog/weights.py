"""What the headers of weights say: how many parameters of which type, and what a GGUF file is.

Read when a revision is made, from the files in its root, a bounded part of each. What cannot be
read is left out: what is wrong with a file is for the checks to say.
"""

import functools
import json
import math
import re
import struct
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from registry.catalog.models import Tree, TreeEntry
from registry.storage import blobs
from registry.storage.backend import Content

PIECE = 256 * 1024
MAX_FILES = 256
MAX_HEADER = 4 * 1024**2
MAX_GGUF_FILES = 16
MAX_GGUF_HEADER = 32 * 1024**2
MAX_ITEMS = 4_000_000
MAX_TENSORS = 65_536
MAX_TEXT = 8 * 1024**2
# More than this is no count of parameters, and the database has its own end
MAX_TOTAL = 2**60
_MODEL = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)")
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY, _COUNTS = 8, 9, {4: "<I", 10: "<Q"}


def read(tree: Tree) -> dict[str, Any]:
    """`safetensors` and `gguf` as answers about models have them; what is not known is absent."""
    is_weights = Q(name__endswith=".safetensors") | Q(name__endswith=".gguf")
    found = list(
        TreeEntry.objects.filter(is_weights, tree=tree, file__is_lfs=True)
        .order_by("name")
        .values_list("name", "file__blob__sha256")[:MAX_FILES]
    )
    facts = {
        "safetensors": _safetensors([file for file in found if file[0].endswith(".safetensors")]),
        "gguf": _gguf([file for file in found if file[0].endswith(".gguf")][:MAX_GGUF_FILES]),
    }
    return {name: value for name, value in facts.items() if value}


def total(facts: dict[str, Any]) -> int | None:
    """The number of parameters, where some file says it."""
    for kind in ("safetensors", "gguf"):
        if kind in facts:
            return int(facts[kind]["total"])
    return None


def _safetensors(found: list[tuple[str, str]]) -> dict[str, Any] | None:
    chosen = [file for file in found if _MODEL.fullmatch(file[0])] or found
    counts: dict[str, int] = {}
    for _, sha256 in chosen:
        for dtype, count in _parameters(sha256):
            counts[dtype] = counts.get(dtype, 0) + count
    if not counts or sum(counts.values()) > MAX_TOTAL:
        return None
    return {"parameters": dict(sorted(counts.items())), "total": sum(counts.values())}


@functools.lru_cache(maxsize=4096)
def _parameters(sha256: str) -> tuple[tuple[str, int], ...]:
    """How many values of each type a safetensors file has; nothing where it is none."""
    counts: dict[str, int] = {}
    try:
        with blobs.open_blob(sha256, 0, MAX_HEADER + 8) as file:
            header_of = _Reader(file)
            (length,) = struct.unpack("<Q", header_of.exactly(8))
            header = json.loads(header_of.exactly(min(length, MAX_HEADER + 1)))
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            dtype, shape = tensor["dtype"], tensor["shape"]
            if not isinstance(dtype, str) or not re.fullmatch(r"[A-Z0-9_]{1,16}", dtype):
                return ()
            counts[dtype] = counts.get(dtype, 0) + _product(shape)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
    return tuple(counts.items())


def _gguf(found: list[tuple[str, str]]) -> dict[str, Any] | None:
    """Each file of a quantization holds the whole model, and shards hold it together."""
    totals: dict[str, int] = {}
    facts: dict[str, Any] = {}
    for name, sha256 in found:
        said = dict(_gguf_header(sha256))
        whole = _SHARD.sub("", name)
        totals[whole] = totals.get(whole, 0) + said.pop("total", 0)
        facts = {**said, **facts}
    most = max(totals.values(), default=0)
    return {"total": most, **facts} if 0 < most <= MAX_TOTAL else None


@functools.lru_cache(maxsize=1024)
def _gguf_header(sha256: str) -> tuple[tuple[str, Any], ...]:
    try:
        with blobs.open_blob(sha256, 0, MAX_GGUF_HEADER) as file:
            return tuple(_read_gguf(_Reader(file)).items())
    except (ValueError, struct.error):
        return ()


def _read_gguf(file: "_Reader") -> dict[str, Any]:
    magic, version, tensors, keys = struct.unpack("<4sIQQ", file.exactly(24))
    if magic != b"GGUF" or version not in {2, 3} or tensors > MAX_TENSORS or keys > 4096:
        raise ValueError("no GGUF file of a known version")
    said: dict[str, Any] = {}
    for _ in range(keys):
        key = _text(file)
        (kind,) = struct.unpack("<I", file.exactly(4))
        if kind == _TEXT:
            said[key] = _text(file)[:200]
        elif kind in _COUNTS:
            (said[key],) = struct.unpack(_COUNTS[kind], file.exactly(_SIZES[kind]))
        else:
            _skip(file, kind)
    count = 0
    for _ in range(tensors):
        _text(file)
        (dimensions,) = struct.unpack("<I", file.exactly(4))
        if dimensions > 8:
            raise ValueError("too many dimensions")
        count += _product(list(struct.unpack(f"<{dimensions}Q", file.exactly(8 * dimensions))))
        file.exactly(12)
    architecture = said.get("general.architecture")
    facts = {
        "total": count,
        "architecture": architecture if isinstance(architecture, str) else None,
        "context_length": said.get(f"{architecture}.context_length"),
    }
    return {name: value for name, value in facts.items() if value}


def _skip(file: "_Reader", kind: int) -> None:
    if kind == _TEXT:
        _text(file)
    elif kind in _SIZES:
        file.exactly(_SIZES[kind])
    elif kind == _ARRAY:
        inner, length = struct.unpack("<IQ", file.exactly(12))
        if length > MAX_ITEMS or inner == _ARRAY:
            raise ValueError("an array that no model has")
        if inner in _SIZES:
            file.exactly(_SIZES[inner] * length)
            return
        for _ in range(length):
            _skip(file, inner)
    else:
        raise ValueError("a value of no known type")


def _text(file: "_Reader") -> str:
    (length,) = struct.unpack("<Q", file.exactly(8))
    if length > MAX_TEXT:
        raise ValueError("a text that is too long")
    return file.exactly(length).decode(errors="replace").replace("\0", "")


class _Reader:
    """Reads pieces of any size from bytes that come in larger ones."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._buffer = memoryview(b"")

    def exactly(self, size: int) -> bytes:
        if size > MAX_GGUF_HEADER:
            raise ValueError("more than a header has")
        parts = []
        while size > len(self._buffer):
            parts.append(self._buffer)
            size -= len(self._buffer)
            self._buffer = memoryview(self._content.read(max(PIECE, size)))
            if not self._buffer:
                raise ValueError("it ends too early")
        parts.append(self._buffer[:size])
        self._buffer = self._buffer[size:]
        return b"".join(parts)


def _product(shape: Iterable[Any]) -> int:
    sizes = list(shape)
    if len(sizes) > 32 or any(type(size) is not int or not 0 <= size < 2**48 for size in sizes):
        raise ValueError("no shape of a tensor")
    return math.prod(sizes)
