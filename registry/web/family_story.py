"""The Llama family as pages tell it: generations on a line of time, variants, and what came of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from registry.accounts.callers import Caller
from registry.agreements import duty_table
from registry.agreements.models import Document
from registry.catalog import cards, search_labels, tallies
from registry.catalog import facts as published
from registry.catalog.models import Family, Repository, Variant
from registry.web import models_named

WIDTH, HEIGHT = 960, 210
LEFT, RIGHT, FOOT = 30, 70, 180
LEVELS = (40, 75, 110, 145)
LABEL = 105  # what a name takes on the line of time
SIDE = ("llama-guard", "prompt-guard")

LICENSE_CHECKS: dict[str, tuple[str, Any]] = {
    "match": ("passed", _("names the license of its base")),
    "match_plus_other": ("passed", _("names the license of its base, and another")),
    "differs": ("warned", _("names another license only; the terms of the base still apply")),
    "inherits": ("passed", _("points to its base without a license of its own")),
    "unknown": ("unclear", _("no license is known")),
}
LICENSE_WORDS: dict[str, Any] = {"inherited": _("that of its base"), "unknown": _("not known")}
PREFIX_CHECKS: dict[str, Any] = {
    "begins": _("its name begins as the license asks"),
    "does_not_begin": _("its name does not begin as the license asks"),
    "not_required": "",
}
CONFLICTS_OF_NOBODY = "military-clause"


@dataclass(frozen=True)
class Mark:
    """A generation on the line of time. Coordinates are text, so that no language writes commas."""

    family: Family
    x: str
    y: str
    text_y: str
    is_side: bool


@dataclass(frozen=True)
class Timeline:
    marks: list[Mark]
    years: list[tuple[str, str]]
    width: int = WIDTH
    height: int = HEIGHT
    foot: int = FOOT
    left: int = LEFT
    right: int = WIDTH - LEFT


@dataclass(frozen=True)
class VariantRow:
    """A published model: where it is here, and how many here are made from it."""

    variant: Variant
    repository: Repository | None
    derived: int

    @property
    def facts(self) -> dict[str, Any]:
        return dict(self.variant.facts)

    @property
    def sizes(self) -> dict[str, Any]:
        return dict(self.variant.facts.get("parameters") or {})


@dataclass(frozen=True)
class Generation:
    """A family with its variants and the license that it is under."""

    family: Family
    rows: list[VariantRow]
    license: Document | None

    @property
    def hosted(self) -> int:
        return sum(row.repository is not None for row in self.rows)

    @property
    def derived(self) -> int:
        return sum(row.derived for row in self.rows)

    @property
    def labels(self) -> list[str]:
        """The sizes, each once, in their order."""
        return list(dict.fromkeys(str(row.sizes.get("label") or "") for row in self.rows))

    @property
    def contexts(self) -> list[int]:
        """The shortest and the longest context; one number where they are the same."""
        found = {int(row.facts.get("context_length") or 0) for row in self.rows} - {0}
        return sorted({min(found), max(found)}) if found else []


def generations(families: Iterable[Family], *, caller: Caller) -> list[Generation]:
    """Each with its variants. A number of queries that does not grow with them."""
    found = list(families)
    variants = Variant.objects.filter(family__in=found).select_related("family")
    rows: dict[int, list[VariantRow]] = {one.pk: [] for one in found}
    for row in rows_of(list(variants), caller=caller):
        rows[row.variant.family_id].append(row)
    licenses = duty_table.by_fact(one.license for one in found)
    return [Generation(one, rows[one.pk], licenses.get(one.license)) for one in found]


def rows_of(variants: Sequence[Variant], *, caller: Caller) -> list[VariantRow]:
    names = {one.pk: models_named.names_of(one) for one in variants}
    every = [name for found in names.values() for name in found]
    here = models_named.hosted(every, caller=caller)
    derived = tallies.of(caller, "base", every)
    rows = []
    for one in variants:
        own = [here[name.lower()] for name in names[one.pk] if name.lower() in here]
        made = sum(derived.get(name, 0) for name in names[one.pk])
        rows.append(VariantRow(one, own[0] if own else None, made))
    return rows


def timeline(families: Iterable[Family]) -> Timeline:
    """The generations from the first to the last, each as high as leaves room for its name."""
    dated = [(one, day) for one in families if (day := parse_date(one.released_on))]
    if not dated:
        return Timeline([], [])
    first = date(min(day.year for _family, day in dated), 1, 1)
    last = date(max(day.year for _family, day in dated) + 1, 1, 1)
    taken = dict.fromkeys(LEVELS, float("-inf"))
    marks = []
    for family, day in sorted(dated, key=lambda one: one[1]):
        x = _x(day, first, last)
        level = next(
            (y for y in LEVELS if taken[y] + LABEL <= x), max(LEVELS, key=lambda y: -taken[y])
        )
        taken[level] = x
        side = family.slug in SIDE
        marks.append(Mark(family, f"{x:.1f}", f"{level}", f"{level - 9}", side))
    years = [
        (f"{_x(date(year, 1, 1), first, last):.1f}", str(year))
        for year in range(first.year, last.year)
    ]
    return Timeline(marks, years)


def _x(day: date, first: date, last: date) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / (last - first).days


def community_of(roots: Iterable[Variant], *, caller: Caller) -> list[dict[str, Any]]:
    """Well-known models made from these, with what a look at their license gave. Not a ranking."""
    wanted = {str(one.facts.get("id") or one.slug) for one in roots}
    found = [
        one
        for one in published.read()["community"]
        if wanted & {*(one.get("root_variant") or []), *(one.get("base_model") or [])}
    ]
    here = models_named.hosted([one["hub_repo_id"] for one in found], caller=caller)
    return [
        {
            **one,
            "verdict": _verdict(one),
            "licenses": [LICENSE_WORDS.get(name, name) for name in cards.as_list(one["license"])],
            "how": search_labels.label("relation", one["relation"]),
            "says": LICENSE_CHECKS.get(one["license_check"], LICENSE_CHECKS["unknown"])[1],
            "says_of_name": PREFIX_CHECKS.get(one["name_prefix_check"], ""),
            "repository": here.get(one["hub_repo_id"].lower()),
        }
        for one in found
    ]


def _verdict(one: dict[str, Any]) -> str:
    """A license that is named rightly does not make up for a name that begins otherwise."""
    if one["name_prefix_check"] == "does_not_begin":
        return "warned"
    return LICENSE_CHECKS.get(one["license_check"], LICENSE_CHECKS["unknown"])[0]


def conflicts_of(names: Sequence[str]) -> list[dict[str, Any]]:
    """Where sources disagree about something of this name. No longer name may be meant."""
    patterns = [re.compile(rf"\b{re.escape(name)}(?![.\d]*\d)\b", re.IGNORECASE) for name in names]
    return [
        one
        for one in published.read()["known_conflicts"]
        if any(pattern.search(str(one["subject"])) for pattern in patterns)
    ]


def conflicts_of_all() -> list[dict[str, Any]]:
    """Those about the whole family."""
    return [one for one in published.read()["known_conflicts"] if one["id"] == CONFLICTS_OF_NOBODY]


def comparisons_of(variant: Variant) -> list[dict[str, Any]]:
    """Tables in which the publisher, or others, set this model beside others."""
    own = str(variant.facts.get("id") or variant.slug)
    return [
        {**one, "table": [(row, list(row["scores"])) for row in one["rows"]]}
        for one in published.read()["comparisons"]
        if own in one["llama_variants"]
    ]


def import_lines(variant: Variant, *, site: str, namespace: str) -> list[str]:
    """How to bring a published model in by hand: from its hub to this site."""
    name = variant.hub_repo_id.rpartition("/")[2]
    return [
        f"hf download {variant.hub_repo_id} --local-dir {name}",
        f"HF_ENDPOINT={site} hf upload {namespace}/{name} {name}",
    ]
