"""What the page of a list says around its rows: facets, choices, orders and pages, as addresses."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from django.utils.translation import gettext_lazy as _

from registry.catalog.search import FACETS, SORTS, FacetCount, Found, Wanted
from registry.catalog.search_labels import KEYS
from registry.web.picks import Picks

# Those that most people choose by; the others are folded until something of them is chosen
OPEN = frozenset(["family", "task", "license", "access", "verdict"])
SHOWN = 6
GENERATIONS = 8
RELEVANCE = "relevance"
NONE = Picks()
ORDERS: dict[str, Any] = {
    RELEVANCE: _("Best match"),
    "trending": _("Trending"),
    "downloads": _("Most downloads"),
    "likes": _("Most likes"),
    "released": _("Latest release"),
    "updated": _("Latest change"),
    "name": _("Name"),
    "parameters": _("Parameters"),
    "size": _("Size of the files"),
}
SIZES = ("500M", "1B", "3B", "8B", "14B", "35B", "70B", "120B", "400B")
CONTEXTS = ("4K", "8K", "32K", "128K", "1M", "10M")


@dataclass(frozen=True)
class Choice:
    """A value that a click adds to the list, or takes away from it."""

    label: str
    value: str
    count: int
    is_chosen: bool
    address: str


@dataclass(frozen=True)
class Group:
    """One facet. `rest` is what stands under "more"; of a chosen value nobody has to look there."""

    key: str
    label: str
    shown: list[Choice]
    rest: list[Choice]

    @property
    def is_open(self) -> bool:
        return self.key in OPEN or any(one.is_chosen for one in self.shown)


@dataclass(frozen=True)
class Range:
    """Two ends to choose from. The fields are those of a form."""

    key: str
    label: str
    options: list[tuple[str, str]]
    low: str
    high: str
    hidden: list[tuple[str, str]]

    @property
    def is_chosen(self) -> bool:
        return bool(self.low or self.high)


@dataclass(frozen=True)
class Chip:
    """Something chosen, and the address without it."""

    group: str
    label: str
    address: str


@dataclass(frozen=True)
class Picked:
    """A model picked to be compared, and the address of the list without it."""

    name: str
    address: str


def context(wanted: Wanted, found: Found, *, path: str, picks: Picks = NONE) -> dict[str, Any]:
    """What the template takes, beside the rows. Every address of the list keeps what is picked."""
    export = _address(path, "&".join(filter(None, [wanted.as_query(), "export=csv"])))
    plain, path = path, _address(path, picks.query)
    chips = _chips(wanted, found, path)
    return {
        "wanted": wanted,
        "found": found,
        "total": found.total,
        "is_filtered": wanted.is_filtered,
        "groups": groups(wanted, found, path),
        "ranges": [range_of(wanted, "parameters"), range_of(wanted, "context")],
        "chips": chips,
        "chosen": len(chips) - bool(wanted.query),
        "orders": _orders(wanted, path),
        "order": ORDERS[_sort_of(wanted)],
        "generations": _generations(wanted, found, path),
        "hidden": pairs(wanted.without("query")) + picks.pairs,
        "here": _address(path, wanted.as_query()),
        "everything": path,
        "export": export,
        "feed_query": replace(wanted, sort=RELEVANCE).as_query(),
        "older": _address(path, wanted.as_query(after=found.next)) if found.next else "",
        "newer": _newer(wanted, found, path),
        "picks": picks,
        "picked": [
            Picked(one, _address(_address(plain, picks.without(one).query), wanted.as_query()))
            for one in picks.names
        ],
        "state": pairs(wanted),
    }


def groups(wanted: Wanted, found: Found, path: str) -> list[Group]:
    """The facets that have something to choose, with the values most have first."""
    made = []
    for key in FACETS:
        counts = found.facets.get(key, [])
        if len(counts) < 2 and not any(one.is_chosen for one in counts):
            continue
        choices = [_choice(wanted, key, one, path) for one in counts]
        first = [one for place, one in enumerate(choices) if place < SHOWN or one.is_chosen]
        rest = [one for one in choices if one not in first]
        made.append(Group(key, str(KEYS[key]), first, rest))
    return made


def range_of(wanted: Wanted, key: str) -> Range:
    low, high = _ends(wanted, key)
    values = list(SIZES if key == "parameters" else CONTEXTS)
    values += [one for one in (low, high) if one and one not in values]
    unit = "\N{NO-BREAK SPACE}"
    options = [(one, f"{one[:-1]}{unit}{one[-1]}" if one[-1].isalpha() else one) for one in values]
    return Range(key, str(KEYS[key]), options, low, high, pairs(wanted.without(key)))


def pairs(wanted: Wanted) -> list[tuple[str, str]]:
    """A state as the hidden fields of a form."""
    return parse_qsl(wanted.as_query())


def _ends(wanted: Wanted, key: str) -> tuple[str, str]:
    """As the address writes them: `8B`."""
    said = dict(pairs(wanted)).get(key, "")
    ends = dict(part.split(":", 1) for part in said.split(",") if ":" in part)
    return ends.get("min", ""), ends.get("max", "")


def _choice(wanted: Wanted, key: str, count: FacetCount, path: str) -> Choice:
    other = wanted.without(key, count.value) if count.is_chosen else wanted.adding(key, count.value)
    address = _address(path, other.as_query())
    return Choice(str(count.label), count.value, count.count, count.is_chosen, address)


def _chips(wanted: Wanted, found: Found, path: str) -> list[Chip]:
    chips = []
    if wanted.query:
        gone = wanted.without("query")
        chips.append(Chip(str(_("Words")), wanted.query, _address(path, gone.as_query())))
    for key, values in wanted.facets.items():
        labels = {one.value: str(one.label) for one in found.facets.get(key, [])}
        for value in values:
            without = _address(path, wanted.without(key, value).as_query())
            chips.append(Chip(str(KEYS[key]), labels.get(value, value), without))
    for key in ("parameters", "context"):
        words = _range_words(*_ends(wanted, key))
        if words:
            label = range_of(wanted, key).label
            chips.append(Chip(label, words, _address(path, wanted.without(key).as_query())))
    return chips


def _range_words(low: str, high: str) -> str:
    if low and high:
        return f"{low} – {high}"
    if low:
        return f"≥ {low}"
    return f"≤ {high}" if high else ""


def _orders(wanted: Wanted, path: str) -> list[dict[str, Any]]:
    """Without words nothing fits better than something else."""
    chosen = _sort_of(wanted)
    return [
        {
            "label": ORDERS[sort],
            "address": _address(path, wanted.as_query(sort=sort)),
            "is_chosen": sort == chosen,
        }
        for sort in SORTS
        if wanted.query or sort != RELEVANCE
    ]


def _sort_of(wanted: Wanted) -> str:
    """The order that a visitor sees: without words, what fits best is the latest change."""
    return "updated" if wanted.sort == RELEVANCE and not wanted.query else wanted.sort


def _generations(wanted: Wanted, found: Found, path: str) -> list[Choice]:
    """Ways into a list of which nothing is chosen yet."""
    if wanted.is_filtered:
        return []
    return [_choice(wanted, "generation", one, path) for one in found.facets.get("generation", [])][
        :GENERATIONS
    ]


def _newer(wanted: Wanted, found: Found, path: str) -> str:
    if not found.previous:
        return ""
    return _address(path, wanted.as_query(before=found.previous))


def _address(path: str, query: str) -> str:
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def labels_of(wanted: Wanted) -> Iterable[str]:
    """The choices in a few words, as a saved search or a feed is called by."""
    if wanted.query:
        yield wanted.query
    for values in wanted.facets.values():
        yield from values
    for key in ("parameters", "context"):
        if words := _range_words(*_ends(wanted, key)):
            yield f"{range_of(wanted, key).label.lower()} {words}"
