"""What is tried of each model in a revision, and what it is compared with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from registry.checks.findings import Severity
from registry.checks.scanners import card, targets
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.targets import ADAPTER, GGUF, TRANSFORMERS, Target
from registry.checks.smoke.isolation import gpu_nodes
from registry.checks.smoke.limits import Base, SmokeResult

# Formats whose kernels exist for graphics cards alone.
ONLY_GPU = ("fp8", "fbgemm_fp8", "gptq", "awq", "bitsandbytes", "compressed-tensors")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


@dataclass(frozen=True)
class Plan:
    """`static` says why the model is not run, and is empty where it is. `parent` is what an earlier
    run measured of the model it comes from, as `behaviour.parent.Parent` takes it."""

    target: Target
    static: str
    has_text: bool
    parameters: int
    bits: float
    parent: Mapping[str, Any] | None

    def as_spec(self) -> dict[str, Any]:
        found = asdict(self)
        target = found.pop("target")
        kept = {key: target[key] for key in ("kind", "format", "quantization")}
        return {**found, **kept, "weights": list(self.target.weights)}


def plan_of(target: Target, folder: Folder, base: Base | None, before: SmokeResult) -> Plan:
    """`before` is what came of the models of this revision that were tried already."""
    below = _model_of(base) if target.kind == ADAPTER and base else None
    names = {file.path.rsplit("/", 1)[-1] for file in target.files}
    names |= {file.path for file in base.files} if target.kind == ADAPTER and base else set()
    has_text = bool(names & set(TOKENIZERS)) or (target.kind == GGUF and not target.static)
    stored = sum(f.size for f in target.files if f.path.endswith((".safetensors", ".bin", ".gguf")))
    return Plan(
        target,
        _why_static(target, below),
        has_text or target.kind == TRANSFORMERS,
        target.parameters + (below.parameters if below else 0),
        round(8 * stored / target.parameters, 2) if target.parameters else 0.0,
        _beside(target, folder, before) or _declared(target, folder, base),
    )


def _why_static(target: Target, below: Target | None) -> str:
    if target.static:
        return target.static
    if target.kind == ADAPTER and below is None:
        return "its base is not in this registry, or may not be read here"
    absent = [name for name in target.needs if find_spec(name) is None]
    if absent:
        return f"weights quantized by {target.quantization} need {absent[0]}, which is not here"
    if target.quantization in ONLY_GPU and not gpu_nodes():
        return f"weights quantized by {target.quantization} need a GPU"
    return ""


def _model_of(base: Base) -> Target | None:
    """The model that an adapter is put on, where its weights may be read."""
    files = [file for file in base.files if "/" not in file.path]
    found = targets.targets_of(Folder(files, repository=base.repository))
    return next((each for each in found if each.kind == TRANSFORMERS and not each.static), None)


def _beside(target: Target, folder: Folder, before: SmokeResult) -> dict[str, Any] | None:
    """A quantized model is compared with the whole one in the same revision, if that is sound."""
    figures = before.metrics.get("targets", {})
    if target.kind not in (GGUF, TRANSFORMERS) or (
        target.kind == TRANSFORMERS and not target.quantization
    ):
        return None
    if any(finding.severity is Severity.BLOCK for finding in before.findings):
        return None
    for name, records in before.records.items():
        if records.get("probe") and not name.endswith(".gguf"):
            record = {**records, "metrics": figures.get(name, {})}
            return _parent(folder.repository, record, relation="quantized", is_declared=True)
    return None


def _declared(target: Target, folder: Folder, base: Base | None) -> dict[str, Any] | None:
    if base is None or not base.record:
        return None
    said = _relation(folder)
    is_packed = target.kind == GGUF or bool(target.quantization)
    guess = "adapter" if target.kind == ADAPTER else "quantized" if is_packed else "finetune"
    return _parent(
        base.repository, base.record, relation=said or guess, is_declared=said == "quantized"
    )


def _parent(repository: str, record: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    kept = ("metrics", "probe", "refusals")
    record = {kind: record[kind] for kind in kept if kind in record}
    return {"repository": repository, "record": record, **rest}


def _relation(folder: Folder) -> str:
    readme = folder.by_path.get("README.md")
    if readme is None:
        return ""
    try:
        with readme.local.open("rb") as stream:
            said = card.front_matter(stream.read(card.MAX_CARD)).get("base_model_relation")
    except Problem:
        return ""
    return said if isinstance(said, str) else ""
