"""Whether an index and its shards hold each tensor exactly once (ST-INDEX)."""

import re
from collections.abc import Iterator
from posixpath import dirname
from typing import Any, TypeGuard

from registry.checks.findings import Finding, ModelFile, block, show, warn
from registry.checks.scanners import safetensors
from registry.checks.scanners.folder import Folder, Problem, joined

INDEX = ".safetensors.index.json"
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.safetensors")


def check(folder: Folder) -> Iterator[Finding]:
    named: set[str] = set()
    for index in folder.ending(INDEX):
        try:
            value = folder.json(index.path)
        except Problem:
            continue
        weight_map = value.get("weight_map") if isinstance(value, dict) else None
        if not _is_map(weight_map):
            yield block(
                "ST-INDEX", f"{show(index.path)} has no weight_map of names.", file=index.path
            )
            continue
        shards = {joined(dirname(index.path), name) for name in weight_map.values()}
        named |= shards
        yield from _index_findings(folder, index, weight_map)
        yield from _total(folder, index, value, shards)
        whole = index.path.removesuffix(INDEX) + ".safetensors"
        if whole in folder.by_path and whole not in shards:
            yield warn(
                "ST-INDEX",
                f"{show(whole)} and {show(index.path)} both exist; loaders read only the former.",
                file=index.path,
            )
    for file in folder.ending(".safetensors"):
        if _SHARD.fullmatch(file.path) and file.path not in named:
            yield block("ST-INDEX", f"No index names the shard {show(file.path)}.", file=file.path)


def _index_findings(
    folder: Folder, index: ModelFile, weight_map: dict[str, str]
) -> Iterator[Finding]:
    held: dict[str, set[str]] = {}
    for name in sorted(set(weight_map.values())):
        tensor = next(tensor for tensor, shard in weight_map.items() if shard == name)
        if "/" in name or "\\" in name or name in (".", ".."):
            yield _wrong(index, tensor, name, "is not a plain file name")
            continue
        file = folder.beside(index.path, name)
        if file is None:
            yield _wrong(index, tensor, name, "is not in this revision")
            continue
        try:
            held[name] = set(folder.parsed("safetensors", file.path, safetensors.header_of).tensors)
        except Problem:
            continue  # ST-HEADER has said so
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
            tensor.end - tensor.begin
            for shard in shards
            if shard in folder.by_path
            for tensor in folder.parsed(
                "safetensors", shard, safetensors.header_of
            ).tensors.values()
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
