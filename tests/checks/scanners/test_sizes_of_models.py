"""Sizes: what the library would build is counted before it is built, for every family."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
import transformers
from transformers.models.mllama.configuration_mllama import MllamaTextConfig

from registry.checks.findings import Severity
from registry.checks.scanners import families
from registry.checks.scanners.limits import problems_of
from registry.checks.scanners.parameters import parameters_of
from tests.checks import models

SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "pad_token_id": 0,
}
VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "image_size": 56,
    "patch_size": 14,
}
MLLAMA = {
    "text_config": {**SMALL, "cross_attention_layers": [1, 3]},
    "vision_config": {
        **VISION,
        "attention_heads": 4,
        "num_global_layers": 2,
        "intermediate_layers_indices": [0, 2],
        "vision_output_dim": 96,
    },
}
LLAMA4_TEXT = {**SMALL, "num_local_experts": 3, "intermediate_size_mlp": 80, "head_dim": 32}
LLAMA4 = {
    "text_config": {**LLAMA4_TEXT, "interleave_moe_layer_step": 2},
    "vision_config": {
        **VISION,
        "num_attention_heads": 4,
        "vision_output_dim": 40,
        "intermediate_size": 96,
        "projector_input_dim": 24,
        "projector_output_dim": 40,
    },
}
CASES: dict[str, tuple[Any, Callable[[], Any]]] = {
    "llama": (
        transformers.LlamaForCausalLM,
        lambda: transformers.LlamaConfig(**SMALL, attention_bias=True, mlp_bias=True, head_dim=8),
    ),
    "tied": (
        transformers.LlamaForCausalLM,
        lambda: transformers.LlamaConfig(**SMALL, tie_word_embeddings=True),
    ),
    "mllama": (
        transformers.MllamaForConditionalGeneration,
        lambda: transformers.MllamaConfig(**MLLAMA),
    ),
    "mllama text": (
        transformers.MllamaForCausalLM,
        lambda: MllamaTextConfig(**SMALL, cross_attention_layers=[2]),
    ),
    "llama4": (
        transformers.Llama4ForConditionalGeneration,
        lambda: transformers.Llama4Config(**LLAMA4),
    ),
    "llama4 text": (
        transformers.Llama4ForCausalLM,
        lambda: transformers.Llama4TextConfig(**LLAMA4_TEXT, moe_layers=[0], attention_bias=True),
    ),
}


def said_by(config: Any, name: str) -> dict[str, Any]:
    return {**json.loads(config.to_json_string(use_diff=False)), "architectures": [name]}


@pytest.mark.parametrize("case", CASES)
def test_the_count_is_that_of_the_model_which_the_library_builds(case: str) -> None:
    cls, config = CASES[case][0], CASES[case][1]()
    with torch.device("meta"):
        model = cls(config)
    model.tie_weights()

    said = said_by(config, cls.__name__)

    assert problems_of(said) == []
    assert parameters_of(said) == sum(tensor.numel() for tensor in model.parameters())


def test_a_configuration_that_says_nothing_has_the_sizes_of_the_library() -> None:
    classes = {
        "llama": transformers.LlamaConfig,
        "mllama": transformers.MllamaConfig,
        "mllama_text_model": MllamaTextConfig,
        "llama4": transformers.Llama4Config,
        "llama4_text": transformers.Llama4TextConfig,
    }
    assert classes.keys() == families.DEFAULTS.keys()
    for kind, (text, vision) in families.DEFAULTS.items():
        config = classes[kind]()
        held = [(text, getattr(config, "text_config", config))]
        held += [(vision, config.vision_config)] if vision is not None else []
        for defaults, part in held:
            known = {name: value for name, value in defaults.items() if value is not None}
            assert {name: getattr(part, name) for name in known} == known


def mllama(**changes: Any) -> dict[str, Any]:
    cls, config = CASES["mllama"]
    said = said_by(config(), cls.__name__)
    for path, value in changes.items():
        part, key = path.split("__")
        said[f"{part}_config"][key] = value
    return said


@pytest.mark.parametrize(
    ("changes", "where", "why"),
    [
        ({"text__num_hidden_layers": 10**9}, "num_hidden_layers", "but must be a whole number"),
        ({"text__max_position_embeddings": 2**40}, "max_position_embeddings", "from 1 to 33554432"),
        ({"text__vocab_size": None}, "vocab_size", "is missing"),
        ({"text__hidden_size": 63}, "hidden_size", "does not divide into 4 heads"),
        ({"text__cross_attention_layers": [4]}, "cross_attention_layers", "not among the 4"),
        ({"text__cross_attention_layers": [-1]}, "cross_attention_layers", "not a list of layers"),
        ({"text__cross_attention_layers": None}, "cross_attention_layers", "is missing"),
        ({"text__tie_word_embeddings": "yes"}, "tie_word_embeddings", "must be true or false"),
        ({"vision__image_size": 10**6}, "vision_config.image_size", "but must be a whole number"),
        ({"vision__image_size": [448, 448]}, "vision_config.image_size", "a whole number"),
        ({"vision__patch_size": 0}, "vision_config.patch_size", "but must be a whole number"),
        ({"vision__patch_size": 57}, "vision_config.patch_size", "larger than the picture"),
        ({"vision__attention_heads": 5}, "vision_config.hidden_size", "does not divide into 5"),
        ({"vision__vision_output_dim": 32}, "vision_config.vision_output_dim", "layers give 96"),
        (
            {"vision__intermediate_layers_indices": [0, 9]},
            "vision_config.intermediate_layers_indices",
            "a layer that is not there",
        ),
        (
            {"vision__supported_aspect_ratios": [[9, 9]]},
            "vision_config.supported_aspect_ratios",
            "is not a list of pairs",
        ),
        (
            {"vision__supported_aspect_ratios": [[1]]},
            "vision_config.supported_aspect_ratios",
            "is not a list of pairs",
        ),
    ],
)
def test_sizes_of_parts_that_no_model_has_are_named(
    changes: dict[str, Any], where: str, why: str
) -> None:
    found = dict(problems_of(mllama(**changes)))

    assert why in found[where]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"num_local_experts": 10**6}, "num_local_experts"),
        ({"num_experts_per_tok": 4}, "num_experts_per_tok"),
        ({"interleave_moe_layer_step": 0}, "interleave_moe_layer_step"),
        ({"moe_layers": [7]}, "moe_layers"),
        ({"moe_layers": {}}, "moe_layers"),
    ],
)
def test_experts_that_no_model_has_are_named(changes: dict[str, Any], where: str) -> None:
    cls, config = CASES["llama4 text"]

    assert where in dict(problems_of({**said_by(config(), cls.__name__), **changes}))


@pytest.mark.parametrize("part", [5, [], "x"])
def test_a_part_that_is_no_object_is_named(part: Any) -> None:
    assert problems_of({"model_type": "llama4", "text_config": part})


def saved(case: str) -> dict[str, bytes]:
    """As many numbers as the model has, under one name; which names there are is not asked here."""
    cls, config = CASES[case]
    said = said_by(config(), cls.__name__)
    numbers = numpy.zeros(parameters_of(said), "float32")
    files = models.llama(config=json.dumps(said).encode())
    return files | {"model.safetensors": models.safetensors({"numbers": numbers})}


@pytest.mark.parametrize("case", ["mllama", "llama4"])
def test_models_of_pictures_are_held_against_their_files(tmp_path: Path, case: str) -> None:
    files = saved(case)
    assert "CFG-LIMITS" not in models.blocks_of(tmp_path, files)

    said = json.loads(files["config.json"])
    said["text_config"]["intermediate_size"] += 32
    found = models.findings_of(tmp_path, files | {"config.json": json.dumps(said).encode()})

    assert "parameters, the files hold" in models.message_of(found, "CFG-LIMITS")


def test_a_class_of_another_family_is_blocked(tmp_path: Path) -> None:
    files = models.llama(config=models.config(architectures=["Llama4ForCausalLM"]))

    found = models.findings_of(tmp_path, files)

    assert "Llama4ForCausalLM is not one of" in models.message_of(found, "CFG-ARCH")


def test_another_kind_of_numbers_is_a_warning(tmp_path: Path) -> None:
    for said in ("bfloat16", "torch.float16"):
        files = models.llama(config=models.config(dtype=None, torch_dtype=said))
        found = [f for f in models.findings_of(tmp_path, files) if f.check == "CFG-DTYPE"]
        assert [finding.severity for finding in found] == [Severity.WARN]
        assert "files are float32" in found[0].message
    for said in ("float32", "torch.float32", "auto", None, 5):
        files = models.llama(config=models.config(dtype=said))
        assert "CFG-DTYPE" not in {f.check for f in models.findings_of(tmp_path, files)}


def test_rows_for_pictures_belong_to_the_embedding(tmp_path: Path) -> None:
    """The token of a picture comes after the vocabulary."""
    files = saved("mllama")
    said = json.loads(files["config.json"])
    said["text_config"]["vocab_size"] = 258
    files["config.json"] = json.dumps(said).encode()
    files["tokenizer.json"] = models.tokenizer(extra={"<picture>": 265})
    assert "TOK-VOCAB" not in models.blocks_of(tmp_path, files)

    files["tokenizer.json"] = models.tokenizer(extra={"<picture>": 266})
    assert "TOK-VOCAB" in models.blocks_of(tmp_path, files)


def test_a_vocabulary_in_old_files_is_held_against_the_embedding(tmp_path: Path) -> None:
    files = models.llama(tokenizer=None)
    files["vocab.json"] = json.dumps({f"t{number}": number for number in range(250)}).encode()
    assert "TOK-VOCAB" not in models.blocks_of(tmp_path, files)

    files["added_tokens.json"] = b'{"beyond": 300}'
    found = models.findings_of(tmp_path, files)
    assert "token id 300" in models.message_of(found, "TOK-VOCAB")


def test_a_head_of_another_shape_is_no_tied_one(tmp_path: Path) -> None:
    tensors = {**models.tensors_of(), "lm_head.weight": numpy.ones((2, 32))}
    files = models.llama(
        config=models.config(tie_word_embeddings=True), model=models.safetensors(tensors)
    )

    found = models.findings_of(tmp_path, files)

    assert "The head differs from the embedding" in models.message_of(found, "KEY-TIED")
