"""Which keys of two JSON documents differ, with what each said and says."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.web.line_diff import readable

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
    found = list(_changes(_top(before, without), _top(after, without), "", 0))
    return found[:MAX_CHANGES], max(len(found) - MAX_CHANGES, 0)


def _top(value: Any, without: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        return {} if value is None else {"": value}
    return {key: item for key, item in value.items() if key not in without}


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[KeyChange]:
    for key in [*before, *(key for key in after if key not in before)]:
        name = f"{prefix}{key}"
        was, now = before.get(key), after.get(key)
        both = key in before and key in after
        if both and type(was) is type(now) and was == now:
            continue
        if both and isinstance(was, Mapping) and isinstance(now, Mapping) and depth < MAX_DEPTH:
            yield from _changes(was, now, f"{name}.", depth + 1)
            continue
        yield KeyChange(
            readable(name)[:MAX_VALUE],
            _shown(was) if key in before else None,
            _shown(now) if key in after else None,
        )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = readable(text)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
