"""Weights in every dtype, written byte by byte, and what the stage says of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy

from registry.checks.findings import Finding
from registry.checks.smoke import weights
from registry.checks.smoke.weights.figures import Figures, measure
from registry.checks.smoke.weights.tensors import tensors_of
from tests.checks import models

LAYERS = 5
CONFIG: dict[str, Any] = {**models.CONFIG, "num_hidden_layers": LAYERS}
Raw = tuple[str, tuple[int, ...], bytes]


def model(**changes: Any) -> models.Tensors:
    """A sound Llama of five layers, of which some tensors are something else."""
    found = models.tensors_of({**CONFIG, **changes})
    random = numpy.random.default_rng(3)
    return {
        name: random.normal(1, 0.1, tensor.shape).astype("float32") if "norm" in name else tensor
        for name, tensor in found.items()
    }


def raw(tensors: Mapping[str, numpy.ndarray], dtype: str = "F32") -> dict[str, Raw]:
    """The tensors as safetensors has them, in this dtype."""
    return {
        name: (dtype, tensor.shape, as_bytes(tensor, dtype)) for name, tensor in tensors.items()
    }


def as_bytes(values: numpy.ndarray, dtype: str) -> bytes:
    match dtype:
        case "F64" | "F32" | "F16":
            return values.astype(f"<f{int(dtype[1:]) // 8}").tobytes()
        case "BF16":
            return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        case "F8_E5M2":
            return (values.astype("<f2").view("<u2") >> 8).astype("u1").tobytes()
    return values.tobytes()


def safetensors(tensors: Mapping[str, Raw]) -> bytes:
    header: dict[str, Any] = {}
    data = b""
    for name, (dtype, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        data += content
    return models.with_header(json.dumps(header).encode(), data)


def stage(
    folder: Path, files: Mapping[str, bytes], *, send: Any = lambda kind, data: None
) -> list[Finding]:
    """The findings of the whole stage over these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    ends = (".safetensors", ".bin", ".gguf")
    spec = {"weights": sorted(name for name in files if name.endswith(ends)), "file": ""}
    return list(weights.check(folder, spec, send=send, progress=lambda done: None))


def judged(folder: Path, tensors: Mapping[str, Raw], **config: Any) -> list[Finding]:
    files = {
        "model.safetensors": safetensors(tensors),
        "config.json": json.dumps({**CONFIG, **config}).encode(),
        "tokenizer.json": models.tokenizer(),
    }
    return stage(folder, files)


def figures_of(folder: Path, tensors: Mapping[str, Raw]) -> dict[str, Figures]:
    path = folder / "measured.safetensors"
    path.write_bytes(safetensors(tensors))
    return {tensor.name: measure(tensor) for tensor in tensors_of([path])}


def gguf_of(folder: Path, content: bytes) -> dict[str, Figures]:
    path = folder / "measured.gguf"
    path.write_bytes(content)
    return {tensor.name: measure(tensor) for tensor in tensors_of([path])}


def gguf(tensors: Mapping[str, tuple[int, tuple[int, ...], bytes]], **keys: Any) -> bytes:
    """A GGUF file with tensors of these types; the shapes are those of numpy, and all data is whole
    multiples of 32 bytes or padded to be."""
    import struct

    sound = models.gguf(tensors={"x": numpy.zeros((1,), "float32")}, **keys)
    head = sound[: sound.rindex(struct.pack("<Q", 1) + b"x")]
    head = head[:8] + struct.pack("<Q", len(tensors)) + head[16:]
    data = b""
    for name, (kind, shape, content) in tensors.items():
        head += struct.pack("<Q", len(name)) + name.encode()
        head += struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        head += struct.pack("<IQ", kind, len(data))
        data += content + b"\0" * (-len(content) % 32)
    return head + b"\0" * (-len(head) % 32) + data
