"""Which files of a folder a loader takes the weights from, and which tensors those hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import basename, dirname

from registry.checks.scanners import checkpoints, safetensors
from registry.checks.scanners.folder import Folder, Problem

Tensor = safetensors.Tensor | checkpoints.StoredTensor
Tensors = Mapping[str, tuple[str, Tensor]]

SAFETENSORS, BIN = "safetensors", "bin"

# In the order in which loaders look: a whole file, its shards, and then the same of torch.
_PLACES = (
    (SAFETENSORS, re.compile(r"model\.safetensors")),
    (SAFETENSORS, re.compile(r"model-\d{5}-of-\d{5}\.safetensors")),
    (BIN, re.compile(r"pytorch_model\.bin")),
    (BIN, re.compile(r"pytorch_model-\d{5}-of-\d{5}\.bin")),
)
_ADAPTERS = (
    (SAFETENSORS, re.compile(r"adapter_model\.safetensors")),
    (BIN, re.compile(r"adapter_model\.bin")),
)


@dataclass(frozen=True)
class Stored:
    """`tensors`, each with its file, is None unless every header of `paths` could be read."""

    format: str = ""
    paths: tuple[str, ...] = ()
    tensors: Tensors | None = None


def weights_in(folder: Folder, place: str) -> Stored:
    """What loaders of whole models would read there."""
    return _first(folder, place, _PLACES)


def adapter_in(folder: Folder, place: str) -> Stored:
    """What loaders of adapters would read there."""
    return _first(folder, place, _ADAPTERS)


def headers_of(folder: Folder, path: str) -> dict[str, Tensor]:
    """The tensors of this one file, or a Problem."""
    if path.endswith(".safetensors"):
        return dict(folder.parsed("safetensors", path, safetensors.header_of).tensors)
    return dict(checkpoints.tensors_in(folder, path))


def bytes_of(tensor: Tensor) -> int:
    return tensor.end - tensor.begin if isinstance(tensor, safetensors.Tensor) else tensor.bytes


def _first(folder: Folder, place: str, places: tuple[tuple[str, re.Pattern[str]], ...]) -> Stored:
    for form, name in places:
        paths = tuple(
            file.path
            for file in folder.files
            if dirname(file.path) == place and name.fullmatch(basename(file.path))
        )
        if paths:
            return Stored(form, paths, _tensors(folder, paths))
    return Stored()


def _tensors(folder: Folder, paths: tuple[str, ...]) -> Tensors | None:
    found: dict[str, tuple[str, Tensor]] = {}
    for path in paths:
        try:
            tensors = headers_of(folder, path)
        except Problem:
            return None
        found |= {name: (path, tensor) for name, tensor in tensors.items()}
    return found
