"""What a revision holds to be loaded: folders for transformers, GGUF files, adapters, original checkpoints."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import Any

from registry.checks.findings import ModelFile
from registry.checks.scanners import checkpoints, config, gguf, limits, parameters, splits, stored
from registry.checks.scanners.folder import Folder, Problem, joined
from registry.checks.scanners.types import ORIGINAL as _OF_PUBLISHER

TRANSFORMERS, GGUF, ADAPTER, ORIGINAL = "transformers", "gguf", "adapter", "original"

_BESIDE = (
    r"[a-z_]*config\.json|(tokenizer|vocab|added_tokens|special_tokens_map)\.json"
    r"|chat_template\.(jinja|json)|tokenizer\.model|merges\.txt"
)
_LOADED = re.compile(
    rf"{_BESIDE}|model(-\d{{5}}-of-\d{{5}})?\.safetensors"
    r"|pytorch_model(-\d{5}-of-\d{5})?\.bin|(model\.safetensors|pytorch_model\.bin)\.index\.json"
)
_OF_ADAPTER = re.compile(rf"{_BESIDE}|adapter_model\.(safetensors|bin)")

# The packages without which the library does not open such weights.
NEEDS = {
    "gptq": ("optimum", "gptqmodel"),
    "awq": ("gptqmodel",),
    "bitsandbytes": ("bitsandbytes", "accelerate"),
    "compressed-tensors": ("compressed_tensors",),
    "fbgemm_fp8": ("fbgemm_gpu",),
    "fp8": (),
}


@dataclass(frozen=True)
class Target:
    """One thing to load: a folder (`file` is empty), or one GGUF model, whose first file is `file`.

    `weights` are plain names. `static` says why nothing here can run it, and is empty where it may
    run; then `needs` names the packages that have to be there. An adapter runs on its `base`."""

    kind: str
    name: str
    file: str
    files: tuple[ModelFile, ...]
    weights: tuple[str, ...]
    parameters: int
    format: str = ""
    quantization: str = ""
    needs: tuple[str, ...] = ()
    base: str = ""
    static: str = ""


def targets_of(folder: Folder) -> list[Target]:
    """In the order: whole models, GGUF, adapters, originals. What the scan has refused is left out."""
    if folder.is_dataset:
        return []
    return [*_transformers(folder), *_ggufs(folder), *_adapters(folder), *_originals(folder)]


def _transformers(folder: Folder) -> Iterator[Target]:
    for model in config.models_of(folder):
        if model.config is None or not model.stored.paths:
            continue
        method = quantization_of(model.config)
        unknown = f"weights quantized by {method} are not opened here"
        yield Target(
            TRANSFORMERS,
            model.folder or model.stored.format,
            "",
            _files(folder, model.folder, _LOADED),
            tuple(sorted(map(basename, model.stored.paths))),
            _parameters(folder, model),
            format=model.stored.format,
            quantization=method,
            needs=NEEDS.get(method, ()),
            static=unknown if method and method not in NEEDS else "",
        )


def quantization_of(settings: dict[str, Any]) -> str:
    """The method that config.json names; empty where the weights are plain."""
    said = settings.get("quantization_config")
    if not isinstance(said, dict):
        return ""
    method = said.get("quant_method")
    if isinstance(method, str):
        return method
    bits = any(said.get(key) is True for key in ("load_in_4bit", "load_in_8bit"))
    return "bitsandbytes" if bits else "an unnamed method"


def _parameters(folder: Folder, model: config.Model) -> int:
    """Packed weights hold fewer numbers than the model has: there the configuration counts."""
    settings = model.config or {}
    if quantization_of(settings) and not limits.problems_of(settings):
        return parameters.parameters_of(settings)
    if model.tensors is not None:
        return sum(tensor.elements for _, tensor in model.tensors.values())
    return sum(folder.by_path[path].size for path in model.stored.paths) // 2


def _ggufs(folder: Folder) -> Iterator[Target]:
    for group in splits.groups_of(folder):
        headers = splits.headers_of(folder, group)
        if not headers:
            continue
        yield Target(
            GGUF,
            group.path,
            group.path,
            group.files,
            tuple(basename(file.path) for file in group.files),
            sum(_elements(tensor.shape) for each in headers for tensor in each.tensors.values()),
            format=GGUF,
            static=_why_static(group, headers),
        )


def _why_static(group: splits.Group, headers: Sequence[gguf.Header]) -> str:
    if headers[0].values.get("general.architecture") != "llama":
        return "the library opens GGUF files of text Llamas only"
    if group.count > 1 or headers[0].split_count > 1:
        return "split GGUF files cannot be loaded by the library"
    return ""


def _adapters(folder: Folder) -> Iterator[Target]:
    places = [
        dirname(file.path) for file in folder.files if basename(file.path) == "adapter_config.json"
    ]
    for place in places:
        found = stored.adapter_in(folder, place)
        try:
            settings = folder.json(joined(place, "adapter_config.json"))
        except Problem:
            continue
        if not found.paths or not isinstance(settings, dict):
            continue
        base = settings.get("base_model_name_or_path")
        yield Target(
            ADAPTER,
            place or "adapter",
            "",
            _files(folder, place, _OF_ADAPTER),
            tuple(map(basename, found.paths)),
            sum(tensor.elements for _, tensor in (found.tensors or {}).values()),
            format=found.format,
            base=base if isinstance(base, str) else "",
        )


def _originals(folder: Folder) -> Iterator[Target]:
    places: dict[str, list[ModelFile]] = {}
    for file in folder.files:
        if _OF_PUBLISHER.fullmatch(file.path):
            places.setdefault(dirname(file.path), []).append(file)
    for place, files in places.items():
        try:
            tensors = [checkpoints.tensors_in(folder, file.path) for file in files]
        except Problem:
            continue
        yield Target(
            ORIGINAL,
            place,
            "",
            tuple(files),
            tuple(basename(file.path) for file in files),
            sum(tensor.elements for each in tensors for tensor in each.values()),
            format="pth",
            static="checkpoints in the publisher's own layout are not opened here",
        )


def _files(folder: Folder, place: str, names: re.Pattern[str]) -> tuple[ModelFile, ...]:
    return tuple(
        file
        for file in folder.files
        if os.path.dirname(file.path) == place and names.fullmatch(basename(file.path))
    )


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
