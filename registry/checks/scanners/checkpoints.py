"""Which tensors a torch checkpoint (.bin, .pth) holds, and where their numbers lie. Nothing is unpickled."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from registry.checks.findings import ModelFile
from registry.checks.scanners import container, pickles
from registry.checks.scanners.folder import Folder

# What safetensors calls the numbers of each storage; an untyped one is bytes, as torch reads it.
DTYPES = {
    "ByteStorage": "U8",
    "UntypedStorage": "U8",
    "CharStorage": "I8",
    "BoolStorage": "BOOL",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "ShortStorage": "I16",
    "FloatStorage": "F32",
    "IntStorage": "I32",
    "DoubleStorage": "F64",
    "LongStorage": "I64",
    "ComplexFloatStorage": "C64",
    "ComplexDoubleStorage": "C128",
}


@dataclass(frozen=True)
class StoredTensor:
    """`begin` is the byte of the file at which the first number lies; `stride` counts numbers.

    Where `is_contiguous`, the numbers are the `bytes` from there on, in order, little-endian."""

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    item_bytes: int
    storage: str
    begin: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * self.item_bytes

    @property
    def is_contiguous(self) -> bool:
        expected = 1
        for size, step in zip(reversed(self.shape), reversed(self.stride), strict=True):
            if size != 1 and step != expected:
                return self.elements == 0
            expected *= size
        return True


def tensors_of(file: ModelFile) -> dict[str, StoredTensor]:
    """The tensors of a checkpoint that the scan has passed, or a Problem. Reads no data."""
    return _listed(container.layout_of(file, verify=False))


def tensors_in(folder: Folder, path: str) -> dict[str, StoredTensor]:
    """The same for a scanner, which reads the file once with all others."""
    return _listed(container.layout_in(folder, folder.by_path[path]))


def _listed(layout: container.Layout) -> dict[str, StoredTensor]:
    return dict(_walked(layout.state, layout.starts, ""))


def _walked(
    state: pickles.Mapping, starts: dict[str, int], above: str
) -> Iterator[tuple[str, StoredTensor]]:
    """`state_problem` has bounded the depth, and that each mapping stands in one place.

    Tensors inside of a mapping stand under its name."""
    for key, item in state.pairs:
        if isinstance(item, pickles.Mapping):
            yield from _walked(item, starts, f"{above}{key}/")
        elif isinstance(item, pickles.Tensor):
            storage = item.storage
            yield (
                f"{above}{key}",
                StoredTensor(
                    DTYPES[storage.kind],
                    item.shape,
                    item.stride,
                    storage.item_bytes,
                    storage.key,
                    starts[storage.key] + item.offset * storage.item_bytes,
                ),
            )
