"""Loads the model and its tokenizer with the stock library, offline and without code of the repository."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, GgufConfig, PreTrainedModel

from registry.checks.findings import Finding, block, show, warn
from registry.checks.scanners.config import ARCHITECTURES

MIB = 1024 * 1024
LARGEST_ON_CPU = 3_000_000_000
# Weights, one layer's activations, and what the loader holds twice while it reads.
CPU_BYTES_EACH = {"transformers": 5, "gguf": 9}


class TooLarge(Exception):
    """The model is beyond what this machine can run; that says nothing about the model."""


@dataclass(frozen=True)
class Target:
    """`kind` is transformers or gguf; `file` is the GGUF file."""

    kind: str
    folder: Path
    file: str
    parameters: int

    @property
    def how(self) -> dict[str, Any]:
        """Arguments that hold for every loader."""
        common: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        return common | ({"gguf_file": self.file} if self.kind == "gguf" else {})


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def dtype() -> torch.dtype:
    return torch.bfloat16 if torch.cuda.is_available() else torch.float32


def fits(target: Target, *, memory_mib: int) -> None:
    """Raises TooLarge where trying would only tell about this machine."""
    if torch.cuda.is_available():
        return
    if target.parameters > LARGEST_ON_CPU:
        raise TooLarge(
            f"it has {target.parameters / 1e9:.1f} billion parameters, and without a GPU "
            f"at most {LARGEST_ON_CPU // 10**9} billion are run"
        )
    needed = target.parameters * CPU_BYTES_EACH[target.kind] // MIB + 768
    if needed > memory_mib:
        raise TooLarge(f"it needs about {needed} MiB of memory, and {memory_mib} are allowed")


def load(target: Target) -> tuple[PreTrainedModel, list[Finding], float]:
    """The model in evaluation mode, what loading said about it, and the seconds it took."""
    started = monotonic()
    config = AutoConfig.from_pretrained(target.folder, **target.how)
    model_class = _class_of(config, target)
    how = dict(target.how)
    if target.kind == "gguf":
        how["quantization_config"] = GgufConfig(dequantize=True)
    model, loading = model_class.from_pretrained(
        target.folder,
        dtype=dtype(),
        attn_implementation="sdpa",
        weights_only=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **how,
    )
    model.eval()
    model.to(device())
    return model, list(_said(loading, target)), round(monotonic() - started, 3)


def rows_of(target: Target) -> int | None:
    """Rows of the embedding by the configuration, which the scan compared with the file. None for
    GGUF, where the library adds tokens of its own beyond those of the file."""
    if target.kind == "gguf":
        return None
    config: Any = AutoConfig.from_pretrained(target.folder, **target.how)
    return int(config.get_text_config().vocab_size)


def tokenizer_of(target: Target) -> Any:
    return AutoTokenizer.from_pretrained(target.folder, **target.how)


def broken_parameters(model: PreTrainedModel, file: str) -> list[Finding]:
    """W-FINITE for formats whose values exist only after loading."""
    found: list[Finding] = []
    for name, parameter in model.named_parameters():
        count = int((~torch.isfinite(parameter)).sum())
        if count:
            found.append(
                block(
                    "W-FINITE",
                    f"{show(name)} has {count} values that are not numbers.",
                    file=file,
                    where=name,
                    value=count,
                    threshold=0,
                )
            )
    return found


def _class_of(config: Any, target: Target) -> Any:
    names = getattr(config, "architectures", None) or []
    if target.kind == "gguf":
        return transformers.AutoModelForCausalLM
    if len(names) != 1 or names[0] not in ARCHITECTURES:
        raise ValueError(f"the architecture {show(names)} is not supported")
    return getattr(transformers, names[0])


def _said(loading: dict[str, Any], target: Target) -> list[Finding]:
    found: list[Finding] = []
    file = target.file or "config.json"
    for name, given, wanted in sorted(loading.get("mismatched_keys") or []):
        found.append(
            block(
                "CFG-SHAPE",
                f"{show(name)}: file {list(given)}, config needs {list(wanted)}.",
                file=file,
                where=name,
            )
        )
    if missing := sorted(loading.get("missing_keys") or []):
        found.append(_keys("RUN-LOAD", block, missing, "are missing", file))
    if surplus := sorted(loading.get("unexpected_keys") or []):
        found.append(_keys("RUN-LOAD", warn, surplus, "are not used", file))
    for error in loading.get("error_msgs") or []:
        found.append(block("RUN-LOAD", f"Loading fails: {show(str(error))}", file=file))
    return found


def _keys(check: str, find: Any, names: list[str], what: str, file: str) -> Finding:
    return find(
        check,
        f"Loading fails: {len(names)} tensors {what}, e.g. {show(names[0])}."
        if find is block
        else f"{len(names)} tensors {what}, e.g. {show(names[0])}.",
        file=file,
        where=names[0],
        value=len(names),
        evidence={"tensors": names[:20]},
    )
