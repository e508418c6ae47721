"""Patterns that a tokenizer or an adapter brings, and that could take exponential time (SEC-REGEX)."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import ways
from registry.checks.scanners.expressions import MAX_LENGTH, Refused
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.walk import keys_of

_TOKENIZERS = re.compile(r"(.*/)?tokenizer[^/]*\.json", re.IGNORECASE)
_CONFIGS = re.compile(r"(.*/)?[^/]*config[^/]*\.json", re.IGNORECASE)
# What loaders match against the names of modules, as a text or by the keys of a mapping.
_TEXTS = ("target_modules", "exclude_modules")
_LISTS = ("layers_pattern", "modules_to_save", "modules_to_not_convert", "llm_int8_skip_modules")
_MAPPINGS = ("rank_pattern", "alpha_pattern")
# Names of modules are short: more loops in a row do no harm there.
_IN_NAMES = 6
_MARKED = "re:"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.]{1,512}")
# Of all patterns of a revision together: each takes time to judge.
MAX_CHARACTERS = 64 * 1024
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
    read = 0
    for file in folder.settings():
        try:
            value = folder.json(file.path)
        except Problem:
            continue
        for where, pattern in dict.fromkeys(patterns_of(file.path, value)):
            if _PLAIN_NAME.fullmatch(pattern) or _is_known(pattern):
                continue
            read += min(len(pattern), MAX_LENGTH)
            try:
                if read > MAX_CHARACTERS:
                    raise Refused("there are more patterns than any model needs")
                ways.check(pattern, most_in_a_row=_row_of(where))
            except Refused as why:
                yield _finding(file, where, pattern, why)
            if read > MAX_CHARACTERS:
                return


def _is_known(pattern: str) -> bool:
    return sha256(pattern.encode()).hexdigest() in KNOWN


def _row_of(where: str) -> int:
    return ways.MOST_IN_A_ROW if where == "Regex" else _IN_NAMES


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
    # A list of these is one of names, of which each is compared as it is.
    if key in (*_TEXTS, *_LISTS) and isinstance(item, str):
        yield key, item
    elif key in _LISTS and isinstance(item, list):
        for text in item:
            if isinstance(text, str):
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
