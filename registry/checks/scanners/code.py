"""Models that bring their own code, by file or by configuration (SEC-CODE)."""

import re
from collections.abc import Iterator

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.config import FAMILIES
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.walk import keys_of

_FILES = re.compile(r"(.*/)?([^/]+\.(py|pyc|pyx|ipynb|sh|so)|custom_(generate|pipelines)/.*)", re.I)
_KEYS = ("auto_map", "custom_pipelines", "custom_generate")


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.files:
        if _FILES.fullmatch(file.path):
            yield _finding(file.path, "", f"{show(file.path)} is code.")
    for file in folder.settings():
        try:
            value = folder.json(file.path)
        except Problem:
            continue
        for key, item in keys_of(value):
            # A vocabulary may hold such a word; its value is then a number.
            if key in _KEYS and not isinstance(item, int):
                yield _finding(file.path, key, f"{show(file.path)} has the key {key}.")
                break


def _finding(path: str, key: str, what: str) -> Finding:
    return block(
        "SEC-CODE",
        f"{what} Models that bring their own code are not accepted. "
        f"Supported: {', '.join(FAMILIES)}.",
        file=path,
        where=key,
    )
