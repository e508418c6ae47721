"""Whether an index and its shards hold each tensor exactly once (ST-INDEX)."""

import re
from collections.abc import Iterator
from posixpath import dirname
from typing import Any, TypeGuard

from registry.checks.findings import Finding, ModelFile, block, show, warn
from registry.checks.scanners.folder import Folder, Problem, joined
from registry.checks.scanners.stored import bytes_of, headers_of
from registry.checks.scanners.types import Kind, kind_of

INDEX = ".safetensors.index.json"
_INDEXES = {INDEX: ".safetensors", ".bin.index.json": ".bin"}
_WEIGHT_INDEX = re.compile(r".*\.(safetensors|bin|pth|gguf)\.index(\.[^/]*)?\.json")
_WEIGHTS = (Kind.SAFETENSORS, Kind.CHECKPOINT, Kind.GGUF)
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.(safetensors|bin)")


def check(folder: Folder) -> Iterator[Finding]:
    named: set[str] = set()
    for index, value in _indexes(folder):
        weight_map = value.get("weight_map") if isinstance(value, dict) else None
        if not _is_map(weight_map):
            yield block(
                "ST-INDEX", f"{show(index.path)} has no weight_map of names.", file=index.path
            )
            continue
        shards = {joined(dirname(index.path), name) for name in weight_map.values()}
        named |= shards
        yield from _index_findings(folder, index, weight_map)
        ending = next((end for end in _INDEXES if index.path.endswith(end)), None)
        if ending is None:
            continue
        yield from _total(folder, index, value, shards)
        whole = index.path[: -len(ending)] + _INDEXES[ending]
        if whole in folder.by_path and whole not in shards:
            yield warn(
                "ST-INDEX",
                f"{show(whole)} and {show(index.path)} both exist; loaders read only the former.",
                file=index.path,
            )
    for file in folder.ending(".safetensors", ".bin"):
        if _SHARD.fullmatch(file.path) and file.path not in named:
            yield block("ST-INDEX", f"No index names the shard {show(file.path)}.", file=file.path)


def _indexes(folder: Folder) -> Iterator[tuple[ModelFile, Any]]:
    """Whatever a loader could take for an index: by its name, or since it maps weights."""
    for file in folder.ending(".json"):
        try:
            value = folder.json(file.path)
        except Problem:
            continue  # SEC-JSON has said so
        maps = isinstance(value, dict) and "weight_map" in value
        if maps or _WEIGHT_INDEX.fullmatch(file.path.lower()):
            yield file, value


def _index_findings(
    folder: Folder, index: ModelFile, weight_map: dict[str, str]
) -> Iterator[Finding]:
    first = {name: tensor for tensor, name in reversed(weight_map.items())}
    held: dict[str, set[str]] = {}
    for name in sorted(first):
        if why := _why_not(folder, index, name):
            yield _wrong(index, first[name], name, why)
        elif name.endswith(tuple(_INDEXES.values())):
            path = joined(dirname(index.path), name)
            try:
                held[name] = set(headers_of(folder, path))
            except Problem:
                continue  # ST-HEADER has said so
    yield from _misplaced(index, weight_map, held)


def _why_not(folder: Folder, index: ModelFile, name: str) -> str | None:
    """Why a loader must not follow the index to this name; None where it may."""
    if "/" in name or "\\" in name or name in (".", ".."):
        return "is not a plain file name"
    file = folder.beside(index.path, name)
    if file is None:
        return "is not in this revision"
    wanted = (Kind.SAFETENSORS,) if index.path.lower().endswith(INDEX) else _WEIGHTS
    return None if kind_of(file.path) in wanted else "is not a file of weights"


def _misplaced(
    index: ModelFile, weight_map: dict[str, str], held: dict[str, set[str]]
) -> Iterator[Finding]:
    for tensor, name in weight_map.items():
        if name in held and tensor not in held[name]:
            yield _wrong(index, tensor, name, "does not hold it")
    for name, tensors in held.items():
        for tensor in sorted(tensors):
            if tensor not in weight_map:
                yield block(
                    "ST-INDEX",
                    f"{show(name)} holds {show(tensor)}, which the index does not name.",
                    file=index.path,
                    where=tensor,
                )
            elif weight_map[tensor] != name:
                yield _wrong(index, tensor, weight_map[tensor], f"is not the only one: {name} too")


def _total(
    folder: Folder, index: ModelFile, value: dict[str, Any], shards: set[str]
) -> Iterator[Finding]:
    metadata = value.get("metadata")
    said = metadata.get("total_size") if isinstance(metadata, dict) else None
    try:
        total = sum(
            bytes_of(tensor)
            for shard in shards
            if shard in folder.by_path
            for tensor in headers_of(folder, shard).values()
        )
    except Problem:
        return
    if said is not None and said != total:
        yield warn(
            "ST-INDEX",
            f"{show(index.path)} says {show(said)} bytes in all, the shards hold {total}.",
            file=index.path,
            value=total,
            threshold=said if isinstance(said, int | float) else show(said),
        )


def _is_map(value: Any) -> TypeGuard[dict[str, str]]:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) and name for name in value.values())
    )


def _wrong(index: ModelFile, tensor: str, shard: str, why: str) -> Finding:
    return block(
        "ST-INDEX",
        f"The index sends {show(tensor)} to {show(shard)}, which {show(why)}.",
        file=index.path,
        where=tensor,
    )
