"""Quantized weights are laid out as their configuration says, whichever the method."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.findings import Severity
from tests.checks import models
from tests.checks.raw_safetensors import written

Tensors = dict[str, numpy.ndarray]
# Divides into words of every number of bits.
CONFIG = {**models.CONFIG, "hidden_size": 64, "intermediate_size": 128}


def zeros(kind: str, *shape: int) -> numpy.ndarray:
    return numpy.zeros(shape, kind)


def ones(kind: str, *shape: int) -> numpy.ndarray:
    return numpy.ones(shape, kind)


def gptq(name: str, out: int, inner: int, bits: int = 4) -> Tensors:
    return {
        f"{name}.qweight": zeros("int32", inner * bits // 32, out),
        f"{name}.qzeros": zeros("int32", inner // 32, out * bits // 32),
        f"{name}.scales": ones("float16", inner // 32, out),
        f"{name}.g_idx": zeros("int32", inner),
    }


def awq(name: str, out: int, inner: int) -> Tensors:
    return {
        f"{name}.qweight": zeros("int32", inner, out // 8),
        f"{name}.qzeros": zeros("int32", inner // 32, out // 8),
        f"{name}.scales": ones("float16", inner // 32, out),
    }


def bnb4(name: str, out: int, inner: int) -> Tensors:
    return {
        f"{name}.weight": zeros("uint8", out * inner // 2, 1),
        f"{name}.weight.absmax": ones("float32", -(-out * inner // 64)),
        f"{name}.weight.quant_map": ones("float32", 16),
        f"{name}.weight.quant_state.bitsandbytes__nf4": zeros("uint8", 80),
    }


def bnb8(name: str, out: int, inner: int) -> Tensors:
    return {
        f"{name}.weight": zeros("int8", out, inner),
        f"{name}.SCB": ones("float32", out),
        f"{name}.weight_format": zeros("uint8"),
    }


def fp8(name: str, out: int, inner: int) -> Tensors:
    return {
        f"{name}.weight": zeros("uint8", out, inner),
        f"{name}.weight_scale_inv": ones("float32", -(-out // 32), -(-inner // 32)),
    }


def channels(name: str, out: int, inner: int) -> Tensors:
    scale = ones("uint16", out, 1)
    return {f"{name}.weight": zeros("uint8", out, inner), f"{name}.weight_scale": scale}


def compressed(**changes: Any) -> dict[str, Any]:
    weights = {"num_bits": 8, "type": "float", "strategy": "channel", **changes}
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return {
        "quant_method": "compressed-tensors",
        "format": "float-quantized",
        "config_groups": groups,
    }


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 32}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"}
NF4 = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
INT8 = {"quant_method": "bitsandbytes", "load_in_8bit": True}
FP8 = {"quant_method": "fp8", "weight_block_size": [32, 32]}
METHODS: dict[str, tuple[dict[str, Any], Callable[..., Tensors]]] = {
    "gptq": (GPTQ, gptq),
    "awq": (AWQ, awq),
    "nf4": (NF4, bnb4),
    "int8": (INT8, bnb8),
    "fp8": (FP8, fp8),
    "fbgemm": ({"quant_method": "fbgemm_fp8"}, channels),
    "compressed": (compressed(), channels),
}


def tensors_of(make: Callable[..., Tensors]) -> Tensors:
    found: Tensors = {}
    for name, tensor in models.tensors_of(CONFIG).items():
        if "_proj" in name:
            found |= make(name.removesuffix(".weight"), *tensor.shape)
        else:
            found[name] = tensor
    return found


def files_of(said: Any, tensors: Tensors) -> dict[str, bytes]:
    return models.llama(
        config=models.config(**{**CONFIG, "quantization_config": said}),
        model=written(tensors, bytes_as="U8" if said and said == NF4 else "F8_E4M3"),
    )


def said_of(tmp_path: Path, said: Any, tensors: Tensors) -> list[str]:
    found = models.findings_of(tmp_path, files_of(said, tensors))
    found = [finding for finding in found if finding.check == "QUANT-CONFIG"]
    assert all(finding.severity is Severity.BLOCK for finding in found)
    return [finding.message for finding in found]


@pytest.mark.parametrize("method", METHODS)
def test_sound_layouts_pass(tmp_path: Path, method: str) -> None:
    said, make = METHODS[method]

    assert said_of(tmp_path, said, tensors_of(make)) == []
    assert not models.blocks_of(tmp_path, files_of(said, tensors_of(make)))


UP = "model.layers.1.mlp.up_proj"


@pytest.mark.parametrize(
    ("method", "name", "tensor", "why"),
    [
        ("gptq", f"{UP}.qweight", None, f"{UP}.weight is missing"),
        ("gptq", f"{UP}.scales", None, f"{UP}.scales is missing"),
        ("gptq", f"{UP}.qzeros", zeros("int32", 1, 16), "is [1, 16], but bits and group size need"),
        ("gptq", f"{UP}.g_idx", zeros("int32", 63), "is [63]"),
        ("gptq", f"{UP}.scales", zeros("int32", 2, 128), "holds I32, but must hold F16 or BF16"),
        ("gptq", f"{UP}.scales", zeros("float16", 2, 128), "scales that are zero, negative"),
        ("gptq", f"{UP}.scales", -ones("float16", 2, 128), "scales that are zero, negative"),
        ("awq", f"{UP}.qweight", zeros("int32", 64, 15), "is [64, 15]"),
        ("awq", f"{UP}.scales", numpy.full((2, 128), numpy.nan, "float16"), "or no numbers"),
        ("nf4", f"{UP}.weight.absmax", ones("float32", 99), "is [99]"),
        ("nf4", f"{UP}.weight.quant_state.bitsandbytes__nf4", None, "is missing"),
        ("int8", f"{UP}.SCB", ones("float32", 64), "is [64]"),
        ("int8", f"{UP}.SCB", numpy.full(128, numpy.inf, "float32"), "negative or no numbers"),
        ("fp8", f"{UP}.weight_scale_inv", ones("float32", 4, 3), "is [4, 3]"),
        ("fp8", f"{UP}.weight_scale_inv", zeros("float32", 4, 2), "scales that are zero"),
        ("fbgemm", f"{UP}.weight_scale", ones("uint16", 64, 1), "is [64, 1]"),
        ("compressed", f"{UP}.weight_scale", numpy.full((128, 1), 0x7F80, "uint16"), "no numbers"),
        ("gptq", "model.norm.weight", None, "model.norm.weight is missing"),
        ("gptq", "model.norm.weight", ones("float32", 63), "is [63] of F32, config needs [64]"),
    ],
)
def test_each_tensor_that_does_not_fit_is_named(
    tmp_path: Path, method: str, name: str, tensor: numpy.ndarray | None, why: str
) -> None:
    said, make = METHODS[method]
    tensors = tensors_of(make)
    tensors.pop(name)
    if tensor is not None:
        tensors[name] = tensor

    messages = said_of(tmp_path, said, tensors)

    assert messages
    assert why in messages[0]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("gptq", "quantization_config is not an object"),
        ({}, "the method None is not one of gptq, awq"),
        ({"quant_method": "own"}, "the method own is not one of"),
        ({"quant_method": ["gptq"]}, "is not one of"),
        ({**GPTQ, "bits": 5}, "bits is 5"),
        ({**GPTQ, "bits": True}, "bits is True"),
        ({**GPTQ, "group_size": 0}, "group_size is 0"),
        ({**GPTQ, "group_size": 2**40}, "group_size is"),
        ({**AWQ, "version": "gemv"}, "the layout gemv is not known here"),
        ({**INT8, "load_in_4bit": True}, "one of load_in_4bit and load_in_8bit"),
        ({**NF4, "bnb_4bit_quant_type": "x"}, "bnb_4bit_quant_type x is neither"),
        ({**FP8, "weight_block_size": [0, 1]}, "weight_block_size is [0, 1]"),
        ({**compressed(), "format": "pack-quantized"}, "the format pack-quantized is not"),
        ({**compressed(), "config_groups": {}}, "config_groups is missing"),
        ({**compressed(), "config_groups": {"a": 5}}, "has no weights"),
        (compressed(num_bits=4), "are not fractions of 8 bits"),
        (compressed(strategy="own"), "the strategy own is not known here"),
        (compressed(strategy="block"), "block_structure is not two sizes"),
    ],
)
def test_settings_that_name_no_known_layout_are_blocked(
    tmp_path: Path, said: Any, why: str
) -> None:
    assert why in said_of(tmp_path, said, tensors_of(gptq))[0]


def test_the_bits_and_group_size_of_the_file_decide(tmp_path: Path) -> None:
    """The same tensors under another configuration read as noise."""
    for change in ({"bits": 8}, {"group_size": 64}):
        messages = said_of(tmp_path, {**GPTQ, **change}, tensors_of(gptq))
        assert "but bits and group size need" in messages[0]


def test_packed_weights_without_settings_are_blocked(tmp_path: Path) -> None:
    for make in (gptq, fp8):
        messages = said_of(tmp_path, None, tensors_of(make))
        assert "quantization_config is missing" in messages[0]


def test_plain_projections_beside_quantized_ones_pass(tmp_path: Path) -> None:
    tensors = tensors_of(gptq)
    for ending in ("qweight", "qzeros", "scales", "g_idx"):
        del tensors[f"{UP}.{ending}"]
    tensors[f"{UP}.weight"] = ones("float16", 128, 64)

    assert said_of(tmp_path, GPTQ, tensors) == []
