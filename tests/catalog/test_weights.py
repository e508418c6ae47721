"""What the headers of weights say, and what is left out of files that lie."""

import json
import struct
from typing import Any

import pytest

from tests.factories import make_commit, make_repository

pytestmark = pytest.mark.django_db


def safetensors(tensors: dict[str, Any]) -> bytes:
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header


def tensor(dtype: str, *shape: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [0, 0]}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(*shapes: tuple[int, ...], architecture: str = "llama") -> bytes:
    keys = text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    keys += text("llama.context_length") + struct.pack("<II", 4, 8192)
    keys += text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    keys += text("tokenizer.ggml.scores") + struct.pack("<IIQff", 9, 6, 2, 0.0, 1.0)
    tensors = b"".join(
        text(f"t{i}")
        + struct.pack("<I", len(shape))
        + struct.pack(f"<{len(shape)}Q", *shape)
        + struct.pack("<IQ", 0, 0)
        for i, shape in enumerate(shapes)
    )
    return struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), 4) + keys + tensors


def test_parameters_are_counted_over_all_shards() -> None:
    revision = make_commit(
        make_repository(),
        {
            "model-00001-of-00002.safetensors": safetensors(
                {"__metadata__": {"format": "pt"}, "a": tensor("BF16", 2, 3)}
            ),
            "model-00002-of-00002.safetensors": safetensors({"b": tensor("F32", 4)}),
            "consolidated.safetensors": safetensors({"a": tensor("BF16", 100)}),
        },
    )

    assert revision.facts["safetensors"] == {"parameters": {"BF16": 6, "F32": 4}, "total": 10}
    assert revision.parameters == 10


def test_each_quantization_is_the_whole_model_and_shards_are_one() -> None:
    revision = make_commit(
        make_repository(),
        {
            "m-Q4.gguf": gguf((10, 10), (5,)),
            "m-Q8-00001-of-00002.gguf": gguf((10, 10)),
            "m-Q8-00002-of-00002.gguf": gguf((5,)),
        },
    )

    assert revision.facts["gguf"] == {
        "total": 105,
        "architecture": "llama",
        "context_length": 8192,
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        safetensors({"a": {"dtype": "BF16", "shape": [-1]}}),
        safetensors({"a": {"dtype": "<b>", "shape": [1]}}),
        safetensors({"a": tensor("F32", *[2**40] * 9)}),
        safetensors({"a": {"dtype": "F32", "shape": "abc"}}),
        struct.pack("<4sIQQ", b"GGUF", 3, 1, 1) + struct.pack("<Q", 2**60),
        struct.pack("<4sIQQ", b"GGUF", 3, 1, 4096),
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + text("k") + struct.pack("<IIQ", 9, 8, 2**40),
        struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + text("k") + struct.pack("<I", 77),
        gguf(*[(2**40,) * 4]),
    ],
)
@pytest.mark.parametrize("name", ["model.safetensors", "model.gguf"])
def test_files_that_lie_say_nothing_and_refuse_no_commit(name: str, content: bytes) -> None:
    revision = make_commit(make_repository(), {name: content, "a.txt": "a"})

    assert "safetensors" not in revision.facts
    assert "gguf" not in revision.facts
    assert revision.parameters is None
