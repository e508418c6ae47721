"""Whether an adapter names its base (LORA-BASE) and its pairs of matrices are whole and fit (LORA-SHAPE)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import basename, dirname
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.scanners import stored
from registry.checks.scanners.folder import Folder, Problem, joined
from registry.checks.scanners.limits import MAX_LAYERS
from registry.checks.scanners.stored import Stored, Tensor, Tensors

MAX_RANK = 1024
CONFIG = "adapter_config.json"

_BASE = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_PART = re.compile(
    r"base_model\.model\.(?P<module>[A-Za-z0-9_.]+?)"
    r"\.(?P<part>lora_[AB]\.weight|lora_embedding_[AB]|lora_magnitude_vector(\.weight)?)"
)
_WHOLE = re.compile(
    r"base_model\.model\.[A-Za-z0-9_.]+\.(weight|bias|token_adapter\.trainable_tokens_delta)"
)
_LAYER = re.compile(r"model\.layers\.\d+\..*")


@dataclass(frozen=True)
class Adapter:
    """A folder with an adapter; `settings` is None unless its configuration could be read."""

    folder: str
    settings: dict[str, Any] | None
    stored: Stored

    @property
    def config_path(self) -> str:
        return joined(self.folder, CONFIG)


@dataclass
class Pair:
    """What an adapter adds to one module, by the name of the part."""

    file: str
    parts: dict[str, Tensor] = field(default_factory=dict)

    @property
    def down(self) -> tuple[int, ...] | None:
        """The shape of A: rank and input."""
        return self._shape("lora_A.weight") or self._shape("lora_embedding_A")

    @property
    def up(self) -> tuple[int, ...] | None:
        """The shape of B: output and rank."""
        return self._shape("lora_B.weight") or self._shape("lora_embedding_B")

    @property
    def is_embedding(self) -> bool:
        return any(part.startswith("lora_embedding") for part in self.parts)

    def _shape(self, part: str) -> tuple[int, ...] | None:
        return self.parts[part].shape if part in self.parts else None


def adapters_of(folder: Folder) -> list[Adapter]:
    if folder.is_dataset:
        return []
    places = {
        dirname(file.path) for file in folder.files if basename(file.path) in (CONFIG, *_WEIGHTS)
    }
    return [
        Adapter(place, _settings(folder, place), stored.adapter_in(folder, place))
        for place in sorted(places)
    ]


def check_base(folder: Folder) -> Iterator[Finding]:
    for adapter in adapters_of(folder):
        if why := _base_problem(folder, adapter):
            yield block(
                "LORA-BASE", f"{show(adapter.config_path)}: {why}.", file=adapter.config_path
            )


def base_finding(base: str, *, is_here: bool | None, file: str = CONFIG) -> Finding | None:
    """What is to be said of a base that is well named: `is_here` is None where nobody could look."""
    if is_here:
        return None
    if is_here is None:
        text = f"Whether the base {show(base)} is in the registry is not known"
    else:
        text = f"Base {show(base)} is not in the registry"
    return warn("LORA-BASE", f"{text}, so the adapter was not run.", file=file, where=base)


def check_shapes(folder: Folder) -> Iterator[Finding]:
    for adapter in adapters_of(folder):
        if adapter.settings is None:
            continue
        if not adapter.stored.paths:
            yield _wrong(adapter.config_path, "", "there are no weights beside it")
        elif adapter.stored.tensors is not None:
            yield from _shape_findings(adapter, adapter.settings, adapter.stored.tensors)


def against_base(folder: Folder, base: Tensors) -> Iterator[Finding]:
    """The adapters of this folder held against the tensors of their base, where these go by the
    names of the modules and are not packed."""
    is_named = any(_LAYER.fullmatch(name) for name in base)
    for adapter in adapters_of(folder):
        if adapter.settings is None or adapter.stored.tensors is None or not is_named:
            continue
        pairs, _ = pairs_of(adapter.stored.tensors)
        for module, pair in pairs.items():
            if why := _misfit(module, pair, base):
                yield _wrong(pair.file, module, f"{show(module)} {why}")


def pairs_of(tensors: Tensors) -> tuple[dict[str, Pair], list[str]]:
    """What is added to which module, and the tensors that are no part of any."""
    pairs: dict[str, Pair] = {}
    others: list[str] = []
    for name, (path, tensor) in tensors.items():
        if match := _PART.fullmatch(name):
            pairs.setdefault(match["module"], Pair(path)).parts[match["part"]] = tensor
        else:
            others.append(name)
    return pairs, others


def _settings(folder: Folder, place: str) -> dict[str, Any] | None:
    path = joined(place, CONFIG)
    if path not in folder.by_path:
        return None
    try:
        value = folder.json(path)
    except Problem:
        return None
    return value if isinstance(value, dict) else None


def _base_problem(folder: Folder, adapter: Adapter) -> str | None:
    if adapter.settings is None:
        there = adapter.config_path in folder.by_path
        return "it cannot be read" if there else "it is missing, so the base is unknown"
    base = adapter.settings.get("base_model_name_or_path")
    if not base:
        return "it names no base"
    if not isinstance(base, str) or not _BASE.fullmatch(base) or ".." in base:
        return f"{show(base)} is not the name of a base: a path or an address is not taken"
    revision = adapter.settings.get("revision")
    if revision is not None and not isinstance(revision, str):
        return f"the revision {show(revision)} is not text"
    return None


def _shape_findings(
    adapter: Adapter, settings: Mapping[str, Any], tensors: Tensors
) -> Iterator[Finding]:
    path = adapter.config_path
    kind, rank = settings.get("peft_type"), settings.get("r")
    if kind != "LORA":
        yield _wrong(path, "peft_type", f"peft_type is {show(kind)}, only LORA is taken")
        return
    if not _is_rank(rank):
        yield _wrong(path, "r", f"r is {show(rank)}, but must be from 1 to {MAX_RANK}")
        return
    patterns = settings.get("rank_pattern") or {}
    if not isinstance(patterns, dict) or not all(map(_is_rank, patterns.values())):
        yield _wrong(path, "rank_pattern", "rank_pattern is not a list of names and ranks")
        return
    if not _is_layout(settings.get("layer_replication")):
        yield _wrong(
            path,
            "layer_replication",
            f"layer_replication is no list of {MAX_LAYERS} layers at most",
        )
        return
    pairs, others = pairs_of(tensors)
    for name in others:
        if not _WHOLE.fullmatch(name):
            yield _wrong(tensors[name][0], name, f"{show(name)} is no part of an adapter")
    if not pairs:
        yield _wrong(path, "", "it changes no module")
    targets = settings.get("target_modules")
    ranks = {rank, *patterns.values()}
    inputs: dict[str, tuple[int, int]] = {}
    for module, pair in pairs.items():
        why = _pair_problem(pair, ranks)
        if why is None and isinstance(targets, list) and not _is_among(module, targets):
            why = "is not among its target_modules"
        if why is None:
            why = _sibling_problem(module, pair, inputs)
        if why is not None:
            yield _wrong(pair.file, module, f"{show(module)} {why}")


def _pair_problem(pair: Pair, ranks: set[int]) -> str | None:
    down, up = pair.down, pair.up
    if down is None or up is None:
        return "has only one of the two matrices A and B"
    if len(down) != 2 or len(up) != 2:
        return "has parts that are not matrices"
    if down[0] != up[1]:
        return f"has A of rank {down[0]} and B of rank {up[1]}"
    if down[0] not in ranks:
        return (
            f"is of rank {down[0]}, but the configuration says {', '.join(map(str, sorted(ranks)))}"
        )
    return None


def _sibling_problem(module: str, pair: Pair, seen: dict[str, tuple[int, int]]) -> str | None:
    """Modules of the same name take and give as much in every layer of a text model."""
    if pair.down is None or pair.up is None or "vision" in module:
        return None
    shape = (pair.down[1], pair.up[0])
    first = seen.setdefault(".".join(module.split(".")[-2:]), shape)
    return None if shape == first else f"takes {shape[0]} and gives {shape[1]}, others {first}"


def _misfit(module: str, pair: Pair, base: Tensors) -> str | None:
    if pair.down is None or pair.up is None or len(pair.down) != 2 or len(pair.up) != 2:
        return None
    name = f"{module}.weight"
    if name not in base:
        is_packed = f"{module}.qweight" in base
        return "is no module of the base" if _LAYER.fullmatch(module) and not is_packed else None
    target = base[name][1]
    shape = (pair.up[0], pair.down[1])
    wanted = target.shape[::-1] if pair.is_embedding else target.shape
    if shape == wanted or target.dtype in ("U8", "I32"):
        return None
    return f"would change a matrix of {list(shape)}, the base has {list(wanted)}"


def _is_layout(value: Any) -> bool:
    """Which layers a loader is to repeat, as ranges: each becomes layers of its own in memory."""
    if value is None:
        return True
    ranges = [one for one in value if _is_range(one)] if isinstance(value, list) else []
    return (
        bool(ranges)
        and len(ranges) == len(value)
        and sum(end - start for start, end in ranges) <= MAX_LAYERS
    )


def _is_range(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(number) is int for number in value)
        and 0 <= value[0] < value[1]
    )


def _is_rank(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_RANK


def _is_among(module: str, targets: list[Any]) -> bool:
    return any(
        isinstance(target, str) and (module == target or module.endswith(f".{target}"))
        for target in targets
    )


def _wrong(file: str, where: str, why: str) -> Finding:
    return block("LORA-SHAPE", f"{show(file)}: {why}.", file=file, where=where)
