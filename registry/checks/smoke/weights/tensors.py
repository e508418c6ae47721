"""Every tensor of a model, whatever its format, and its bytes slice by slice in one order."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy

from registry.checks.findings import ModelFile
from registry.checks.scanners import checkpoints, gguf, safetensors
from registry.checks.smoke.weights import formats
from registry.checks.smoke.weights.formats import Array

SLICE = 512 * 1024
# Rows (and heads, where their order is undone) are not cut apart unless they are beyond belief.
MOST_OF_A_UNIT = 16 * 1024 * 1024

_CHECKPOINTS = (".bin", ".pth")
_GGUF_NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_GGUF_NAME = re.compile(r"(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)")
_ROTARY = re.compile(r"blk\.\d+\.attn_[qk]\.(weight|bias)")


@dataclass(frozen=True)
class Stored:
    """One tensor; `name` and `shape` are those of transformers, whatever the file calls it.

    `head` is the number of rows of a head where the file has them in the order of GGUF."""

    name: str
    file: str
    path: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int
    bytes: int
    stride: tuple[int, ...] | None = None
    head: int = 0

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def columns(self) -> int:
        """Numbers of a row: experts lie one below the other, kernels of pictures are one row each."""
        return self.shape[-1] if len(self.shape) == 3 else math.prod(self.shape[1:])

    @property
    def row_bytes(self) -> int | None:
        """None where rows do not end between bytes, or are too long to be held."""
        if len(self.shape) < 2 or not self.elements:
            return None
        count = self.elements // self.columns
        length = self.bytes // count
        return length if self.bytes % count == 0 and length <= MOST_OF_A_UNIT else None


def tensors_of(paths: list[Path]) -> Iterator[Stored]:
    """All tensors of these files, in the order in which they lie there."""
    head = 0
    for path in paths:
        file = ModelFile(path.name, path.stat().st_size, "", path)
        if path.name.endswith(".gguf"):
            header = gguf.header_of(file)
            # Of a model in several files, the first alone says how large a head is.
            head = _head_of(header) or head
            yield from _of_gguf(file, header, head)
        elif path.name.endswith(_CHECKPOINTS):
            yield from _of_checkpoint(file)
        else:
            yield from _of_safetensors(file)


def slices(tensor: Stored) -> Iterator[tuple[int, Array]]:
    """The canonical bytes of a tensor: where a slice starts, and the slice, which is reused."""
    if tensor.stride is not None:
        yield from _gathered(tensor)
        return
    step = _step(tensor)
    buffer = numpy.empty(min(step, tensor.bytes), numpy.uint8)
    with tensor.path.open("rb", buffering=0) as stream:
        stream.seek(tensor.begin)
        for start in range(0, tensor.bytes, step):
            part = buffer[: min(step, tensor.bytes - start)]
            view = part.data
            filled = 0
            while filled < len(part):
                count = stream.readinto(view[filled:])
                if not count:
                    raise EOFError(f"{tensor.file} became shorter while it was read")
                filled += count
            yield start, _in_order(tensor, part)


def _of_safetensors(file: ModelFile) -> Iterator[Stored]:
    header = safetensors.header_of(file)
    for name, tensor in sorted(header.tensors.items(), key=lambda item: item[1].begin):
        yield Stored(
            name,
            file.path,
            file.local,
            tensor.dtype,
            tensor.shape,
            header.data_start + tensor.begin,
            tensor.end - tensor.begin,
        )


def _of_checkpoint(file: ModelFile) -> Iterator[Stored]:
    found = checkpoints.tensors_of(file)
    for name, tensor in sorted(found.items(), key=lambda item: item[1].begin):
        yield Stored(
            name,
            file.path,
            file.local,
            tensor.dtype,
            tensor.shape,
            tensor.begin,
            tensor.bytes,
            None if tensor.is_contiguous else tensor.stride,
        )


def _of_gguf(file: ModelFile, header: gguf.Header, head: int) -> Iterator[Stored]:
    start = _data_start(header, file.size)
    for name, tensor in header.tensors.items():
        shape = tensor.shape[::-1]
        rotary = head if _ROTARY.fullmatch(name) and shape[0] % max(head, 1) == 0 else 0
        yield Stored(
            hf_name(name),
            file.path,
            file.local,
            formats.of_gguf(tensor.type),
            shape,
            start + tensor.offset,
            tensor.bytes,
            head=rotary,
        )


def hf_name(name: str) -> str:
    """What transformers calls a tensor of a GGUF file; its own name where that is not known."""
    match = _GGUF_NAME.fullmatch(name)
    if match is None or match[2] not in _GGUF_NAMES:
        return name
    layer = f"model.layers.{match[1]}." if match[1] else ""
    return f"{layer}{_GGUF_NAMES[match[2]]}.{match[3]}"


def _data_start(header: gguf.Header, size: int) -> int:
    """Where the first tensor lies: a multiple of the alignment, less than one before the last's end."""
    last = max(header.tensors.values(), key=lambda tensor: tensor.offset)
    alignment = int(header.values.get("general.alignment", 32))
    return (size - last.offset - last.bytes) // alignment * alignment


def _head_of(header: gguf.Header) -> int:
    """Rows of a head, or 0 where heads are in the order of transformers or their size is not known."""
    if header.values.get("general.architecture") != "llama":
        return 0
    size = header.values.get("llama.attention.key_length")
    if size is None:
        width = header.values.get("llama.embedding_length")
        heads = header.values.get("llama.attention.head_count")
        if type(width) is not int or type(heads) is not int or not heads or width % heads:
            return 0
        size = width // heads
    return size if type(size) is int and size > 0 and size % 2 == 0 else 0


def _unit(tensor: Stored) -> int:
    """The bytes that must stay together."""
    item = formats.item_of(tensor.dtype)
    alone = item[1] if item else 1
    row = tensor.row_bytes or (alone if len(tensor.shape) == 1 else None)
    if row is None or row % alone:
        return alone
    return row * tensor.head if tensor.head else row


def _step(tensor: Stored) -> int:
    unit = _unit(tensor)
    return max(unit, SLICE - SLICE % unit)


def _in_order(tensor: Stored, part: Array) -> Array:
    """GGUF has the two halves of a head interleaved, row by row; transformers has them side by side."""
    if not tensor.head or _unit(tensor) > MOST_OF_A_UNIT:
        return part
    row = _unit(tensor) // tensor.head
    heads = part.reshape(-1, tensor.head // 2, 2, row)
    return numpy.ascontiguousarray(heads.swapaxes(1, 2)).reshape(-1)


def _gathered(tensor: Stored) -> Iterator[tuple[int, Array]]:
    """A tensor of a checkpoint that is a view of its storage, such as a transposed one."""
    item = formats.item_of(tensor.dtype)
    if item is None or tensor.stride is None:
        raise ValueError(f"{tensor.dtype} cannot be read by strides")
    size = item[1]
    reach = sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride, strict=True)) + 1
    storage = numpy.memmap(tensor.path, f"V{size}", "r", offset=tensor.begin, shape=(reach,))
    strides = tuple(step * size for step in tensor.stride)
    view = numpy.lib.stride_tricks.as_strided(storage, tensor.shape, strides, writeable=False)
    rows = max(1, SLICE // max(1, size * math.prod(tensor.shape[1:])))
    start = 0
    for first in range(0, tensor.shape[0], rows):
        part = numpy.ascontiguousarray(view[first : first + rows]).reshape(-1).view(numpy.uint8)
        yield start, part
        start += part.nbytes
