"""What somebody looks for in the catalog: read from an address, and written as one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from registry.catalog.models import RepositoryType

# In the order in which pages show them
FACETS = (
    "family",
    "generation",
    "task",
    "modality",
    "relation",
    "method",
    "format",
    "quantization",
    "license",
    "access",
    "verdict",
    "smoke",
    "language",
    "domain",
)
# Chosen by links alone: there are as many values as models, and nobody counts them
UNCOUNTED = ("base", "dataset")
KEYS = (*FACETS, *UNCOUNTED)
RELEVANCE = "relevance"
SORTS = (
    RELEVANCE,
    "updated",
    "released",
    "trending",
    "downloads",
    "likes",
    "name",
    "parameters",
    "size",
)
RANGES = ("parameters", "context")
# Of one facet; what is longer names nothing that is there
MAX_VALUE = 100
MAX_VALUES = 20
MAX_QUERY = 200
MAX_NUMBER = 2**63 - 1
_UNITS = {
    "parameters": {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12},
    # 32k of context are 32,768 tokens
    "context": {"": 1, "K": 2**10, "M": 2**20},
}
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMBT]?)", re.IGNORECASE)

Bounds = tuple[int | None, int | None]


class Sent(Protocol):
    """The part of a QueryDict that is read."""

    def getlist(self, key: str) -> list[Any]: ...


@dataclass(frozen=True)
class Wanted:
    """A state of the catalog. Two that look for the same are equal and have the same address."""

    kind: str = RepositoryType.MODEL
    query: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parameters: Bounds = (None, None)
    context: Bounds = (None, None)
    namespace: str = ""
    sort: str = RELEVANCE
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the order narrows the list."""
        ranges = self.parameters + self.context
        return bool(self.query or self.facets) or any(one is not None for one in ranges)

    def has(self, key: str, value: str) -> bool:
        return value in self.facets.get(key, ())

    def adding(self, key: str, value: str) -> "Wanted":
        """This with one more choice."""
        chosen = dict(self.facets)
        chosen[key] = tuple(sorted({*chosen.get(key, ()), value}))
        return replace(self, facets=chosen)

    def without(self, key: str, value: str | None = None) -> "Wanted":
        """This without a choice, or without a facet, a range (`parameters`) or the `query`."""
        if key in RANGES:
            whole: dict[str, Any] = {key: (None, None)}
            return replace(self, **whole)
        if key == "query":
            return replace(self, query="")
        if key == "namespace":
            return replace(self, namespace="")
        kept = tuple(one for one in self.facets.get(key, ()) if value is not None and one != value)
        facets = {name: values for name, values in self.facets.items() if name != key}
        return replace(self, facets=facets | ({key: kept} if kept else {}))

    def as_query(self, **changes: Any) -> str:
        """The canonical query string, without a question mark: sorted keys, nothing that is as it
        is by itself. `after` and `before` are cursors; other changes are fields of this."""
        cursors = {key: changes.pop(key, "") for key in ("after", "before")}
        state = replace(self, **changes) if changes else self
        found: list[tuple[str, str]] = [("q", state.query)] if state.query else []
        for key in KEYS:
            found += [(key, value) for value in state.facets.get(key, ())]
        for key in RANGES:
            if bounds := _bounds_text(key, getattr(state, key)):
                found.append((key, bounds))
        if state.sort != RELEVANCE:
            found.append(("sort", state.sort))
        found += [(key, str(value)) for key, value in cursors.items() if value]
        return urlencode(found, safe=":,/")


def parse(sent: Sent, *, kind: str = RepositoryType.MODEL, namespace: str = "") -> Wanted:
    """The state that an address says. What nobody can mean is left out and named in `problems`;
    keys that are not ours are passed over."""
    problems: list[str] = []
    query = " ".join(_first(sent, "q").split())
    if len(query) > MAX_QUERY:
        problems.append(_("The search was cut to its first %(n)d characters.") % {"n": MAX_QUERY})
    facets = {key: values for key in KEYS if (values := _values(sent.getlist(key)))}
    sort = _first(sent, "sort") or RELEVANCE
    if sort not in SORTS:
        problems.append(_("There is no such order; choose one of the list."))
        sort = RELEVANCE
    return Wanted(
        kind=kind,
        query=query[:MAX_QUERY].strip(),
        facets=facets,
        parameters=_bounds(sent, "parameters", problems),
        context=_bounds(sent, "context", problems),
        namespace=namespace,
        sort=sort,
        problems=tuple(problems),
    )


def _first(sent: Sent, key: str) -> str:
    values = sent.getlist(key)
    return _clean(values[-1]) if values else ""


def _clean(value: Any) -> str:
    """As the database takes it."""
    text = str(value).replace("\0", "").encode("utf-8", "ignore").decode()
    return text.strip()


def _values(sent: Iterable[Any]) -> tuple[str, ...]:
    cleaned = (_clean(value).lower() for value in sent)
    return tuple(sorted({value for value in cleaned if 0 < len(value) <= MAX_VALUE}))[:MAX_VALUES]


def _bounds(sent: Sent, key: str, problems: list[str]) -> Bounds:
    """`min:6B,max:13B`, or the two halves as fields of a form: `parameters_min=6B`."""
    halves = {side: _first(sent, f"{key}_{side}") for side in ("min", "max")}
    for part in filter(None, _first(sent, key).split(",")):
        side, _colon, value = part.strip().partition(":")
        halves[side.strip().lower()] = value
    found: dict[str, int | None] = {}
    for side, value in halves.items():
        number = _number(value.strip(), _UNITS[key])
        if side not in {"min", "max"} or (value.strip() and number is None):
            problems.append(
                _("“%(value)s” is no size: write 8B or 500M, or 32k for a context.")
                % {"value": (value.strip() or side)[:20]}
            )
        found[side] = number
    low, high = found["min"], found["max"]
    if low is not None and high is not None and low > high:
        low, high = high, low
    return low, high


def _number(text: str, units: Mapping[str, int]) -> int | None:
    written = _NUMBER.fullmatch(text)
    if written is None or written[2].upper() not in units:
        return None
    return min(round(float(written[1]) * units[written[2].upper()]), MAX_NUMBER)


def _bounds_text(key: str, bounds: Bounds) -> str:
    sides = zip(("min", "max"), bounds, strict=True)
    return ",".join(
        f"{side}:{amount(value, _UNITS[key])}" for side, value in sides if value is not None
    )


def amount(value: int, units: Mapping[str, int]) -> str:
    """A number in the largest unit that says it exactly: 8B, 500M, 32K."""
    for unit, size in sorted(units.items(), key=lambda item: -item[1]):
        if value >= size and (value * 1000) % size == 0:
            return f"{value / size:.3f}".rstrip("0").rstrip(".") + unit
    return str(value)
