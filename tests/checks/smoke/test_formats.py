"""Whole trials of what is more than one folder of weights: adapters, parents, formats that cannot run."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.findings import Severity
from registry.checks.smoke import launcher, plans
from registry.checks.smoke.limits import Base, Limits, SmokeResult
from tests.checks import models

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("warm")]

LIMITS = Limits(seconds=400, memory_mib=4096, min_isolation=2)
ADAPTER = {
    "peft_type": "LORA",
    "base_model_name_or_path": "lab/tiny",
    "r": 2,
    "lora_alpha": 4,
    "target_modules": ["q_proj"],
    "task_type": "CAUSAL_LM",
}


def tried(folder: Path, files: dict[str, bytes], **rest: Any) -> SmokeResult:
    rest = {"profile": "structural", "repository": "lab/tuned", "limits": LIMITS, **rest}
    return launcher.run(models.put(folder / "blobs", files), scratch=folder / "scratch", **rest)


def said(result: SmokeResult) -> set[tuple[str, str]]:
    graver = {Severity.BLOCK, Severity.WARN}
    return {(f.check, f.message) for f in result.findings if f.severity in graver}


def adapter(*, strength: float = 0.5) -> dict[str, bytes]:
    random = numpy.random.default_rng(1)
    tensors: dict[str, numpy.ndarray] = {}
    for layer in (0, 1):
        stem = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        tensors[f"{stem}.lora_A.weight"] = random.normal(0, 0.5, (2, 32)).astype("float32")
        tensors[f"{stem}.lora_B.weight"] = random.normal(0, strength, (32, 2)).astype("float32")
    return {
        "adapter_config.json": json.dumps(ADAPTER).encode(),
        "adapter_model.safetensors": models.safetensors(tensors),
    }


def base(folder: Path, **rest: Any) -> Base:
    files = models.put(folder / "base", models.llama())
    return Base("lab/tiny", "0" * 40, tuple(files), **rest)


def test_an_adapter_runs_on_its_base(tmp_path: Path) -> None:
    result = tried(tmp_path, adapter(), base=base(tmp_path))

    assert said(result) == set(), result.log_tail
    assert result.metrics["kl_adapter"] > 1e-6
    assert result.metrics["parameters"] > 20_000
    assert {stage["status"] for stage in result.stages if stage["name"] == "forward"} == {"done"}


def test_an_adapter_without_its_base_is_left_to_a_maintainer(tmp_path: Path) -> None:
    [finding] = [f for f in tried(tmp_path, adapter()).findings if f.check == "RUN-SKIPPED"]

    assert finding.message == (
        "The model was not run: its base is not in this registry, or may not be read here."
    )


def test_a_quantized_file_is_compared_with_the_whole_model_beside_it(tmp_path: Path) -> None:
    """The GGUF holds other random weights, so its words are not those of the model beside it."""
    files = models.llama(config=models.config(vocab_size=259), tokenizer=models.tokenizer())
    whole = models.tensors_of({**models.CONFIG, "vocab_size": 259})
    files["model.safetensors"] = models.safetensors(whole)
    result = tried(tmp_path, files | {"tiny.gguf": models.gguf()})

    probes = {name: records["probe"] for name, records in result.records.items()}
    assert [each["text"] for each in probes["tiny.gguf"]] == ["en", "science", "code", "de", "es"]
    own = launcher.Folder(
        models.put(tmp_path / "again", files | {"tiny.gguf": models.gguf()}), repository="lab/tuned"
    )
    [_, packed] = launcher.targets_of(own)[0]
    plan = plans.plan_of(packed, own, None, result)
    assert plan.parent is not None
    assert (plan.parent["repository"], plan.parent["relation"]) == ("lab/tuned", "quantized")
    assert plan.parent["record"]["probe"] == probes["safetensors"]
    assert plan.bits >= 32


@pytest.mark.parametrize(
    ("card", "relation", "is_declared"),
    [
        (b"---\nbase_model: lab/tiny\nbase_model_relation: quantized\n---\n", "quantized", True),
        (b"---\nbase_model: lab/tiny\n---\n", "quantized", False),
        (b"---\nbase_model_relation: finetune\n---\n", "finetune", False),
    ],
)
def test_the_card_says_how_a_file_comes_from_its_base(
    card: bytes, relation: str, is_declared: bool, tmp_path: Path
) -> None:
    files = {"README.md": card, "tiny.gguf": models.gguf()}
    folder = launcher.Folder(models.put(tmp_path, files), repository="lab/packed")
    [target] = launcher.targets_of(folder)[0]
    parent = Base("lab/tiny", "0" * 40, record={"metrics": {"probe": "probe-v1"}})

    plan = plans.plan_of(target, folder, parent, SmokeResult([]))

    assert plan.parent is not None
    assert (plan.parent["relation"], plan.parent["is_declared"]) == (relation, is_declared)
    assert plans.plan_of(target, folder, None, SmokeResult([])).parent is None


def test_weights_whose_kernels_are_absent_are_not_run(tmp_path: Path) -> None:
    quantized = models.config(quantization_config={"quant_method": "gptq", "bits": 4})
    folder = launcher.Folder(
        models.put(tmp_path, models.llama(config=quantized)), repository="lab/packed"
    )
    [target] = launcher.targets_of(folder)[0]

    plan = plans.plan_of(target, folder, None, SmokeResult([]))

    assert plan.static == "weights quantized by gptq need optimum, which is not here"
    assert plan.has_text
