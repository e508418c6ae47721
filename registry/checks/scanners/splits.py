"""GGUF models of one file or of several, and whether the parts of a split one are whole and agree (GG-HEADER)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import gguf
from registry.checks.scanners.folder import Folder, Problem

_SPLIT = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """The parts of one model in order; `count` is how many their names promise."""

    files: tuple[ModelFile, ...]
    count: int

    @property
    def path(self) -> str:
        return self.files[0].path


def groups_of(folder: Folder) -> list[Group]:
    found: dict[tuple[str, int], list[ModelFile]] = {}
    for file in folder.ending(".gguf"):
        split = _SPLIT.fullmatch(file.path)
        key = (split[1], int(split[3])) if split else (file.path, 1)
        found.setdefault(key, []).append(file)
    return [Group(tuple(files), count) for (_, count), files in found.items()]


def headers_of(folder: Folder, group: Group) -> list[gguf.Header] | None:
    """None where a part cannot be read, which GG-HEADER has said."""
    try:
        return [folder.parsed("gguf", file.path, gguf.header_of) for file in group.files]
    except Problem:
        return None


def is_whole(folder: Folder, group: Group) -> bool:
    headers = headers_of(folder, group)
    return headers is not None and not list(_problems(group, headers))


def check(folder: Folder) -> Iterator[Finding]:
    yield from gguf.check(folder)
    for group in groups_of(folder):
        headers = headers_of(folder, group)
        for path, why in _problems(group, headers) if headers else ():
            yield block("GG-HEADER", f"{show(path)}: {show(why)}.", file=path)


def _problems(group: Group, headers: list[gguf.Header]) -> Iterator[tuple[str, str]]:
    if group.count <= 1:
        if headers[0].split_count > 1:
            yield group.path, "it is one part of several, but not named as one (-00001-of-…)"
        return
    if len(group.files) != group.count:
        yield group.path, f"{len(group.files)} of its {group.count} parts are here"
    held = sum(len(header.tensors) for header in headers)
    seen: set[str] = set()
    for file, header in zip(group.files, headers, strict=True):
        match = _SPLIT.fullmatch(file.path)
        number = int(match[2]) if match else 0
        said = tuple(header.values.get(f"split.{key}") for key in ("no", "count", "tensors.count"))
        wanted = (number - 1, group.count, held)
        if said != wanted and len(group.files) == group.count:
            yield file.path, f"its split keys are {show(said)}, its place among the parts {wanted}"
        if twice := seen & header.tensors.keys():
            yield file.path, f"another part holds {show(min(twice))} too"
        seen |= header.tensors.keys()
