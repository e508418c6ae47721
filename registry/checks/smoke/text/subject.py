"""What the checks of the text stage look at: tokenizer, templates and settings of a model and of its base."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from registry.checks.findings import ModelFile
from registry.checks.scanners import stored
from registry.checks.scanners.folder import Folder
from registry.checks.smoke import loading
from registry.checks.smoke.alarms import within
from registry.checks.smoke.text import templates
from registry.checks.smoke.text.templates import Template

LOAD_SECONDS = 60


@dataclass
class Subject:
    """`rows` are those of the embedding, or None where nobody can tell; `base` is None where no
    published parent is known."""

    target: loading.Target
    chat: bool
    tokenizer: Any
    file: str
    template_file: str
    config: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)
    rows: int | None = None
    templates: list[Template] = field(default_factory=list)
    base: "Base | None" = None
    send: Callable[..., None] = lambda *_, **__: None

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the language model, where the model has other parts besides."""
        part = self.config.get("text_config")
        return part if isinstance(part, dict) else self.config


@dataclass
class Base:
    """The declared parent: its name, what an earlier run recorded, and its tokenizer if it is here."""

    name: str
    record: Mapping[str, Any]
    tokenizer: Any = None
    templates: list[Template] = field(default_factory=list)

    def recorded(self, kind: str) -> dict[str, Any]:
        found = self.record.get(kind)
        return found[0] if isinstance(found, list) and found else {}


@functools.cache
def load(target: loading.Target) -> Any:
    """The tokenizer of the model, loaded once for this stage and those after it."""
    with within(LOAD_SECONDS):
        return loading.tokenizer_of(target)


def with_tokenizer(target: loading.Target, spec: Mapping[str, Any]) -> loading.Target:
    """An adapter need not bring a tokenizer: then the one of its base counts."""
    folder = _base_folder(spec)
    if target.kind == "adapter" and folder and not has_tokenizer(target.folder):
        return replace(target, folder=folder, kind="transformers")
    return target


def has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in loading.TOKENIZERS)


def subject_of(
    target: loading.Target, spec: Mapping[str, Any], *, send: Callable[..., None]
) -> Subject:
    tokenizer = load(target)
    file = target.file or next(
        (name for name in loading.TOKENIZERS if (target.folder / name).is_file()),
        "tokenizer_config.json",
    )
    in_folder = not target.file
    config = _json(target.folder / "config.json") if in_folder else {}
    found = Subject(
        target,
        bool(spec["chat"]),
        tokenizer,
        file,
        templates.file_of(target.folder, otherwise=file),
        config,
        _json(target.folder / "generation_config.json") if in_folder else {},
        templates=templates.templates_of(tokenizer, target.folder),
        base=_base_of(target, spec),
        send=send,
    )
    found.rows = _rows(found) if in_folder else None
    return found


def tensors_of(folder: Path) -> stored.Tensors:
    """Names and shapes of the weights, from headers alone."""
    files = [
        ModelFile(path.name, path.stat().st_size, "", path)
        for path in sorted(folder.iterdir())
        if path.is_file()
    ]
    return stored.weights_in(Folder(files, repository=""), "").tensors or {}


def _rows(subject: Subject) -> int | None:
    """From the tensor itself, since some models have more rows than their configuration says."""
    for name, (_, tensor) in tensors_of(subject.target.folder).items():
        if name.endswith("embed_tokens.weight") and len(tensor.shape) == 2:
            return tensor.shape[0]
    rows = subject.settings.get("vocab_size")
    return rows if type(rows) is int else None


def _base_of(target: loading.Target, spec: Mapping[str, Any]) -> Base | None:
    said = spec.get("base")
    if not said:
        return None
    found = Base(str(said.get("repository") or "the base"), said.get("record") or {})
    folder = _base_folder(spec)
    if folder and folder != target.folder and has_tokenizer(folder):
        found.tokenizer = load(replace(target, kind="transformers", folder=folder, file=""))
        found.templates = templates.templates_of(found.tokenizer, folder)
    return found


def _base_folder(spec: Mapping[str, Any]) -> Path | None:
    folder = (spec.get("base") or {}).get("folder")
    return Path(folder) if folder else None


def _json(path: Path) -> dict[str, Any]:
    """The scan has read it strictly before; here it is there or not."""
    if not path.is_file():
        return {}
    value = json.loads(path.read_text())
    return value if isinstance(value, dict) else {}
