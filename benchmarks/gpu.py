"""A graphics card: a large random Llama in the smoke test, beside what the card itself can do."""

import json
import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from benchmarks import smoke
from benchmarks.report import Table, median
from registry.checks.scanners.shapes import EMBEDDING, HEAD, expected_of
from registry.checks.smoke import control
from registry.checks.smoke.isolation import gpu_nodes
from registry.checks.smoke.limits import SmokeResult

MIB = 1024 * 1024
ROUNDS = 5
# Of the matrices, between 2 to the power of -7 and -6, and of a few columns well above.
BITS_OF_SMALL = 0x3C00
LARGE = 0.16


@dataclass(frozen=True)
class Shape:
    """Of a Llama in bfloat16."""

    hidden: int
    inner: int
    layers: int
    heads: int
    groups: int
    words: int
    context: int

    @property
    def config(self) -> dict[str, Any]:
        return control.CONFIG | {
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.groups,
            "vocab_size": self.words,
            "max_position_embeddings": self.context,
            "dtype": "bfloat16",
        }

    @property
    def bytes(self) -> int:
        return 2 * sum(_elements(shape) for shape in expected_of(self.config).values())

    @property
    def bytes_a_token(self) -> int:
        """What has to be read for one more token: all but the embedding, of which it is a row."""
        return self.bytes - 2 * self.words * self.hidden


SHAPES = {
    "8B": Shape(4096, 14_336, 32, 32, 8, 128_256, 8192),
    "1B": Shape(2048, 8192, 16, 32, 8, 128_256, 8192),
    "tiny": Shape(64, 128, 2, 4, 2, 512, 512),
}


@dataclass(frozen=True)
class Rates:
    """Bytes a second: onto the device from memory that may be paged out, and from memory that may
    not (None where there is no such), and within the device, where each byte is read and written."""

    pageable: float
    pinned: float | None
    within: float


def measure(folder: Path, *, quick: bool, shape: str = "8B") -> list[Table]:
    name = "tiny" if quick else shape
    if not gpu_nodes():
        table = Table(f"A random Llama of the shape {name} on a graphics card", _COLUMNS)
        table.notes.append("Not measured: there is no CUDA device.")
        return [table]
    model = folder / "model"
    make_model(model, SHAPES[name])
    found = smoke.pairs(model, folder, rounds=1 if quick else smoke.ROUNDS)
    rates = rates_of("cuda", 64 * MIB if quick else 2048 * MIB)
    results = [pair.result for pair in found]
    return [compared(name, results, rates), *smoke.tables(found)]


_COLUMNS = ("what", "measured", "the device", "share")


def compared(name: str, results: list[SmokeResult], rates: Rates) -> Table:
    """The figures that the smoke test gives, beside what the copies say is possible."""
    shape = SHAPES[name]
    load = shape.bytes / median([result.metrics["load_s"] for result in results])
    decode = median([result.metrics["decode_tok_s"] for result in results])
    bound = rates.within / shape.bytes_a_token
    table = Table(f"A random Llama of the shape {name} on a graphics card", _COLUMNS)
    for kind, rate in (("pageable", rates.pageable), ("pinned", rates.pinned)):
        if rate is not None:
            table.add(
                f"loading, GB a second, beside copies from {kind} memory",
                round(load / 1e9, 2),
                round(rate / 1e9, 2),
                round(load / rate, 2),
            )
    table.add(
        "decoding alone, tokens a second",
        round(decode, 1),
        round(bound, 1),
        round(decode / bound, 2),
    )
    device = results[0].device
    table.notes += [
        f"{shape.bytes / 1e9:.2f} GB of weights in bfloat16, just written and so read from memory, "
        f"on {device.get('name', 'an unnamed device')}; median of {len(results)}. Loading is from "
        "the file until the weights are on the device.",
        f"Copies within the device move {rates.within / 1e9:.0f} GB a second, counting what is read "
        f"and what is written. A token reads {shape.bytes_a_token / 1e9:.2f} GB, so that no more "
        "than this bound can be decoded.",
    ]
    return table


def rates_of(kind: str, size: int) -> Rates:
    """`kind` is "cuda", or "cpu", where copies stay in the memory of the machine."""
    import torch

    device = torch.device(kind)
    is_cuda = device.type == "cuda"
    wait: Callable[[], None] = torch.cuda.synchronize if is_cuda else _nothing
    there, other = (torch.empty(size, dtype=torch.uint8, device=device) for _ in range(2))
    here = torch.ones(size, dtype=torch.uint8)
    pinned = here.pin_memory() if is_cuda else None
    return Rates(
        size / _seconds(lambda: there.copy_(here), wait),
        None if pinned is None else size / _seconds(lambda: there.copy_(pinned), wait),
        2 * size / _seconds(lambda: other.copy_(there), wait),
    )


def _nothing() -> None:
    """The processor has nothing to wait for."""


def _seconds(copy: Callable[[], object], wait: Callable[[], None]) -> float:
    """After one that does not count."""
    taken = []
    for _ in range(ROUNDS + 1):
        wait()
        began = time.perf_counter()
        copy()
        wait()
        taken.append(time.perf_counter() - began)
    return median(taken[1:])


def make_model(folder: Path, shape: Shape) -> None:
    """Random, but for one thing that it knows: which words its tokenizer has. A model that knows
    nothing is refused before its speed is measured."""
    control.files_in(folder)  # the tokenizer, and files that are written over below
    (folder / "config.json").write_text(json.dumps(shape.config))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Random\n")
    shapes = expected_of(shape.config)
    header, at = {}, 0
    for name, sizes in shapes.items():
        length = 2 * _elements(sizes)
        header[name] = {"dtype": "BF16", "shape": sizes, "data_offsets": [at, at + length]}
        at += length
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    random = numpy.random.default_rng(0)
    with (folder / "model.safetensors").open("wb") as stream:
        stream.write(struct.pack("<Q", len(raw)) + raw)
        for name, sizes in shapes.items():
            for part in _parts(name, sizes, random):
                stream.write(part.tobytes())
        stream.flush()
        os.fsync(stream.fileno())


def _parts(
    name: str, sizes: tuple[int, ...], random: numpy.random.Generator
) -> Iterator[numpy.ndarray[Any, Any]]:
    """The bits of the upper halves of 32-bit floats, some rows at a time."""
    if len(sizes) == 1:
        yield numpy.full(sizes, 0x3F80, "<u2")
        return
    rows, columns = sizes
    step = max(1, 64 * MIB // columns)
    for first in range(0, rows, step):
        count = min(step, rows - first)
        bits = random.integers(0, 2**16, (count, columns), "<u2") & 0x807F | BITS_OF_SMALL
        if name in (EMBEDDING, HEAD):
            numbers = numpy.arange(first, first + count)
            sign = numpy.where(numbers < control.CONFIG["vocab_size"], 1, -1)
            large = (LARGE * (sign if name == HEAD else 1) * numpy.ones(count)).astype("<f4")
            bits[:, 0] = large.view("<u4") >> 16
        yield bits


def _elements(sizes: tuple[int, ...]) -> int:
    return int(numpy.prod(sizes, dtype=numpy.int64))
