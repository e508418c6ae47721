"""The orders of a list, and its pages: each begins where the one before ended, whatever came or
went meanwhile."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.search import SearchRank
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Expression,
    F,
    FloatField,
    Func,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Ln
from django.db.models.lookups import GreaterThan, In, LessThan

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.catalog.models import NEVER, SearchEntry, keys_of_namespaces, own_name
from registry.catalog.models import size as bytes_of
from registry.catalog.search_words import Question
from registry.catalog.wanted import RELEVANCE, Wanted

EXACT, OFFICIAL = 4 * 10**12, 10**12
# Where more than this bear the words, only the most used of them are ranked by how well they fit
MANY = 10_000
BEST = 400
# Above how often anything is used
_RANKED = 10**15
_BY_USE = "use"
_WHOLE = ("trending", "downloads", "likes", "parameters", "size", RELEVANCE, _BY_USE)


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: the largest first, but for names. `parts` are conditions that share
    the list out among them, each with what its rows are sorted by. What bears the name `named` is
    first of all."""

    name: str
    parts: tuple[tuple[Q | None, Expression | F], ...]
    named: Q | None = None

    @property
    def is_rising(self) -> bool:
        return self.name == "name"


@dataclass(frozen=True)
class Page:
    entries: Sequence[SearchEntry]
    next: str
    previous: str


def of(wanted: Wanted, question: Question | None, *, caller: Caller) -> Order:
    """The order that was asked for. Where there are no words, the relevant is the recent."""
    if wanted.sort == RELEVANCE and question is not None:
        named = _named(wanted.query)
        return Order(RELEVANCE, ((None, _relevance(named, question)),), named)
    name = "updated" if wanted.sort == RELEVANCE else wanted.sort
    if name == "updated":
        return Order(name, _moved_at(caller))
    keys: dict[str, Expression | F] = {
        "released": Coalesce(F("released_at"), Value(NEVER)),
        "trending": F("repository__trending"),
        "downloads": F("repository__downloads"),
        "likes": F("repository__likes"),
        "name": F("name"),
        "parameters": Coalesce(F("parameters"), Value(0)),
        "size": bytes_of(),
    }
    return Order(name, ((None, keys[name]),))


def page(
    found: QuerySet[SearchEntry],
    order: Order,
    *,
    after: str,
    before: str,
    size: int,
    total: int = 0,
) -> Page:
    """One more row than fits is asked for: it says whether there is another page. `total` is about
    how many were found. Who goes on from a page stays in its order, whatever the total is by now.
    """
    sent = before if before and not after else after
    if order.named is not None and (
        _name(sent) == _BY_USE or total > MANY and not _read(sent, order)
    ):
        order = _by_use(found, order)
    start = _read(sent, order)
    backwards = start if sent == before else None
    is_rising = order.is_rising is not (backwards is not None)
    rows = _rows(found, order, start, is_rising=is_rising, size=size + 1)
    has_more, rows = len(rows) > size, rows[:size]
    if backwards is not None:
        if not rows:
            return page(found, order, after="", before="", size=size)
        rows.reverse()
        return Page(rows, cursor(rows[-1], order), cursor(rows[0], order) if has_more else "")
    return Page(
        rows,
        cursor(rows[-1], order) if has_more else "",
        cursor(rows[0], order) if rows and start is not None else "",
    )


def _rows(
    found: QuerySet[SearchEntry],
    order: Order,
    start: tuple[Any, int] | None,
    *,
    is_rising: bool,
    size: int,
) -> list[SearchEntry]:
    """So many from a place on. Each part is asked for on its own, as its order has an index."""
    rows: list[SearchEntry] = []
    sign = "" if is_rising else "-"
    for only, key in order.parts:
        part = found if only is None else found.filter(only)
        part = part.annotate(sort_key=key)
        if start is not None:
            part = part.filter(_beyond(key, start, is_rising=is_rising))
        rows += part.order_by(f"{sign}sort_key", f"{sign}pk")[:size]
    if len(order.parts) > 1:
        rows.sort(key=_place, reverse=not is_rising)
    return rows[:size]


def _place(row: SearchEntry) -> tuple[Any, int]:
    return row.sort_key, row.pk  # type: ignore[attr-defined]


def _by_use(found: QuerySet[SearchEntry], order: Order) -> Order:
    """The order of words that very many bear: those called so, the official and the most used, as
    they are ranked, and then the others by how often they are used."""
    bearing = found.order_by().annotate(used=_used())
    keys = bearing.values_list("pk", "used")
    named = dict(keys.filter(order.named).union(keys.filter(is_official=True)))
    most = list(keys.order_by("-used", "-repository")[:BEST])
    ranked = order.parts[0][1] + Value(_RANKED)
    parts: tuple[tuple[Q | None, Expression | F], ...] = (
        (Q(pk__in=[*named, *(pk for pk, _ in most)]), ranked),
    )
    if len(most) == BEST:
        pk, used = most[-1]
        less = Q(_beyond(_used(), (used, pk), is_rising=False)) & ~Q(pk__in=list(named))
        parts += ((less, _used()),)
    return Order(_BY_USE, parts)


def _beyond(key: Expression | F, start: tuple[Any, int], *, is_rising: bool) -> Expression:
    """As one comparison of rows, which an index answers from its middle."""
    here = Func(key, F("pk"), function="ROW", output_field=BooleanField())
    there = Func(Value(start[0]), Value(start[1]), function="ROW", output_field=BooleanField())
    return (GreaterThan if is_rising else LessThan)(here, there)


def _moved_at(caller: Caller) -> tuple[tuple[Q | None, Expression | F], ...]:
    """When something last happened that this caller may know of: a release, or for those who see
    quarantine, and in plain hubs, a commit. Otherwise the order of the list would tell of hidden
    uploads."""
    released = Coalesce(F("released_at"), Value(NEVER))
    touched = F("repository__updated_at")
    if caller.user is None:
        # What nobody in particular sees was released, or is in a plain hub
        return ((None, released),)
    if caller.is_maintainer:
        return ((None, touched),)
    own = Q(repository__namespace__in=keys_of_namespaces(caller, Permission.WRITE))
    if not settings.ALLOW_PLAIN_HUB:
        return (own, touched), (~own, released)
    hub = plain_hub.where("repository__namespace")
    return (own, touched), (~own & hub, touched), (~own & ~hub, released)


def _named(typed: str) -> Q:
    """That an entry is called just so."""
    asked = typed.strip().lower()
    names = {asked, "-".join(asked.split())}
    return Q(name__in=names) | Q(In(own_name(), sorted(names)))


def _used() -> Expression:
    return F("repository__downloads") + F("repository__likes") * Value(5)


def _relevance(named: Q, question: Question) -> Expression:
    """Who is called so, then who is official, then how well the words fit, times how much it is
    used. One whole number, so that a cursor says it exactly."""
    used = Ln(_used() + Value(1)) + Value(1)
    fits = SearchRank(F("words"), question.query) + _likeness(question)
    score = Func(fits * used * Value(10**6), function="floor", output_field=FloatField())
    return (
        Case(When(named, then=Value(EXACT)), default=Value(0), output_field=BigIntegerField())
        + Case(When(is_official=True, then=Value(OFFICIAL)), default=Value(0))
        + Cast(score, BigIntegerField())
    )


def _likeness(question: Question) -> Expression:
    return Func(
        Value(" ".join(question.words), output_field=TextField()),
        F("name"),
        function="word_similarity",
        output_field=FloatField(),
    )


def cursor(entry: SearchEntry, order: Order) -> str:
    """What says where an entry stands in this order. It has the key as `sort_key`."""
    key = entry.sort_key  # type: ignore[attr-defined]
    said = key.isoformat() if isinstance(key, datetime) else key
    return base64.urlsafe_b64encode(json.dumps([order.name, said, entry.pk]).encode()).decode()


def _name(sent: str) -> str:
    """Of which order a cursor says that it is."""
    try:
        found = _parsed(sent)[0]
    except (ValueError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _parsed(sent: str) -> tuple[Any, Any, Any]:
    name, key, last = json.loads(base64.b64decode(sent, altchars=b"-_", validate=True))
    return name, key, last


def _read(sent: str, order: Order) -> tuple[Any, int] | None:
    """Where a cursor points to, or None where it is none of this order's."""
    try:
        name, key, last = _parsed(sent)
        if name != order.name or type(last) is not int or not 0 <= last < 2**63:
            return None
        if name in _WHOLE:
            return (key, last) if type(key) is int and abs(key) < 2**63 else None
        if not isinstance(key, str) or "\0" in key:
            return None
        key.encode()  # half of a pair is in no text of the database
        return (key if name == "name" else _instant(key)), last
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def _instant(said: str) -> datetime:
    at = datetime.fromisoformat(said)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)
