"""Names and shapes of models whose tensors only the library's own classes know."""

import json
from typing import Any

import numpy
import pytest

from tests.checks import models
from tests.checks.smoke.text.conftest import Ask

pytestmark = pytest.mark.slow

EXPERTS: dict[str, Any] = {
    **models.CONFIG,
    "model_type": "llama4_text",
    "architectures": ["Llama4ForCausalLM"],
    "intermediate_size_mlp": 64,
    "head_dim": 8,
    "num_local_experts": 2,
    "num_experts_per_tok": 1,
    "interleave_moe_layer_step": 2,
    "pad_token_id": None,
}


def experts() -> models.Tensors:
    """A text model of two layers, the second of them of experts."""
    tensors = models.tensors_of()
    for part in ("gate", "up", "down"):
        weight = tensors.pop(f"model.layers.1.mlp.{part}_proj.weight")
        tensors[f"model.layers.1.feed_forward.shared_expert.{part}_proj.weight"] = weight
        weight = tensors.pop(f"model.layers.0.mlp.{part}_proj.weight")
        tensors[f"model.layers.0.feed_forward.{part}_proj.weight"] = weight
    place = "model.layers.1.feed_forward"
    tensors[f"{place}.router.weight"] = numpy.zeros((2, 32), "float32")
    tensors[f"{place}.experts.gate_up_proj"] = numpy.zeros((2, 32, 128), "float32")
    tensors[f"{place}.experts.down_proj"] = numpy.zeros((2, 64, 32), "float32")
    return tensors


def files(tensors: models.Tensors, config: dict[str, Any]) -> dict[str, bytes | None]:
    return {"model": models.safetensors(tensors), "config": json.dumps(config).encode()}


def packed() -> models.Tensors:
    """The tiny Llama as 4-bit GPTQ lays it out: shapes of their own, and names beside each other."""
    found: models.Tensors = {}
    for name, tensor in models.tensors_of().items():
        if "_proj" not in name:
            found[name] = tensor
            continue
        stem, (rows, columns) = name.removesuffix("weight"), tensor.shape
        found[f"{stem}qweight"] = numpy.zeros((columns // 8, rows), "float32")
        found[f"{stem}qzeros"] = numpy.zeros((1, rows // 8), "float32")
        found[f"{stem}scales"] = numpy.ones((1, rows), "float32")
        found[f"{stem}g_idx"] = numpy.zeros(columns, "float32")
    return found


QUANTIZED = {**models.CONFIG, "quantization_config": {"quant_method": "gptq", "bits": 4}}


def test_sound_models_of_experts_and_packed_ones_have_all_their_names(ask: Ask) -> None:
    assert set(ask(chat=False, **files(experts(), EXPERTS))) == {"records"}
    assert set(ask(chat=False, **files(packed(), QUANTIZED))) == {"records"}


def test_wrong_missing_and_surplus_tensors_are_named(ask: Ask) -> None:
    tensors = experts()
    tensors["model.layers.7.feed_forward.router.weight"] = tensors.pop(
        "model.layers.1.feed_forward.router.weight"
    )
    tensors["model.layers.1.feed_forward.experts.down_proj"] = numpy.zeros((2, 3, 32), "float32")

    found = ask(**files(tensors, EXPERTS))

    assert [found[check][0]["message"] for check in ("CFG-SHAPE", "KEY-MISSING")] == [
        "model.layers.1.feed_forward.experts.down_proj: file [2, 3, 32], config needs [2, 64, 32].",
        "1 tensors are missing, e.g. model.layers.1.feed_forward.router.weight.",
    ]
    [surplus] = found["KEY-UNEXPECTED"]
    assert surplus["severity"] == "block"


def test_a_packed_weight_that_is_missing_is_found(ask: Ask) -> None:
    tensors = {
        name: tensor for name, tensor in packed().items() if "layers.1.mlp.up_proj" not in name
    }
    tensors["extra.weight"] = numpy.zeros(2, "float32")

    found = ask(**files(tensors, QUANTIZED))

    assert found["KEY-MISSING"][0]["where"] == "model.layers.1.mlp.up_proj.weight"
    assert found["KEY-UNEXPECTED"][0]["severity"] == "warn"


def test_numbers_that_no_class_can_be_built_of_are_blocked(ask: Ask) -> None:
    found = ask(**files(experts(), {**EXPERTS, "num_attention_heads": 0, "head_dim": -1}))

    assert found["CFG-SHAPE"][0]["message"].startswith("config.json describes no model: ")
