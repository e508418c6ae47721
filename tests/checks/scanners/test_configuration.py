"""Configuration, shards, code, JSON, tokens and card: each fault has its check and its sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry.checks.findings import Severity
from registry.checks.scanners import strict_json
from registry.checks.scanners.parameters import parameters_of
from tests import turns
from tests.checks import models


def found_in(tmp_path: Path, files: dict[str, bytes], check: str) -> str:
    return models.message_of(models.findings_of(tmp_path, files), check)


def test_parameters_follow_from_the_configuration() -> None:
    held = sum(tensor.size for tensor in models.tensors_of().values())

    assert parameters_of(models.CONFIG) == held


def test_a_config_that_contradicts_the_weights_is_blocked(tmp_path: Path) -> None:
    files = models.llama(config=models.config(intermediate_size=96))

    found = models.findings_of(tmp_path, files)

    assert "parameters, the files hold" in models.message_of(found, "CFG-LIMITS")
    assert models.message_of(found, "CFG-SHAPE") == (
        "model.layers.0.mlp.down_proj.weight: file [32, 64], config needs [32, 96]."
    )


def test_missing_tensors_are_blocked(tmp_path: Path) -> None:
    tensors = models.tensors_of()
    del tensors["model.norm.weight"]

    found = found_in(tmp_path, models.llama(model=models.safetensors(tensors)), "KEY-MISSING")

    assert found == "1 tensors are missing, e.g. model.norm.weight."


@pytest.mark.parametrize(
    ("name", "severity"),
    [("model.layers.7.mlp.up_proj.weight", Severity.BLOCK), ("value_head", Severity.WARN)],
)
def test_surplus_tensors_block_only_where_they_are_layers(
    tmp_path: Path, name: str, severity: Severity
) -> None:
    tensors = {**models.tensors_of(), name: models.numpy.ones(2)}

    found = models.findings_of(tmp_path, models.llama(model=models.safetensors(tensors)))

    assert [f.severity for f in found if f.check == "KEY-UNEXPECTED"] == [severity]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"num_hidden_layers": 100_000}, "num_hidden_layers is 100000"),
        ({"num_hidden_layers": -1}, "num_hidden_layers is -1"),
        ({"hidden_size": "32"}, "hidden_size is 32"),
        ({"hidden_size": 33}, "does not divide into 4 heads"),
        ({"num_key_value_heads": 3}, "does not divide 4 heads"),
        ({"vocab_size": None}, "vocab_size is missing"),
        ({"max_position_embeddings": 2**40}, "max_position_embeddings is"),
    ],
)
def test_sizes_that_no_model_has_are_blocked(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    files = models.llama(config=models.config(**change))

    assert why in found_in(tmp_path, files, "CFG-LIMITS")


def test_a_foreign_architecture_is_blocked(tmp_path: Path) -> None:
    files = models.llama(config=models.config(model_type="mamba", architectures=["Own"]))

    assert found_in(tmp_path, files, "CFG-ARCH").startswith("mamba is not one of Llama")


def test_weights_without_a_config_are_blocked(tmp_path: Path) -> None:
    assert "no config.json" in found_in(tmp_path, models.llama(config=None), "CFG-PARSE")


def test_token_ids_beyond_the_embedding_are_blocked(tmp_path: Path) -> None:
    files = models.llama(tokenizer=models.tokenizer(extra={"beyond": 300}))

    assert found_in(tmp_path, files, "TOK-VOCAB") == (
        "tokenizer.json: token id 300, but the embedding has 258 rows."
    )


def test_auto_map_is_blocked_at_any_depth(tmp_path: Path) -> None:
    files = models.llama(config=models.config(text={"auto_map": {"AutoModel": "own.Model"}}))

    assert "config.json has the key auto_map" in found_in(tmp_path, files, "SEC-CODE")


def test_the_word_auto_map_in_a_vocabulary_is_no_code(tmp_path: Path) -> None:
    files = models.llama(tokenizer=models.tokenizer(extra={"auto_map": 5}))

    assert "SEC-CODE" not in models.blocks_of(tmp_path, files)


def test_python_files_are_blocked(tmp_path: Path) -> None:
    found = models.blocks_of(tmp_path, {"modeling_own.py": b"print('hello')\n"})

    assert {"SEC-CODE", "UPL-TYPE"} <= found


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"trust_remote_code": True}, "it asks loaders to run code"),
        ({"attn_implementation": "someone/kernel"}, "only eager and sdpa are"),
        ({"_attn_implementation": {"text": "hub/kernel"}}, "only eager and sdpa are"),
        ({"use_kernels": True}, "it fetches compiled code"),
        ({"configuration_files": ["config.5.0.0.json"]}, "other files than usual"),
        ({"fast_tokenizer_files": ["tokenizer.5.0.0.json"]}, "other files than usual"),
        ({"transformers_weights": "other.safetensors"}, "other files than usual"),
        ({"megatron_config": {}}, "it makes loaders import a library"),
        ({"megatron_core": "peft.other"}, "it names a library to import"),
        ({"vocab_file": "../secret"}, "it is not a plain file name"),
        ({"vocab_file": "absent.txt"}, "absent.txt is not in this revision"),
        ({"base": "https://elsewhere.example/x"}, "another place on the network"),
        ({"base": "/etc/passwd"}, "a place on a disk"),
        ({"base": "../../x"}, "out of the folder"),
    ],
)
def test_configuration_that_reaches_out_is_blocked(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    files = models.llama(config=models.config(**change))

    assert why in found_in(tmp_path, files, "SEC-CONFIG")


def test_a_path_that_loaders_only_write_down_is_a_warning(tmp_path: Path) -> None:
    files = models.llama(config=models.config(_name_or_path="/home/ada/model"))

    found = [f for f in models.findings_of(tmp_path, files) if f.check == "SEC-CONFIG"]

    assert [f.severity for f in found] == [Severity.WARN]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a":1,"a":2}', "the key a appears twice"),
        (b"[" * 100_000, "nested deeper than 64 at byte 64"),
        (b'{"a":' + b"1" * 100_000 + b"}", "more than 20 digits at byte 5"),
        (b'{"a":Infinity}', "it holds Infinity"),
        (b'{"a":1e999}', "the number 1e999 is too large"),
        (b'{"a":"\\ud800"}', "half a character"),
        (b'{"a"', "it is not JSON"),
        (b'{"a":"\xff"}', "it is not UTF-8 at byte 6"),
        (b" " * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
    ids=["duplicate", "deep", "digits", "infinity", "exponent", "surrogate", "cut", "utf8", "size"],
)
def test_json_that_readers_disagree_on_is_blocked(tmp_path: Path, raw: bytes, why: str) -> None:
    assert why in found_in(tmp_path, {"extra.json": raw}, "SEC-JSON")


@pytest.mark.parametrize("raw", [b'"' + b"\\" * 4_000_001, b'["' * 400_000, b"," * 9_000_000])
def test_hostile_json_is_refused_quickly(raw: bytes) -> None:
    with turns.at_most(600), pytest.raises(strict_json.JsonProblem):
        strict_json.parse(raw, max_bytes=64 * 1024 * 1024)


def index(change: Any) -> dict[str, bytes]:
    files = models.sharded()
    value = json.loads(files["model.safetensors.index.json"])
    change(value)
    files["model.safetensors.index.json"] = json.dumps(value).encode()
    return files


@pytest.mark.parametrize(
    ("shard", "why"),
    [
        ("../other.safetensors", "which is not a plain file name"),
        ("absent.safetensors", "which is not in this revision"),
        ("model-00001-of-00002.safetensors", "which does not hold it"),
    ],
)
def test_an_index_that_points_elsewhere_is_blocked(tmp_path: Path, shard: str, why: str) -> None:
    files = index(lambda value: value["weight_map"].update({"lm_head.weight": shard}))

    assert why in found_in(tmp_path, files, "ST-INDEX")


INDEXES = [
    "pytorch_model.bin.index.json",
    "pytorch_model.bin.index.fp16.json",
    "model.safetensors.index.fp16.json",
    "deep/er/pytorch_model.bin.index.json",
    "consolidated.pth.index.json",
    "any.INDEX.json",
    "named_otherwise.json",
]


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize(
    ("shard", "why"),
    [
        ("../../../../etc/passwd", "which is not a plain file name"),
        ("/etc/passwd", "which is not a plain file name"),
        ("..", "which is not a plain file name"),
        ("absent.bin", "which is not in this revision"),
        ("notes.txt", "which is not a file of weights"),
    ],
)
def test_every_index_stays_in_its_folder(tmp_path: Path, name: str, shard: str, why: str) -> None:
    folder = name.rpartition("/")[0]
    notes = f"{folder}/notes.txt" if folder else "notes.txt"
    files = models.llama() | {notes: b"text"}
    files[name] = json.dumps({"weight_map": {"a": shard}}).encode()

    assert why in found_in(tmp_path, files, "ST-INDEX")


@pytest.mark.parametrize("name", INDEXES)
@pytest.mark.parametrize("weights", [[], {}, "a.bin", 5, None, {"a": 5}, {"a": ""}, {"a": ["x"]}])
def test_an_index_without_a_map_of_names_is_blocked(
    tmp_path: Path, name: str, weights: Any
) -> None:
    files = models.llama() | {name: json.dumps({"weight_map": weights}).encode()}

    assert "has no weight_map of names" in found_in(tmp_path, files, "ST-INDEX")


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'{"metadata": {}}', b"5"])
def test_an_index_that_is_none_is_blocked(tmp_path: Path, raw: bytes) -> None:
    files = models.llama() | {"pytorch_model.bin.index.json": raw}

    assert "has no weight_map of names" in found_in(tmp_path, files, "ST-INDEX")


def test_a_safetensors_index_leads_to_safetensors_alone(tmp_path: Path) -> None:
    files = index(lambda value: value["weight_map"].update({"lm_head.weight": "config.json"}))

    assert "which is not a file of weights" in found_in(tmp_path, files, "ST-INDEX")


def test_an_index_of_checkpoints_beside_it_passes(tmp_path: Path) -> None:
    shard = "pytorch_model-00001-of-00001.bin"
    files = models.llama() | {shard: b"", "search.index.json": b"{}"}
    files["pytorch_model.bin.index.json"] = json.dumps({"weight_map": {"a": shard}}).encode()

    assert "ST-INDEX" not in models.blocks_of(tmp_path, files)


def test_a_tensor_that_no_index_names_is_blocked(tmp_path: Path) -> None:
    files = index(lambda value: value["weight_map"].pop("lm_head.weight"))

    assert "which the index does not name" in found_in(tmp_path, files, "ST-INDEX")


def test_shards_without_an_index_are_blocked(tmp_path: Path) -> None:
    files = models.sharded()
    del files["model.safetensors.index.json"]

    assert "No index names the shard" in found_in(tmp_path, files, "ST-INDEX")


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("license: &a mit\nother: *a", "it uses an anchor or alias"),
        ("license: !!python/object/apply:os.system [id]", "it uses a tag"),
        ("license: mit\nlicense: gpl", "the key license appears twice"),
        ("tags: text", "tags has the wrong type"),
        ("- one\n- two", "not a list of names and values"),
        ("a: [" * 20, "nested deeper than 16"),
        ("a: {b", "line "),
        ("a: " + "x" * 70_000, "larger than 64 KiB"),
        ("date: 2023-02-30", "day is out of range"),
    ],
)
def test_front_matter_that_is_not_plain_is_blocked(tmp_path: Path, front: str, why: str) -> None:
    files = models.llama(readme=f"---\n{front}\n---\ntext".encode())

    assert why in found_in(tmp_path, files, "CARD-PARSE")


@pytest.mark.parametrize("card", [b"# no front matter", b"---\n---\n", b"---\nlicense: mit\n---\n"])
def test_plain_cards_pass(tmp_path: Path, card: bytes) -> None:
    assert "CARD-PARSE" not in models.blocks_of(tmp_path, models.llama(readme=card))


@pytest.mark.parametrize(
    ("name", "data", "check"),
    [
        ("tool.txt", b"\x7fELF" + b"\0" * 99, "SEC-NATIVE"),
        ("tool.txt", b"MZ" + b"\0" * 99, "SEC-NATIVE"),
        ("run.md", b"#!/bin/sh\n", "SEC-NATIVE"),
        ("notes.txt", b"PK\x03\x04rest", "SEC-ARCHIVE"),
        ("notes.txt", b"\x1f\x8brest", "SEC-ARCHIVE"),
        ("notes.txt", b"a\0b", "SEC-MAGIC"),
        ("notes.txt", b"caf\xe9", "SEC-MAGIC"),
        ("picture.png", b"<html>", "SEC-MAGIC"),
        ("picture.png", b"\x89PNG\r\n\x1a\n..PK\x05\x06" + b"\0" * 18, "SEC-MAGIC"),
        ("weights.npz", b"whatever", "UPL-TYPE"),
        ("training_args.bin", b"whatever", "UPL-TYPE"),
    ],
)
def test_content_that_is_not_what_its_name_says_is_blocked(
    tmp_path: Path, name: str, data: bytes, check: str
) -> None:
    assert check in models.blocks_of(tmp_path, {name: data})
