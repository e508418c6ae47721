"""Adapters name their base, and each pair of matrices is whole and fits its module."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.findings import Severity
from registry.checks.scanners import adapters, stored
from registry.checks.scanners.folder import Folder
from tests.checks import models

SETTINGS = {
    "peft_type": "LORA",
    "base_model_name_or_path": "lab/base",
    "r": 4,
    "target_modules": ["q_proj", "up_proj"],
}


def pair(module: str, inner: int, outer: int, rank: int = 4) -> models.Tensors:
    name = f"base_model.model.{module}"
    return {
        f"{name}.lora_A.weight": numpy.ones((rank, inner), "float32"),
        f"{name}.lora_B.weight": numpy.zeros((outer, rank), "float32"),
    }


def tensors() -> models.Tensors:
    found: models.Tensors = {}
    for layer in range(2):
        found |= pair(f"model.layers.{layer}.self_attn.q_proj", 32, 32)
        found |= pair(f"model.layers.{layer}.mlp.up_proj", 32, 64)
    return found


def files_of(settings: Any = SETTINGS, held: models.Tensors | None = None) -> dict[str, bytes]:
    return {
        "README.md": models.CARD,
        "adapter_config.json": json.dumps(settings).encode(),
        "adapter_model.safetensors": models.safetensors(tensors() if held is None else held),
    }


def said_of(tmp_path: Path, files: dict[str, bytes], check: str) -> list[str]:
    found = [f for f in models.findings_of(tmp_path, files) if f.check == check]
    assert all(finding.severity is Severity.BLOCK for finding in found)
    return [finding.message for finding in found]


def test_a_sound_adapter_passes(tmp_path: Path) -> None:
    assert not models.blocks_of(tmp_path, files_of())


@pytest.mark.parametrize(
    ("base", "why"),
    [
        (None, "it names no base"),
        ("", "it names no base"),
        (5, "5 is not the name of a base"),
        ("/models/base", "a path or an address is not taken"),
        ("../base", "a path or an address is not taken"),
        ("lab/..", "a path or an address is not taken"),
        ("https://elsewhere.example/lab/base", "a path or an address is not taken"),
        ("lab/base/part", "a path or an address is not taken"),
        ("base", "a path or an address is not taken"),
        ("C:\\models\\base", "a path or an address is not taken"),
    ],
)
def test_a_base_that_is_no_name_is_blocked(tmp_path: Path, base: Any, why: str) -> None:
    files = files_of({**SETTINGS, "base_model_name_or_path": base})

    assert why in said_of(tmp_path, files, "LORA-BASE")[0]


def test_weights_of_an_adapter_without_settings_are_blocked(tmp_path: Path) -> None:
    files = files_of()
    del files["adapter_config.json"]

    assert "it is missing" in said_of(tmp_path, files, "LORA-BASE")[0]
    assert "it cannot be read" in said_of(tmp_path, files_of([]), "LORA-BASE")[0]


def test_a_base_that_is_not_here_is_a_warning() -> None:
    assert adapters.base_finding("lab/base", is_here=True) is None
    for is_here, why in ((False, "is not in the registry"), (None, "is not known")):
        found = adapters.base_finding("lab/base", is_here=is_here)
        assert found is not None
        assert (found.check, found.severity) == ("LORA-BASE", Severity.WARN)
        assert why in found.message


Q = "base_model.model.model.layers.1.self_attn.q_proj"


@pytest.mark.parametrize(
    ("settings", "change", "why"),
    [
        ({"peft_type": "IA3"}, {}, "peft_type is IA3, only LORA is taken"),
        ({"r": 0}, {}, "r is 0"),
        ({"r": 2048}, {}, "r is 2048, but must be from 1 to 1024"),
        ({"r": "4"}, {}, "r is 4"),
        ({"r": 8}, {}, "is of rank 4, but the configuration says 8"),
        ({"layer_replication": [[0, 2]] * 300}, {}, "no list of 512 layers at most"),
        ({"layer_replication": [[0, "2"]]}, {}, "no list of 512 layers at most"),
        ({"rank_pattern": {"q_proj": -1}}, {}, "rank_pattern is not a list"),
        ({}, {f"{Q}.lora_B.weight": None}, "has only one of the two matrices"),
        ({}, {f"{Q}.lora_B.weight": numpy.ones((32, 3))}, "has A of rank 4 and B of rank 3"),
        ({}, {f"{Q}.lora_A.weight": numpy.ones(4)}, "has parts that are not matrices"),
        ({}, {f"{Q}.lora_A.weight": numpy.ones((4, 31))}, "takes 31 and gives 32, others (32, 32)"),
        ({"target_modules": ["up_proj"]}, {}, "is not among its target_modules"),
        ({}, {"own.tensor": numpy.ones(1)}, "own.tensor is no part of an adapter"),
        ({}, dict.fromkeys(tensors()), "it changes no module"),
    ],
)
def test_pairs_that_do_not_fit_are_blocked(
    tmp_path: Path, settings: Any, change: dict[str, Any], why: str
) -> None:
    held = {name: tensor for name, tensor in {**tensors(), **change}.items() if tensor is not None}

    messages = said_of(tmp_path, files_of({**SETTINGS, **settings}, held), "LORA-SHAPE")

    assert any(why in message for message in messages), messages


def test_settings_without_weights_are_blocked(tmp_path: Path) -> None:
    files = files_of()
    del files["adapter_model.safetensors"]

    assert "there are no weights beside it" in said_of(tmp_path, files, "LORA-SHAPE")[0]


def test_what_the_library_saves_besides_pairs_passes(tmp_path: Path) -> None:
    more: models.Tensors = {
        "base_model.model.lm_head.weight": numpy.ones((8, 32), "float32"),
        f"{Q}.lora_magnitude_vector": numpy.ones(32, "float32"),
        "base_model.model.model.embed_tokens.lora_embedding_A": numpy.ones((2, 8), "float32"),
        "base_model.model.model.embed_tokens.lora_embedding_B": numpy.ones((32, 2), "float32"),
        "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta": numpy.ones(2),
    }
    settings = {**SETTINGS, "target_modules": "all-linear", "rank_pattern": {"embed_tokens": 2}}

    assert said_of(tmp_path, files_of(settings, {**tensors(), **more}), "LORA-SHAPE") == []


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (tensors(), None),
        (pair("model.layers.0.mlp.up_proj", 32, 96), "would change a matrix of [96, 32]"),
        (pair("model.layers.9.mlp.up_proj", 32, 64), "is no module of the base"),
        (pair("lm_head", 32, 258), None),
    ],
)
def test_an_adapter_is_held_against_the_tensors_of_its_base(
    tmp_path: Path, held: models.Tensors, why: str | None
) -> None:
    base = Folder(models.put(tmp_path / "base", models.llama()), repository="lab/base")
    adapter = Folder(models.put(tmp_path / "lora", files_of(held=held)), repository="lab/lora")
    weights = stored.weights_in(base, "").tensors
    assert weights is not None

    messages = [finding.message for finding in adapters.against_base(adapter, weights)]

    assert (why is None) == (messages == [])
    assert why is None or why in messages[0]
