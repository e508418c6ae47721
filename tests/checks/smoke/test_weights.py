"""What is wrong with weights is said, each fault by its own check; what is sound is left alone."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.catalogue import CHECKS
from registry.checks.findings import Severity
from registry.checks.smoke.weights import formats
from tests.checks import models
from tests.checks.smoke import weights
from tests.checks.smoke.weights import judged, model, raw, stage

UP = "model.layers.1.mlp.up_proj.weight"
GATE = "model.layers.1.mlp.gate_proj.weight"
NORM = "model.layers.1.input_layernorm.weight"
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"

# dtype: bytes of a number, of what is not a number, and whether there is such a thing as infinity
NOT_NUMBERS = {
    "F64": [struct.pack("<d", value) for value in (1, float("nan"), float("-inf"))],
    "F32": [struct.pack("<f", value) for value in (1, float("nan"), float("-inf"))],
    "F16": [struct.pack("<e", value) for value in (1, float("nan"), float("-inf"))],
    "BF16": [b"\x80\x3f", b"\xc0\x7f", b"\x80\xff"],
    "F8_E5M2": [b"\x3c", b"\x7f", b"\xfc"],
    "F8_E4M3": [b"\x38", b"\x7f", b"\xff"],
    "F8_E4M3FNUZ": [b"\x40", b"\x80", b"\x80"],
    "F8_E5M2FNUZ": [b"\x40", b"\x80", b"\x80"],
    "F8_E8M0": [b"\x7f", b"\xff", b"\xff"],
    "C64": [struct.pack("<ff", 1, 1), struct.pack("<ff", 1, float("nan"))] * 2,
}


def said(found: list[Any]) -> list[tuple[str, str]]:
    for finding in found:
        assert finding.severity in CHECKS[finding.check].severities
    return [(finding.check, finding.message) for finding in found]


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
def test_sound_weights_pass(tmp_path: Path, dtype: str) -> None:
    assert judged(tmp_path, raw(model(), dtype)) == []


def test_fresh_and_sharded_and_gguf_weights_pass(tmp_path: Path) -> None:
    assert stage(tmp_path / "one", models.sharded()) == []
    assert stage(tmp_path / "two", {"tiny.gguf": models.gguf()}) == []


@pytest.mark.parametrize("dtype", NOT_NUMBERS)
def test_what_is_not_a_number_is_counted_in_every_dtype(tmp_path: Path, dtype: str) -> None:
    number, nan, infinite = NOT_NUMBERS[dtype][:3]
    if dtype == "C64":
        infinite = nan
    content = number * 5 + nan + number * 3 + infinite + number * 2

    [finding] = judged(tmp_path, {"odd.x": (dtype, (3, 4), content)})

    assert said([finding]) == [("W-FINITE", "odd.x has 2 values that are not numbers.")]
    assert finding.severity is Severity.BLOCK
    if dtype != "C64":
        assert finding.evidence == {"first_index": [1, 1]}
    assert judged(tmp_path, {"odd.x": (dtype, (3, 4), number * 12)}) == []


@pytest.mark.parametrize("kind", [*formats.SCALES, "IQ1_M", "MXFP4"])
def test_scales_of_blocks_that_are_not_numbers_are_counted(tmp_path: Path, kind: str) -> None:
    numbers, taken = formats.block_of(kind) or (0, 0)
    from gguf.constants import GGMLQuantizationType

    blocks = numpy.full((8, taken), 0x11, numpy.uint8)
    places = [place for place, _ in formats.SCALES.get(kind, ())]
    for place in places:
        blocks[:, place : place + 2] = (0x00, 0x2C)
    sound = blocks.tobytes()
    if kind == "MXFP4":
        blocks[5, 0] = 0xFF
    elif kind == "IQ1_M":
        blocks[5, 48:56].view("<u2")[:] = (0x0000, 0x0000, 0xC000, 0x7000)
    else:
        blocks[5, places[-1] : places[-1] + 2] = (0x00, 0x7C)
    shape = (4, 2 * numbers)

    def found(content: bytes) -> list[Any]:
        number = int(GGMLQuantizationType[kind])
        tensors = {"blk.0.other.weight": (number, shape, content)}
        return stage(tmp_path, {"a.gguf": weights.gguf(tensors)})

    [finding] = [f for f in found(blocks.tobytes()) if f.check == "W-FINITE"]
    assert (finding.value, finding.evidence) == (1, {"first_index": [2, numbers]})
    assert [f for f in found(sound) if f.check == "W-FINITE"] == []


@pytest.mark.parametrize("value", [0.0, 0.02], ids=["zeros", "constant"])
def test_matrices_of_one_value_block(tmp_path: Path, value: float) -> None:
    tensors = model()
    tensors[UP][:] = value

    [finding] = judged(tmp_path, raw(tensors))

    what = "is constant" if value else "holds nothing but zeros"
    assert (finding.message, finding.severity) == (f"{UP} {what}.", Severity.BLOCK)
    # Quantized, the same is found by the scales of the blocks.
    block = struct.pack("<ee", 0.0, value) + bytes(16)
    tensors = {"blk.1.ffn_up.weight": (3, (64, 32), block * 64)}
    [finding] = stage(tmp_path / "gguf", {"a.gguf": weights.gguf(tensors)})
    assert (finding.message, finding.severity) == (f"{UP} {what}.", Severity.BLOCK)


def test_norms_of_zeros_block_and_norms_of_ones_or_biases_of_zeros_do_not(tmp_path: Path) -> None:
    tensors = model(attention_bias=True)
    bias = "model.layers.1.self_attn.q_proj.bias"
    tensors[NORM][:], tensors[bias][:] = 1, 0
    assert judged(tmp_path, raw(tensors)) == []

    tensors[NORM][:] = 0

    assert said(judged(tmp_path, raw(tensors))) == [("W-DEAD", f"{NORM} holds nothing but zeros.")]


def test_dead_rows_of_a_projection_warn(tmp_path: Path) -> None:
    tensors = model()
    tensors[UP][[3, 9]] = 0

    [finding] = judged(tmp_path, raw(tensors, "BF16"))

    assert finding.message == f"2 of the 64 rows of {UP} hold nothing but zeros."
    assert (finding.check, finding.severity) == ("W-DEAD", Severity.WARN)


def test_dead_tokens_warn_and_many_of_them_block(tmp_path: Path) -> None:
    """Two tokens are special and one row may be padding."""
    found = {}
    for count in (3, 4, 20):
        tensors = model()
        tensors[EMBEDDING][5 : 5 + count] = 0
        found[count] = [f.severity for f in judged(tmp_path, raw(tensors))]

    assert found == {3: [], 4: [Severity.WARN], 20: [Severity.BLOCK]}


def test_rows_beyond_the_tokenizer_may_be_zero(tmp_path: Path) -> None:
    tensors = model(vocab_size=320)
    tensors[EMBEDDING][256:] = 0
    tensors[HEAD][256:] = 0

    assert judged(tmp_path, raw(tensors), vocab_size=320) == []


@pytest.mark.parametrize(("factor", "times"), [(20, "20×"), (0.05, "0.05×")])
def test_a_layer_at_another_scale_warns(tmp_path: Path, factor: float, times: str) -> None:
    tensors = model()
    usual = float(numpy.std(tensors[UP]))
    tensors[UP] *= factor * 0.05 / usual

    [finding] = judged(tmp_path, raw(tensors))

    assert (finding.check, finding.severity) == ("W-SCALE", Severity.WARN)
    assert finding.where == UP
    assert finding.value == pytest.approx(factor, rel=0.1)


def test_absurd_values_warn_and_overflow_blocks_where_float16_is_declared(tmp_path: Path) -> None:
    tensors = model()
    tensors[UP][0, 0] = 12_000
    tensors[GATE] *= 300
    found = {f.where: f for f in judged(tmp_path, raw(tensors))}
    assert {(f.check, f.severity) for f in found.values()} == {("W-SCALE", Severity.WARN)}
    assert set(found) == {UP, GATE}

    tensors = model()
    tensors[UP][0, 0] = -70_000
    for key, value in (("dtype", "float16"), ("torch_dtype", "float16")):
        found = {f.check: f for f in judged(tmp_path, raw(tensors, "BF16"), **{key: value})}
        assert found["W-RANGE"].severity is Severity.BLOCK
        assert found["W-RANGE"].message.startswith(f"{UP} overflows float16")
    assert "W-RANGE" not in {f.check for f in judged(tmp_path, raw(tensors), dtype="bfloat16")}


@pytest.mark.parametrize("dtype", ["F32", "F64"])
def test_the_highest_number_of_float16_is_no_overflow(tmp_path: Path, dtype: str) -> None:
    kind = f"float{dtype[1:]}"
    most = numpy.array(65_504, kind)
    for value, overflows in (
        (most, False),
        (-most, False),
        (numpy.nextafter(most, most * 2), True),
    ):
        tensors = {name: tensor.astype(kind) for name, tensor in model().items()}
        tensors[UP][0, 0] = value
        found = {one.check for one in judged(tmp_path, raw(tensors, dtype), dtype="float16")}
        assert ("W-RANGE" in found) == overflows


def test_layers_that_are_copies_warn_once_a_pair(tmp_path: Path) -> None:
    tensors = model()
    for name in list(tensors):
        if ".layers.1." in name:
            tensors[name.replace(".1.", ".4.", 1)] = tensors[name]

    [finding] = judged(tmp_path, raw(tensors))

    assert (finding.check, finding.severity, finding.value) == ("W-DUP", Severity.WARN, 7)
    first = "model.layers.{}.self_attn.q_proj.weight"
    assert finding.message.startswith(f"{first.format(1)} = {first.format(4)}, and 6 more")


def test_a_head_that_the_config_ties_must_be_the_embedding(tmp_path: Path) -> None:
    tensors = model()
    [finding] = judged(tmp_path, raw(tensors), tie_word_embeddings=True)
    assert (finding.check, finding.severity) == ("KEY-TIED", Severity.BLOCK)
    assert judged(tmp_path, raw(tensors)) == []

    tensors[HEAD] = tensors[EMBEDDING]

    assert judged(tmp_path, raw(tensors), tie_word_embeddings=True) == []


def adapter(*, rank: int = 4) -> models.Tensors:
    random = numpy.random.default_rng(5)
    found = {}
    for number in range(2):
        at = f"base_model.model.model.layers.{number}.self_attn.q_proj.lora_"
        found[f"{at}A.weight"] = random.normal(0, 0.05, (rank, 32)).astype("float32")
        found[f"{at}B.weight"] = random.normal(0, 0.05, (64, rank)).astype("float32")
    return found


def adapted(folder: Path, tensors: models.Tensors) -> list[Any]:
    return stage(folder, {"adapter_model.safetensors": weights.safetensors(raw(tensors))})


def test_an_adapter_that_changes_nothing_warns(tmp_path: Path) -> None:
    assert adapted(tmp_path, adapter()) == []

    fresh = adapter()
    for name in fresh:
        if "lora_B" in name:
            fresh[name][:] = 0
    assert said(adapted(tmp_path, fresh)) == [
        ("LORA-NOOP", "The adapter changes nothing: every product of its matrices is zero.")
    ]

    crossed = adapter()
    first = list(crossed)[:2]
    crossed[first[0]][:2], crossed[first[1]][:, 2:] = 0, 0
    [finding] = adapted(tmp_path, crossed)
    assert finding.message.startswith("The adapter changes nothing in 1 of 2 places, e.g. base_mod")
    assert (finding.check, finding.severity) == ("LORA-NOOP", Severity.WARN)


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_scales_of_quantized_tensors_are_above_zero(tmp_path: Path, value: float) -> None:
    at = "model.layers.0.mlp.up_proj"
    scales = numpy.full((2, 64), 0.01, "float32")
    packed = numpy.random.default_rng(0).integers(-(2**31), 2**31, (4, 64), "int32")
    zeros = numpy.full((2, 8), 0x77777777, "int32")

    def found() -> list[tuple[str, str]]:
        tensors = {
            f"{at}.qweight": ("I32", (4, 64), packed.tobytes()),
            f"{at}.qzeros": ("I32", (2, 8), zeros.tobytes()),
            **raw({f"{at}.scales": scales}, "F16"),
        }
        return said(judged(tmp_path, tensors))

    assert found() == []
    scales[1, 3] = value
    assert found() == [("QUANT-CONFIG", f"{at}.scales has 1 scales that are not above zero.")]
    packed[:] = 0
    assert ("W-DEAD", f"{at}.qweight holds nothing but zeros.") in found()


def test_hostile_names_and_counts_end_in_few_and_plain_findings(tmp_path: Path) -> None:
    tensors = {f"model.layers.{n}.x_proj.weight": numpy.zeros((2, 2)) for n in range(400)}

    found = judged(tmp_path, raw(tensors))

    assert len(found) == 50
    assert all(finding.check == "W-DEAD" for finding in found)


def test_no_number_of_warnings_hides_what_blocks(tmp_path: Path) -> None:
    tensors = {f"model.layers.{n}.mlp.up_proj.weight": numpy.eye(4) for n in range(60)}
    for tensor in tensors.values():
        tensor[2] = 0
    tensors["model.layers.60.mlp.up_proj.weight"] = numpy.zeros((4, 4))

    found = [one for one in judged(tmp_path, raw(tensors)) if one.check == "W-DEAD"]

    assert [one.severity for one in found] == [*[Severity.WARN] * 50, Severity.BLOCK]


def test_a_config_that_is_none_is_no_reason_to_fail(tmp_path: Path) -> None:
    content = weights.safetensors(raw(model()))
    for config in (b"", b"[]", json.dumps({"text_config": 1}).encode()):
        files = {"model.safetensors": content, "config.json": config, "tokenizer.json": b"[]"}
        assert stage(tmp_path, files) == []
