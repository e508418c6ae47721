"""The metadata of a GGUF file makes up a whole model, and the parts of a split one agree."""

import struct
from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.findings import Severity
from registry.checks.scanners import gguf
from tests.checks import models

TYPES = [1] * 256 + [3, 3, 1]
TOKENS = [f"t{number}" for number in range(259)]


def said_of(tmp_path: Path, check: str = "GG-META", **changes: Any) -> list[str]:
    found = models.findings_of(tmp_path, {"m.gguf": models.gguf(**changes)})
    assert all(finding.severity is Severity.BLOCK for finding in found if finding.check == check)
    return [finding.message for finding in found if finding.check == check]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"general.architecture": "mamba"}, "its architecture mamba is not one of llama, llama4"),
        ({"general.architecture": 5}, "its architecture 5 is not one of"),
        (
            {"general.type": "adapter"},
            "it holds an adapter, which is accepted as adapter_model.safetensors",
        ),
        ({"llama.block_count": 100_000}, "llama.block_count is 100000, but must be from 1 to 512"),
        ({"llama.block_count": None}, "llama.block_count is missing"),
        ({"llama.block_count": [2, 2]}, "llama.block_count is a list"),
        ({"llama.context_length": 2**30}, "llama.context_length is 1073741824"),
        ({"llama.embedding_length": "32"}, "llama.embedding_length is 32, but must be"),
        ({"llama.attention.head_count_kv": 3}, "3 does not divide 4 heads"),
        ({"llama.attention.head_count": 3}, "2 does not divide 3 heads"),
        ({"llama.block_count": 3}, "9 tensors are missing, e.g. blk.2.attn_norm.weight"),
        ({"llama.block_count": 1}, "it has 1 layers, but holds blk.1."),
        ({"llama.feed_forward_length": 96}, "is [32, 64], but the metadata needs [32, 96]"),
        ({"tokenizer.ggml.tokens": None}, "it holds no vocabulary"),
        ({"tokenizer.ggml.tokens": [1, 2]}, "it holds no vocabulary"),
        ({"tokenizer.ggml.tokens": ["a"]}, "it holds 1 tokens, but the embedding has 259 rows"),
        ({"tokenizer.ggml.token_type": [1]}, "token_type has 1 entries, but there are 259 tokens"),
        ({"tokenizer.ggml.token_type": TOKENS}, "token_type does not hold 32-bit whole numbers"),
        ({"tokenizer.ggml.token_type": 1}, "token_type is not a list"),
        ({"tokenizer.ggml.token_type": [99] * 259}, "the token 0 is of the unknown type 99"),
        ({"tokenizer.ggml.token_type": [6] * 259}, "the token 0 stands for a byte, but is"),
        ({"tokenizer.ggml.scores": [1] * 259}, "scores does not hold 32-bit fractions"),
        ({"tokenizer.ggml.scores": [1.5]}, "scores has 1 entries"),
        ({"tokenizer.ggml.eos_token_id": 259}, "eos_token_id is 259, but there are 259 tokens"),
        ({"tokenizer.ggml.eos_token_id": "x"}, "eos_token_id is x"),
    ],
)
def test_metadata_that_makes_no_model_is_blocked(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    said = said_of(tmp_path, **changes)

    assert any(why in message for message in said), said


def test_a_tensor_that_a_layer_lacks_is_named(tmp_path: Path) -> None:
    tensors = models.gguf_tensors()
    del tensors["blk.1.ffn_up.weight"]

    assert said_of(tmp_path, tensors=tensors) == [
        "m.gguf: 1 tensors are missing, e.g. blk.1.ffn_up.weight."
    ]


@pytest.mark.parametrize("apart", [False, True], ids=["packed", "one by one"])
def test_layers_of_experts_pass_without_dense_tensors(tmp_path: Path, apart: bool) -> None:
    tensors = models.gguf_tensors()
    for layer in range(2):
        for name in ("gate", "up", "down"):
            dense = tensors.pop(f"blk.{layer}.ffn_{name}.weight")
            if apart:
                for expert in range(2):
                    tensors[f"blk.{layer}.ffn_{name}.{expert}.weight"] = dense
            else:
                tensors[f"blk.{layer}.ffn_{name}_exps.weight"] = numpy.stack([dense, dense])
        tensors[f"blk.{layer}.ffn_gate_inp.weight"] = numpy.ones((2, 32), "float32")

    assert said_of(tmp_path, tensors=tensors, **{"llama.expert_count": 2}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"tokenizer.ggml.scores": [0.5] * 259, "tokenizer.ggml.unknown_token_id": 2**32 - 1},
        {
            "tokenizer.ggml.tokens": [f"<0x{number % 256:02X}>" for number in range(259)],
            "tokenizer.ggml.token_type": [6] * 259,
        },
        {"tokenizer.ggml.token_type": None, "llama.rope.dimension_count": None},
    ],
)
def test_what_converters_write_passes(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert said_of(tmp_path, **changes) == []


def parts(**changes: Any) -> dict[str, bytes]:
    """The first part holds the metadata alone, as one option of the splitting program writes it."""
    keys = {"split.count": 3, "split.tensors.count": 21}
    tensors = models.gguf_tensors()
    assert len(tensors) == 21
    names = list(tensors)
    cuts = [[], names[:10], names[10:]]
    files: dict[str, bytes] = {}
    for number, held in enumerate(cuts):
        some = {name: tensors[name] for name in held} or {"none": numpy.ones(8, "float32")}
        raw = models.gguf(tensors=some, **keys, **{"split.no": number}, **changes)
        files[f"m-0000{number + 1}-of-00003.gguf"] = raw if held else without_tensors(raw)
    return files


def without_tensors(raw: bytes) -> bytes:
    entry = struct.pack("<Q", 4) + b"none"
    return raw[:8] + struct.pack("<Q", 0) + raw[16 : raw.index(entry)]


def test_a_whole_split_model_passes(tmp_path: Path) -> None:
    assert models.findings_of(tmp_path, {"README.md": models.CARD, **parts()}) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: files.pop("m-00002-of-00003.gguf"), "2 of its 3 parts are here"),
        (
            lambda files: files.update({"m.gguf": files["m-00002-of-00003.gguf"]}),
            "it is one part of several, but not named as one",
        ),
        (
            lambda files: files.update({"m-00002-of-00003.gguf": files["m-00003-of-00003.gguf"]}),
            "its split keys are (2, 3, 21), its place among the parts (1, 3, 22)",
        ),
    ],
)
def test_parts_that_do_not_agree_are_blocked(tmp_path: Path, change: Any, why: str) -> None:
    files = parts()
    change(files)

    messages = [f.message for f in models.findings_of(tmp_path, files) if f.check == "GG-HEADER"]

    assert any(why in message for message in messages), messages


def test_a_tensor_in_two_parts_is_blocked(tmp_path: Path) -> None:
    files = parts()
    files["m-00003-of-00003.gguf"] = files["m-00002-of-00003.gguf"]

    messages = [f.message for f in models.findings_of(tmp_path, files) if f.check == "GG-HEADER"]

    assert any("another part holds" in message for message in messages)


def test_entries_of_a_list_are_read_again_from_the_file(tmp_path: Path) -> None:
    (file,) = models.put(tmp_path, {"m.gguf": models.gguf()})

    header = gguf.header_of(file)

    found = gguf.entries_of(file, header.arrays["tokenizer.ggml.token_type"])
    assert list(found) == TYPES
    tokens = list(gguf.entries_of(file, header.arrays["tokenizer.ggml.tokens"]))
    assert tokens[-3:] == [b"<s>", b"</s>", b"ab"]
