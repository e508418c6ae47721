"""How many there are of what was searched for, and with each value of each facet.

Of one facet several values may be chosen, so the counts of a facet leave its own choice aside. All
are counted in one reading. What everybody may know of is kept for a minute where there is much of
it; what only this caller may know of is added to it, each time anew.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import cast

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from registry.accounts.callers import NOBODY, Caller
from registry.catalog.models import Repository, SearchEntry
from registry.catalog.search_labels import label
from registry.catalog.wanted import FACETS, UNCOUNTED, Wanted

KEPT_SECONDS = 60
# For so long others get what is kept while one of them counts anew
RECOUNT_SECONDS = 30
KEPT_FROM = 5000
MOST_VALUES = 100
_ALL = ""

Counts = dict[str, int]


@dataclass(frozen=True)
class FacetCount:
    """A value of a facet, and how many there would be with it besides what else is chosen."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Counted:
    total: int
    facets: dict[str, list[FacetCount]] = field(default_factory=dict)


def count(
    narrowed: Callable[[Caller], QuerySet[SearchEntry]],
    wanted: Wanted,
    *,
    caller: Caller,
    with_facets: bool,
    is_fuzzy: bool = False,
) -> Counted:
    """Of what a caller may know of, without the choice of facets: that is made here. `is_fuzzy`
    says that similar names are among these."""
    if not with_facets:
        found = narrowed(caller)
        for key, values in wanted.facets.items():
            found = found.filter(facets__overlap=_written(key, values))
        with _by_index(wanted):
            return Counted(found.count())
    with _by_index(wanted):
        counts = _known(narrowed, wanted, caller, _name(wanted, is_fuzzy=is_fuzzy))
    return Counted(counts.get(_ALL, 0), _by_key(counts, wanted))


@contextmanager
def _by_index(wanted: Wanted) -> Iterator[None]:
    """The planner takes looking for words in a text to be as cheap as comparing two numbers, and
    would read the text of every model rather than the index of words."""
    if not wanted.query or connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        yield


def _known(
    narrowed: Callable[[Caller], QuerySet[SearchEntry]], wanted: Wanted, caller: Caller, name: str
) -> Counts:
    if caller.repositories is not None:
        return _read(narrowed(caller), wanted.facets)
    public = _kept(name)
    if public is None:
        counts = _read(narrowed(caller), wanted.facets)
        if counts.get(_ALL, 0) >= KEPT_FROM:
            public = _read(narrowed(NOBODY), wanted.facets) if caller.user else counts
            # How much there is that few may know of must not be told by what is kept for all
            if public.get(_ALL, 0) >= KEPT_FROM:
                cache.set(name, (public, time.time()), KEPT_SECONDS + RECOUNT_SECONDS)
        return counts
    if caller.user is None:
        return public
    beyond = Repository.objects.beyond_public(caller)
    added = _read(narrowed(caller).filter(repository__in=beyond), wanted.facets)
    return {value: public.get(value, 0) + added.get(value, 0) for value in {*public, *added}}


def _kept(name: str) -> Counts | None:
    """What was counted within a minute, or a little before, while somebody else counts anew. None
    for the one who is to count."""
    found = cache.get(name)
    if found is None:
        return None
    counts, at = found
    if time.time() - at < KEPT_SECONDS:
        return cast(Counts, counts)
    return None if cache.add(f"{name}:anew", True, RECOUNT_SECONDS) else cast(Counts, counts)


def _read(found: QuerySet[SearchEntry], chosen: Mapping[str, tuple[str, ...]]) -> Counts:
    """The number for each value, and under no name the number of all. An entry that answers every
    choice counts everywhere; one that answers all but one, for the facet of that one alone."""
    keys = list(chosen)
    answers = {key: Q(facets__overlap=_written(key, chosen[key])) for key in keys}
    if len(keys) > 1:
        each_but = [[answers[other] for other in keys if other != key] for key in keys]
        found = found.filter(reduce(or_, (reduce(and_, others) for others in each_but)))
    tests = ["(facets && %s::varchar[])"] * len(keys)
    missed = " || ".join(f"CASE WHEN {one} THEN '' ELSE %s END" for one in tests) or "''"
    params = [param for key in keys for param in (_written(key, chosen[key]), f"{key}:")]
    narrowed = found.annotate(held=F("facets")).values("held").query
    try:
        sql, given = narrowed.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return {}
    # Rows are many times as many as models: none is judged where nothing is chosen
    judged = "WHERE starts_with(value, missed)" if keys else ""
    # Unfolded in the list of what is selected, which needs no room beside each row;
    # and what is not counted is left out last, for which the offset is there
    statement = f"""
        SELECT value, number
        FROM (
            SELECT value, count(*) AS number
            FROM (
                SELECT unnest(facets || ''::varchar) AS value, {missed} AS missed
                FROM ({sql}) AS narrowed(facets)
            ) AS unfolded
            {judged}
            GROUP BY value
            OFFSET 0
        ) AS counted
        WHERE {" AND ".join(["NOT starts_with(value, %s)"] * len(UNCOUNTED))}
    """  # noqa: S608 - of constants, and what the ORM made with its parameters
    left_out = [f"{key}:" for key in UNCOUNTED]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*params, *given, *left_out])
        return dict(cursor.fetchall())


def _by_key(counts: Counts, wanted: Wanted) -> dict[str, list[FacetCount]]:
    found: dict[str, list[FacetCount]] = {key: [] for key in FACETS}
    known = {_written(key, [value])[0] for key, values in wanted.facets.items() for value in values}
    for written in {*counts, *known}:
        key, _colon, value = written.partition(":")
        if key in found:
            is_chosen = wanted.has(key, value)
            amount = counts.get(written, 0)
            found[key].append(FacetCount(value, label(key, value), amount, is_chosen))
    for key, values in found.items():
        values.sort(key=lambda one: (-one.count, one.value))
        found[key] = [
            one for place, one in enumerate(values) if place < MOST_VALUES or one.is_chosen
        ]
    return {key: values for key, values in found.items() if values}


def _written(key: str, values: Iterable[str]) -> list[str]:
    return [f"{key}:{value}" for value in values]


def _name(wanted: Wanted, *, is_fuzzy: bool) -> str:
    """What the counts of a search are kept under: the order changes nothing in them. Whether names
    are looked for that are merely similar is another thing for another caller."""
    query = wanted.as_query(sort="relevance")
    said = [wanted.kind, wanted.namespace.lower(), query, is_fuzzy]
    return "catalog-counts:" + hashlib.sha256(json.dumps(said).encode()).hexdigest()
