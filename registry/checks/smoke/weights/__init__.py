"""Counts values in the weights that are not numbers (W-FINITE), on the raw bits, a slice at a time."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import safetensors

SLICE = 64 * 1024 * 1024

# dtype: how to read it, and the bits that are all ones in NaN and infinity
_BITS: dict[str, tuple[Any, int]] = {
    "F64": (numpy.uint64, 0x7FF0000000000000),
    "F32": (numpy.uint32, 0x7F800000),
    "F16": (numpy.uint16, 0x7C00),
    "BF16": (numpy.uint16, 0x7F80),
    "F8_E5M2": (numpy.uint8, 0x7C),
    # This one has no infinity, and one pattern alone that is not a number.
    "F8_E4M3": (numpy.uint8, 0x7F),
}


def check(
    folder: Path,
    spec: Mapping[str, Any],
    *,
    send: Callable[..., None],
    progress: Callable[[float], None],
) -> Iterator[Finding]:
    """`send` takes records, `progress` the share of the bytes that were read."""
    paths = [folder / name for name in spec["weights"] if name.endswith(".safetensors")]
    total = sum(path.stat().st_size for path in paths) or 1
    done = 0
    for path in paths:
        file = ModelFile(path.name, path.stat().st_size, "", path)
        header = safetensors.header_of(file)
        for name, tensor in header.tensors.items():
            if finding := _finding(file, name, tensor, header.data_start):
                yield finding
            done += tensor.end - tensor.begin
            progress(done / total)


def _finding(
    file: ModelFile, name: str, tensor: safetensors.Tensor, data_start: int
) -> Finding | None:
    if tensor.dtype not in _BITS:
        return None
    kind, mask = _BITS[tensor.dtype]
    width = numpy.dtype(kind).itemsize
    count, first = 0, None
    with file.local.open("rb") as stream:
        for start in range(tensor.begin, tensor.end, SLICE):
            stream.seek(data_start + start)
            raw = stream.read(min(SLICE, tensor.end - start))
            wrong = (numpy.frombuffer(raw, kind) & kind(mask)) == kind(mask)
            found = int(numpy.count_nonzero(wrong))
            if found and first is None:
                first = (start - tensor.begin) // width + int(wrong.argmax())
            count += found
    if first is None:
        return None
    where = (
        [int(place) for place in numpy.unravel_index(first, tensor.shape)] if tensor.shape else []
    )
    return block(
        "W-FINITE",
        f"{show(name)} has {count} values that are not numbers.",
        file=file.path,
        where=name,
        value=count,
        threshold=0,
        evidence={"first_index": where},
    )
