"""Whether the scales of quantized weights are numbers and above zero, read from their bits."""

import sys
from array import array

from registry.checks.scanners import checkpoints, safetensors
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.stored import Tensor

CHUNK = 4 * 1024 * 1024
# The bits of infinity: whatever lies above it is no number, or negative.
_INFINITY = {"F16": ("H", 0x7C00), "BF16": ("H", 0x7F80), "F32": ("I", 0x7F80_0000)}


def are_sound(folder: Folder, path: str, tensor: Tensor, *, zero: bool) -> bool | None:
    """None where they are of a kind that is not told by its bits. `zero` allows a scale of nothing."""
    if tensor.dtype not in _INFINITY:
        return None
    code, infinity = _INFINITY[tensor.dtype]
    begin, left = _place(folder, path, tensor)
    if begin is None:
        return False
    least = 0 if zero else 1
    with folder.by_path[path].local.open("rb") as stream:
        stream.seek(begin)
        while left:
            values = array(code)
            values.frombytes(stream.read(min(CHUNK, left)))
            if not values:
                return False
            if sys.byteorder == "big":
                values.byteswap()
            if min(values) < least or max(values) >= infinity:
                return False
            left -= len(values) * values.itemsize
    return True


def _place(folder: Folder, path: str, tensor: Tensor) -> tuple[int | None, int]:
    """The byte at which the numbers begin, and how many bytes they take."""
    if isinstance(tensor, checkpoints.StoredTensor):
        return (tensor.begin if tensor.is_contiguous else None), tensor.bytes
    header = folder.parsed("safetensors", path, safetensors.header_of)
    return header.data_start + tensor.begin, tensor.end - tensor.begin
