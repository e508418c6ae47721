"""Whatever stands in the files, the checks of formats answer with findings and never break."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.checks.findings import Finding, ModelFile, Severity
from registry.checks.scanners import (
    adapters,
    checkpoints,
    config,
    dtypes,
    gguf_meta,
    limits,
    quantized,
    shapes,
    shards,
    splits,
    targets,
    tokens,
)
from registry.checks.scanners.folder import Folder, Problem
from tests.checks import models
from tests.checks.scanners.test_adapters import SETTINGS, files_of
from tests.checks.scanners.test_quantized import AWQ, GPTQ, NF4, compressed

CHECKS = (
    config.check_parse,
    config.check_arch,
    limits.check,
    dtypes.check,
    shapes.check,
    quantized.check,
    shards.check,
    splits.check,
    gguf_meta.check,
    adapters.check_base,
    adapters.check_shapes,
    tokens.check,
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 70)
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "llama", "gptq", "float16", "lab/base", "LlamaForCausalLM", "\n"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["0", "weights", "vocab", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
PART = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 258}
CONFIGS: list[dict[str, Any]] = [
    models.CONFIG,
    {**models.CONFIG, "quantization_config": GPTQ},
    {**models.CONFIG, "quantization_config": AWQ},
    {**models.CONFIG, "quantization_config": NF4},
    {**models.CONFIG, "quantization_config": compressed()},
    {"model_type": "mllama", "architectures": ["MllamaForConditionalGeneration"],
     "text_config": PART, "vision_config": {"attention_heads": 4}},
    {"model_type": "llama4", "architectures": ["Llama4ForConditionalGeneration"],
     "text_config": PART, "vision_config": {"image_size": 56}},
]  # fmt: skip
IN_MLLAMA = ("cross_attention_layers", "intermediate_layers_indices", "supported_aspect_ratios")
KEYS = sorted({*models.CONFIG, *PART, *limits._RANGES, *IN_MLLAMA, "moe_layers", "torch_dtype"})
SAFE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def found_in(folder: Folder) -> list[Finding]:
    found = [finding for check in CHECKS for finding in check(folder)]
    for target in targets.targets_of(folder):
        assert target.parameters >= 0
    for finding in found:
        assert finding.severity in Severity
        assert "\n" not in finding.message
        assert len(finding.message) <= 1000
    return found


def folder_of(tmp_path: Path, files: dict[str, bytes]) -> Folder:
    return Folder(models.put(tmp_path, files), repository="lab/tiny")


@SAFE
@given(
    base=st.sampled_from(CONFIGS),
    key=st.sampled_from([*KEYS, "model_type", "architectures", "text_config", "vision_config"]),
    place=st.sampled_from(["", "text_config", "vision_config", "quantization_config"]),
    value=ANY,
)
def test_any_value_in_a_configuration_gives_findings(
    tmp_path: Path, base: dict[str, Any], key: str, place: str, value: Any
) -> None:
    said = json.loads(json.dumps(base))
    part = said.get(place)
    (part if isinstance(part, dict) else said)[key] = value

    found_in(folder_of(tmp_path, models.llama(config=json.dumps(said).encode())))


@SAFE
@given(
    base=st.sampled_from([GPTQ, AWQ, NF4, compressed()]),
    key=st.sampled_from(
        [
            "quant_method",
            "bits",
            "group_size",
            "config_groups",
            "format",
            "version",
            "load_in_4bit",
            "desc_act",
            "weight_block_size",
        ]
    ),  # fmt: skip
    value=ANY,
)
def test_any_value_in_settings_of_quantization_gives_findings(
    tmp_path: Path, base: dict[str, Any], key: str, value: Any
) -> None:
    said = {**models.CONFIG, "quantization_config": {**base, key: value}}

    found_in(folder_of(tmp_path, models.llama(config=json.dumps(said).encode())))


@SAFE
@given(key=st.sampled_from([*SETTINGS, "rank_pattern", "revision"]), value=ANY)
def test_any_value_in_the_settings_of_an_adapter_gives_findings(
    tmp_path: Path, key: str, value: Any
) -> None:
    found_in(folder_of(tmp_path, files_of({**SETTINGS, key: value})))


@SAFE
@given(value=ANY, key=st.sampled_from(["weight_map", "metadata", "model", "added_tokens"]))
def test_any_index_and_tokenizer_gives_findings(tmp_path: Path, value: Any, key: str) -> None:
    files = models.sharded()
    for name in ("model.safetensors.index.json", "tokenizer.json"):
        files[name] = json.dumps({**json.loads(files[name]), key: value}).encode()

    found_in(folder_of(tmp_path, files))


@SAFE
@given(
    key=st.sampled_from(
        [
            "llama.block_count",
            "llama.embedding_length",
            "general.architecture",
            "llama.attention.head_count",
            "llama.attention.head_count_kv",
            "llama.attention.key_length",
            "tokenizer.ggml.token_type",
            "tokenizer.ggml.tokens",
            "tokenizer.ggml.eos_token_id",
            "split.count",
            "split.no",
            "llama.feed_forward_length",
        ]
    ),  # fmt: skip
    value=st.none()
    | st.integers(0, 2**32 - 1)
    | st.floats(width=32)
    | st.text(max_size=9)
    | st.lists(st.integers(-9, 9), min_size=1, max_size=3)
    | st.lists(st.text(max_size=3), min_size=1, max_size=3),
)
def test_any_metadata_of_gguf_gives_findings(tmp_path: Path, key: str, value: Any) -> None:
    raw = models.gguf(**{key: value})

    found_in(folder_of(tmp_path, {"m.gguf": raw, "n-00001-of-00002.gguf": raw}))


@pytest.fixture(scope="module", params=[True, False], ids=["zip", "legacy"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("checkpoint") / "m.bin"
    state = {"a": torch.ones(2, 3), "b": {"c": torch.zeros(4, dtype=torch.bfloat16)}}
    torch.save(state, path, _use_new_zipfile_serialization=request.param)
    return path.read_bytes()


@SAFE
@given(place=st.integers(0, 4000), value=st.integers(0, 255), cut=st.integers(0, 4000))
def test_any_bytes_of_a_checkpoint_are_read_or_refused(
    tmp_path: Path, checkpoint: bytes, place: int, value: int, cut: int
) -> None:
    raw = bytearray(checkpoint)
    raw[place % len(raw)] = value
    for shown in (bytes(raw), bytes(raw[: cut % len(raw)])):
        path = tmp_path / "m.bin"
        path.write_bytes(shown)
        file = ModelFile("pytorch_model.bin", len(shown), "", path)
        try:
            tensors = checkpoints.tensors_of(file)
        except Problem:
            continue
        for tensor in tensors.values():
            assert 0 <= tensor.begin <= len(shown)
            assert not tensor.is_contiguous or tensor.begin + tensor.bytes <= len(shown)
