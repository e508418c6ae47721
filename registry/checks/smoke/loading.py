"""Loads the model and its tokenizer with the stock library, offline and without code of the repository."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, GgufConfig, PreTrainedModel

from registry.checks.findings import Finding, block, show, warn
from registry.checks.scanners.config import ARCHITECTURES
from registry.checks.smoke.devices import Device

TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


@dataclass(frozen=True)
class Target:
    """`kind` is transformers, gguf or adapter; `file` is the GGUF file, `base` where an adapter's base is."""

    kind: str
    folder: Path
    file: str
    parameters: int
    base: Path | None = None

    @property
    def how(self) -> dict[str, Any]:
        """Arguments that hold for every loader."""
        common: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        return common | ({"gguf_file": self.file} if self.kind == "gguf" else {})


def load(target: Target, device: Device) -> tuple[Any, list[Finding], float]:
    """The model in evaluation mode, what loading said about it, and the seconds it took."""
    started = monotonic()
    if target.kind == "adapter":
        base = replace(target, kind="transformers", folder=target.base or target.folder)
        model, found = _opened(base, device)
        found = [replace(each, file="adapter_config.json") for each in found]
        model, said = _adapted(model, target)
        found += said
    else:
        model, found = _opened(target, device)
    model.eval()
    torch.nn.Module.to(model, device.torch)
    device.wait()
    return model, found, round(monotonic() - started, 3)


def _opened(target: Target, device: Device) -> tuple[PreTrainedModel, list[Finding]]:
    config = AutoConfig.from_pretrained(target.folder, **target.how)
    model_class = _class_of(config, target)
    how = dict(target.how)
    if target.kind == "gguf":
        how["quantization_config"] = GgufConfig(dequantize=True)
    elif device.kind == "cuda":
        # Straight onto the card, without the whole model in the memory of the machine.
        how["device_map"] = {"": device.torch}
    model, loading = model_class.from_pretrained(
        target.folder,
        dtype=device.dtype,
        attn_implementation="sdpa",
        weights_only=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **how,
    )
    return model, list(_said(loading, target))


def _adapted(model: PreTrainedModel, target: Target) -> tuple[Any, list[Finding]]:
    """The adapter on its base. What the library only warns of is a tensor that is not there."""
    import peft

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        adapted = peft.PeftModel.from_pretrained(
            model, str(target.folder), is_trainable=False, local_files_only=True
        )
    missing = [str(each.message) for each in said if "missing adapter keys" in str(each.message)]
    return adapted, [
        block("RUN-LOAD", f"Loading fails: {show(text)}", file="adapter_config.json")
        for text in missing
    ]


def rows_of(target: Target) -> int | None:
    """Rows of the embedding by the configuration, which the scan compared with the file. None for
    GGUF, where the library adds tokens of its own beyond those of the file."""
    if target.kind == "gguf":
        return None
    config: Any = AutoConfig.from_pretrained(target.folder, **target.how)
    return int(config.get_text_config().vocab_size)


def tokenizer_of(target: Target) -> Any:
    """An adapter need not bring one: then that of its base counts."""
    folder = target.folder
    if target.base and not any((folder / name).is_file() for name in TOKENIZERS):
        folder = target.base
    return AutoTokenizer.from_pretrained(folder, **target.how)


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
