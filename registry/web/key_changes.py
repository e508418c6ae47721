"""Which keys of two JSON documents differ, with what each said and says."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from registry.releases.line_diff import readable

MAX_CHANGES = 300
MAX_VALUE = 300
MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key, as `rope_scaling.factor`; None for the side that does not have it."""

    key: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def between(
    before: Any, after: Any, *, without: frozenset[str] = frozenset()
) -> tuple[list[KeyChange], int]:
    """The changes, and how many more there are than are shown. `without` names keys at the top that
    are compared in another way."""
    found = _changes(_top(before, without), _top(after, without), "", 0)
    shown = [_change(*one) for one in islice(found, MAX_CHANGES)]
    return shown, sum(1 for _more in found)


def _top(value: Any, without: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        return {} if value is None else {"": value}
    return {key: item for key, item in value.items() if key not in without}


# Of a key its name, whether each side has it, and what it says there
_Found = tuple[str, bool, Any, bool, Any]


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[_Found]:
    for key in [*before, *(key for key in after if key not in before)]:
        name = f"{prefix}{key}"
        was, now = before.get(key), after.get(key)
        both = key in before and key in after
        if both and type(was) is type(now) and was == now:
            continue
        if both and isinstance(was, Mapping) and isinstance(now, Mapping) and depth < MAX_DEPTH:
            yield from _changes(was, now, f"{name}.", depth + 1)
            continue
        yield name, key in before, was, key in after, now


def _change(name: str, is_before: bool, was: Any, is_after: bool, now: Any) -> KeyChange:
    """As it is shown: written for those alone that a page has room for."""
    return KeyChange(
        readable(name[:MAX_VALUE])[:MAX_VALUE],
        _shown(was) if is_before else None,
        _shown(now) if is_after else None,
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = readable(text[: MAX_VALUE + 1])
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
