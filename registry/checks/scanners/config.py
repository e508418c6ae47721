"""Whether config.json is there and of a family that we know (CFG-PARSE, CFG-ARCH)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import dirname
from typing import Any

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.families import CLASSES
from registry.checks.scanners.folder import Folder, Problem, joined
from registry.checks.scanners.stored import Stored, Tensors, weights_in

FAMILIES = ("Llama", "Llama 3.2 Vision (Mllama)", "Llama 4")
MODEL_TYPES = tuple(CLASSES)
ARCHITECTURES = tuple(dict.fromkeys(name for names in CLASSES.values() for name in names))

_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors|pytorch_model(-.*)?\.bin")


@dataclass(frozen=True)
class Model:
    """A folder with weights for transformers, or a configuration of such."""

    folder: str
    config: dict[str, Any] | None
    stored: Stored

    @property
    def tensors(self) -> Tensors | None:
        """None unless every header could be read."""
        return self.stored.tensors

    @property
    def config_path(self) -> str:
        return joined(self.folder, "config.json")

    @property
    def is_family_alone(self) -> bool:
        """A configuration beside GGUF files that names the family and no more: no loader builds
        anything from it."""
        return (
            self.config is not None
            and self.config.keys() == {"model_type"}
            and not self.stored.paths
        )

    @property
    def is_plain_llama(self) -> bool:
        return self.config is not None and self.config.get("model_type") == "llama"


def models_of(folder: Folder) -> list[Model]:
    """Every folder that holds the weights of a model; a dataset needs none and has none."""
    if folder.is_dataset:
        return []
    places = {
        dirname(file.path)
        for file in folder.files
        if _WEIGHTS.fullmatch(file.path.rsplit("/", 1)[-1])
    }
    places |= {
        dirname(file.path) for file in folder.files if file.path.rsplit("/", 1)[-1] == "config.json"
    }
    return [
        Model(place, _config(folder, place), weights_in(folder, place)) for place in sorted(places)
    ]


def check_parse(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config_path not in folder.by_path:
            yield block(
                "CFG-PARSE",
                f"There are weights but no {show(model.config_path)}.",
                file=model.config_path,
            )
        elif model.config is None:
            yield block(
                "CFG-PARSE", f"{show(model.config_path)} cannot be read.", file=model.config_path
            )


def check_arch(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config is None:
            continue
        kind, names = model.config.get("model_type"), model.config.get("architectures")
        foreign = []
        if kind not in MODEL_TYPES:
            foreign.append(kind)
        fitting = CLASSES.get(kind, ARCHITECTURES) if isinstance(kind, str) else ARCHITECTURES
        if model.is_family_alone:
            pass
        elif not isinstance(names, list) or not names:
            foreign.append("a model without architectures")
        else:
            foreign += [name for name in names if name not in fitting]
        for item in foreign:
            yield block(
                "CFG-ARCH",
                f"{show(item)} is not one of {', '.join(FAMILIES)}.",
                file=model.config_path,
            )


def _config(folder: Folder, place: str) -> dict[str, Any] | None:
    path = joined(place, "config.json")
    if path not in folder.by_path:
        return None
    try:
        value = folder.json(path)
    except Problem:
        return None
    return value if isinstance(value, dict) else None
