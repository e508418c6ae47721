"""The chat templates of a revision, by name, whichever of their files holds them."""

import re
from collections.abc import Mapping
from posixpath import basename, dirname, splitext

from registry.checks.scanners import strict_json

KEY = "chat_template"
_FILES = ("tokenizer_config.json", "chat_template.json", "chat_template.jinja")
_MORE = re.compile(r"(.*/)?additional_chat_templates/[^/]+\.jinja")
MAX_TEMPLATES = 64


def holds(path: str) -> bool:
    """Whether a file of this name may hold a chat template."""
    return basename(path) in _FILES or _MORE.fullmatch(path) is not None


def of(contents: Mapping[str, bytes | None]) -> dict[str, str]:
    """The templates of these files, given by path; a file of its own counts before what stands in
    the settings of the tokenizer, as loaders have it. What cannot be read holds none."""
    found: dict[str, str] = {}
    for path in sorted(contents, key=lambda path: (path.endswith(".jinja"), path)):
        content = contents[path]
        if content is None:
            continue
        if path.endswith(".jinja"):
            found[_name(path)] = content.decode(errors="replace")
        else:
            found |= _in_json(path, content)
    return dict(sorted(found.items())[:MAX_TEMPLATES])


def _in_json(path: str, content: bytes) -> dict[str, str]:
    try:
        value = strict_json.parse(content)
    except strict_json.JsonProblem:
        return {}
    said = value.get(KEY) if isinstance(value, dict) else None
    if isinstance(said, str):
        return {_joined(dirname(path), "default"): said}
    return {
        _joined(dirname(path), one["name"]): one["template"]
        for one in (said if isinstance(said, list) else [])
        if isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("template"), str)
    }


def _name(path: str) -> str:
    if _MORE.fullmatch(path):
        return _joined(dirname(dirname(path)), splitext(basename(path))[0])
    return _joined(dirname(path), "default")


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
