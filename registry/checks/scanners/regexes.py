"""Patterns that a tokenizer or an adapter brings, and that could take exponential time (SEC-REGEX)."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import ways
from registry.checks.scanners.expressions import Refused
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.walk import keys_of

_TOKENIZERS = re.compile(r"(.*/)?tokenizer[^/]*\.json", re.IGNORECASE)
_CONFIGS = re.compile(r"(.*/)?[^/]*config[^/]*\.json", re.IGNORECASE)
# What loaders of adapters match against the names of modules, as a text or by the keys of a mapping.
_TEXTS = ("target_modules", "exclude_modules", "layers_pattern", "modules_to_save")
_MAPPINGS = ("rank_pattern", "alpha_pattern")
_MARKED = "re:"
# By the SHA-256 of their text: those of the tokenizers that the supported families come with.
KNOWN = frozenset(
    [
        # byte level, as of GPT-2
        "eeb55ba74cc544ae7067587b680d16521d9891de9e94c7ba9412c0e0e93b1c36",
        # Llama 3
        "d98f9631be1e9607a9848c26c1f9eac1aa9fc21ac6ba82a2fc0741af9780a48f",
        # Llama 4
        "2d1b8dc11e89af71459b36004f698ab3693f59fd84f63e8ec2b49564ab857420",
    ]
)


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.settings():
        try:
            value = folder.json(file.path)
        except Problem:
            continue
        seen: set[str] = set()
        for where, pattern in patterns_of(file.path, value):
            if pattern in seen or sha256(pattern.encode()).hexdigest() in KNOWN:
                continue
            seen.add(pattern)
            try:
                ways.check(pattern)
            except Refused as why:
                yield _finding(file, where, pattern, why)


def patterns_of(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every expression in a file of settings, with the key that it stands under."""
    if _TOKENIZERS.fullmatch(path) and isinstance(value, dict):
        # Its vocabulary holds a hundred thousand texts, and no pattern.
        parts = {
            name: part for name, part in value.items() if name not in ("model", "added_tokens")
        }
        for key, item in keys_of(parts):
            if key == "Regex" and isinstance(item, str):
                yield key, item
    if _CONFIGS.fullmatch(path):
        for key, item in keys_of(value):
            yield from _of_setting(key, item)


def _of_setting(key: str, item: Any) -> Iterator[tuple[str, str]]:
    if key in _TEXTS:
        for text in item if isinstance(item, list) else [item]:
            # In a list they are names, of which each is compared as it is.
            if isinstance(text, str) and (text is item or key == "layers_pattern"):
                yield key, text
    elif key in _MAPPINGS and isinstance(item, dict):
        for text in item:
            yield key, text
    for text in item if isinstance(item, list) else ():
        if isinstance(text, str) and text.startswith(_MARKED):
            yield key, text.removeprefix(_MARKED)


def _finding(file: ModelFile, where: str, pattern: str, why: Refused) -> Finding:
    return block(
        "SEC-REGEX",
        f"A pattern in {show(file.path)} can take exponential time: {why}.",
        file=file.path,
        where=where,
        value=pattern,
    )
