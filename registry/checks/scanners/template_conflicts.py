"""Whether all places that may hold the chat template of a model hold the same one (TPL-CONFLICT)."""

import difflib
from collections.abc import Iterator
from itertools import islice
from posixpath import dirname

from registry.checks.findings import Finding, show, warn
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.templates import templates_of

MOST_LINES = 60


def check(folder: Folder) -> Iterator[Finding]:
    """Files of one folder are of one model; further templates by name lie in a folder of their own."""
    groups: dict[str, dict[str, list[str]]] = {}
    for path, template in templates_of(folder):
        if not dirname(path).endswith("additional_chat_templates"):
            groups.setdefault(dirname(path), {}).setdefault(path, []).append(template)
    for places in groups.values():
        (first, theirs), *others = sorted(places.items(), key=lambda item: _rank(item[0]))
        for path, ours in others:
            if not {*map(_normal, ours)} & {*map(_normal, theirs)}:
                yield _conflict(first, theirs[0], path, ours[0])


def _rank(path: str) -> tuple[bool, bool, str]:
    """Loaders prefer the file that holds nothing but the template."""
    return not path.endswith(".jinja"), path.endswith(".gguf"), path


def _conflict(first: str, theirs: str, path: str, ours: str) -> Finding:
    before, after = _normal(theirs), _normal(ours)
    lines = list(islice(difflib.unified_diff(before, after, lineterm="", n=1), 2, None))
    return warn(
        "TPL-CONFLICT",
        f"The chat template in {show(path)} differs from the one in {show(first)}.",
        file=path,
        where=first,
        value=sum(line.startswith(("+", "-")) for line in lines),
        threshold=0,
        evidence={"diff": lines[:MOST_LINES]},
    )


def _normal(text: str) -> tuple[str, ...]:
    """Without what an editor may have changed: ends of lines and empty ones."""
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())
