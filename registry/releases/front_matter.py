"""Changing one value in the front matter of a card, and leaving all else as its author wrote it."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from django.utils.translation import gettext

from registry.catalog import cards
from registry.errors import Invalid

_FRONT = re.compile(r"\A(\ufeff?[\r\n]*---[ \t]*(\r?\n))(.*?)(^---[ \t]*\r?$)", re.S | re.M)
_HEADING = re.compile(r"^#{1,6} .*$", re.M)


def changed(text: str, values: Mapping[str, Any]) -> str:
    """The card with these values in its front matter, or Invalid where that cannot be done by
    replacing whole lines."""
    before = cards.parse(text)
    for key, value in values.items():
        if before.get(key) != value:
            text = _with(text, key, value, is_there=key in before)
    if cards.parse(text) != before | dict(values):
        raise Invalid(
            gettext(
                "The front matter of README.md is written so that %(values)s cannot be "
                "corrected by itself. Change it by hand."
            )
            % {"values": ", ".join(values)}
        )
    return text


def without(text: str, key: str) -> str:
    """The card without this key, or Invalid where that cannot be done by removing whole lines."""
    before = cards.parse(text)
    if key not in before:
        return text
    match = _FRONT.match(text)
    found = _entry(key).search(match.group(3)) if match else None
    if match is not None and found is not None:
        opening, _, body, closing = match.groups()
        body = body[: found.start()] + body[_end_of_entry(body, found.end()) :]
        text = f"{opening}{body}{closing}{text[match.end() :]}"
    if cards.parse(text) != {name: value for name, value in before.items() if name != key}:
        raise Invalid(
            gettext(
                "The front matter of README.md is written so that %(key)s cannot be taken out "
                "by itself. Change it by hand."
            )
            % {"key": key}
        )
    return text


def with_line(text: str, line: str) -> str:
    """The card with a line of its own in the prose, below the first heading."""
    front, prose = cards.split(text)
    start = text[: len(text) - len(prose)] if front is not None else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    heading = _HEADING.search(prose)
    if heading is None:
        return f"{start}{line}{newline}{newline}{prose}" if prose else f"{start}{line}{newline}"
    at = heading.end()
    above, below = prose[:at].rstrip("\r"), prose[at:].lstrip("\r\n")
    rest = f"{newline}{newline}{below}" if below else newline
    return f"{start}{above}{newline}{newline}{line}{rest}"


def _with(text: str, key: str, value: Any, *, is_there: bool) -> str:
    match = _FRONT.match(text)
    if match is None:
        return f"---\n{_line(key, value)}\n---\n{text}"
    opening, newline, body, closing = match.groups()
    written = _line(key, value).replace("\n", newline) + newline
    found = _entry(key).search(body)
    if found is None and is_there:
        return text  # it is written in another way, which the caller notices
    if found is None:
        gap = "" if not body or body.endswith("\n") else newline
        body = f"{body}{gap}{written}"
    else:
        end = _end_of_entry(body, found.end())
        body = body[: found.start()] + written + body[end:]
    return f"{opening}{body}{closing}{text[match.end() :]}"


def _entry(key: str) -> re.Pattern[str]:
    """Where a key stands at the beginning of a line, quoted or not."""
    name = re.escape(key)
    return re.compile(rf"^(?:{name}|\"{name}\"|'{name}')[ \t]*:", re.M)


def _end_of_entry(body: str, start: int) -> int:
    """Where the value of a key ends: at the next line that is neither indented, nor an item of its
    list. Comments and empty lines before that line belong to what follows."""
    lines = body[start:].splitlines(keepends=True)
    end = taken = len(lines[0]) if lines else 0
    for line in lines[1:]:
        taken += len(line)
        if line.startswith((" ", "\t")) or re.match(r"-(\s|$)", line):
            end = taken
        elif line.strip() and not line.startswith("#"):
            break
    return start + end


def _line(key: str, value: Any) -> str:
    """A key and its value on a line, as YAML that reads back as the same."""
    said = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return f"{key}: {said.removesuffix('...' + chr(10)).strip()}"
