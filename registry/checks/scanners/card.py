"""Whether the front matter of the model card is small, plain YAML with typed keys (CARD-PARSE)."""

from collections.abc import Iterator
from typing import Any

import yaml

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder, Problem

MAX_FRONT_MATTER = 64 * 1024
MAX_CARD = 4 * 1024 * 1024
MAX_DEPTH = 16

_TEXT = (str,)
_TEXTS = (str, list)
_KNOWN = {
    "license": _TEXTS,
    "license_name": _TEXT,
    "license_link": _TEXT,
    "language": _TEXTS,
    "tags": (list,),
    "base_model": _TEXTS,
    "base_model_relation": _TEXT,
    "pipeline_tag": _TEXT,
    "library_name": _TEXT,
    "datasets": _TEXTS,
    "metrics": _TEXTS,
    "model-index": (list,),
    "inference": (bool, dict, str),
    "widget": (list,),
    "extra_gated_prompt": _TEXT,
    "extra_gated_fields": (dict,),
    "extra_gated_heading": _TEXT,
    "extra_gated_description": _TEXT,
    "extra_gated_button_content": _TEXT,
}


class CardProblem(Problem):
    """Why the front matter cannot be taken as it is."""


def front_matter(data: bytes) -> dict[str, Any]:
    """The front matter of a card; empty where there is none. Raises CardProblem."""
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    if not lines or lines[0].strip() != b"---":
        return {}
    end = next((at for at, line in enumerate(lines[1:], 1) if line.strip() == b"---"), None)
    if end is None:
        raise CardProblem("it has no closing ---")
    raw = b"".join(lines[1:end])
    if len(raw) > MAX_FRONT_MATTER:
        raise CardProblem(f"it is larger than {MAX_FRONT_MATTER // 1024} KiB")
    try:
        value = _parsed(raw.decode())
    except UnicodeDecodeError:
        raise CardProblem("it is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise CardProblem(
            f"line {line}: {show(error.problem or error.context or 'YAML')}"
        ) from None
    except yaml.YAMLError as error:
        raise CardProblem(show(str(error))) from None
    # Dates and numbers that PyYAML recognises and Python refuses (2023-02-30).
    except ValueError as error:
        raise CardProblem(show(str(error))) from None
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise CardProblem("it is not a list of names and values")
    for key, kinds in _KNOWN.items():
        if value.get(key) is not None and not isinstance(value[key], kinds):
            raise CardProblem(f"{key} has the wrong type")
    return value


def check(folder: Folder) -> Iterator[Finding]:
    file = folder.by_path.get("README.md")
    if file is None:
        return
    folder.reading = file.path
    with file.local.open("rb") as stream:
        data = stream.read(MAX_CARD)
    try:
        front_matter(data)
    except CardProblem as problem:
        yield block(
            "CARD-PARSE", f"The card's front matter is not valid: {problem}.", file=file.path
        )


def _parsed(text: str) -> Any:
    """The events are looked at first: aliases and tags are refused before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise CardProblem("it uses an anchor or alias")
        if getattr(event, "tag", None):
            raise CardProblem("it uses a tag")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise CardProblem(f"it is nested deeper than {MAX_DEPTH}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return _Unique(text).get_single_data()


class _Unique(yaml.SafeLoader):
    """Refuses duplicate keys, of which PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(node.value):
            raise CardProblem("a key is not a plain word")
        seen: set[str] = set()
        for key in keys:
            if key in seen:
                raise CardProblem(f"the key {show(key)} appears twice")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
