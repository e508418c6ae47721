"""The orders of a list, and its pages: each begins where the one before ended, whatever came or
went meanwhile."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.postgres.search import SearchRank
from django.db.models import (
    BigIntegerField,
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

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.catalog.models import Repository, SearchEntry, shows_quarantine_to
from registry.catalog.search_words import Question
from registry.catalog.wanted import RELEVANCE, Wanted

EXACT, OFFICIAL = 4 * 10**12, 10**12
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = ("trending", "downloads", "likes", "parameters", "size", RELEVANCE)


@dataclass(frozen=True)
class Order:
    """What a list is sorted by: the largest first, but for names."""

    name: str
    key: Expression | F

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
        return Order(RELEVANCE, _relevance(wanted.query, question))
    name = "updated" if wanted.sort == RELEVANCE else wanted.sort
    keys: dict[str, Expression | F] = {
        "released": Coalesce(F("released_at"), Value(_NEVER)),
        "trending": F("repository__trending"),
        "downloads": F("repository__downloads"),
        "likes": F("repository__likes"),
        "name": F("name"),
        "parameters": Coalesce(F("parameters"), Value(0)),
        "size": Coalesce(F("revision__total_size"), Value(0)),
    }
    return Order(name, keys[name] if name in keys else _moved_at(caller))


def page(found: QuerySet[SearchEntry], order: Order, *, after: str, before: str, size: int) -> Page:
    """One more row than fits is asked for: it says whether there is another page."""
    whole = found = found.annotate(sort_key=order.key)
    backwards = _read(before, order) if before and not after else None
    start = backwards or _read(after, order)
    is_rising = order.is_rising is not (backwards is not None)
    if start is not None:
        found = found.filter(_beyond(start, is_rising=is_rising))
    sign = "" if is_rising else "-"
    rows = list(found.order_by(f"{sign}sort_key", f"{sign}pk")[: size + 1])
    has_more, rows = len(rows) > size, rows[:size]
    if backwards is not None:
        if not rows:
            return page(whole, order, after="", before="", size=size)
        rows.reverse()
        return Page(rows, cursor(rows[-1], order), cursor(rows[0], order) if has_more else "")
    return Page(
        rows,
        cursor(rows[-1], order) if has_more else "",
        cursor(rows[0], order) if rows and start is not None else "",
    )


def _beyond(start: tuple[Any, int], *, is_rising: bool) -> Q:
    key, last = start
    side = "gt" if is_rising else "lt"
    # The first condition says nothing new, but an index understands it
    return Q(**{f"sort_key__{side}e": key}) & (
        Q(**{f"sort_key__{side}": key}) | Q(sort_key=key, **{f"pk__{side}": last})
    )


def _moved_at(caller: Caller) -> Expression | F:
    """When something last happened that this caller may know of: a release, or for those who see
    quarantine, and in plain hubs, a commit. Otherwise the order of the list would tell of hidden
    uploads."""
    seen = plain_hub.where()
    if caller.user is None:
        # What nobody in particular sees was released, or is in a plain hub
        return Coalesce(F("released_at"), Value(_NEVER))
    insiders = Repository.objects.filter(shows_quarantine_to(caller) | seen)
    return Case(
        When(repository__in=insiders, then=F("repository__updated_at")),
        default=Coalesce(F("released_at"), F("repository__created_at")),
    )


def _relevance(typed: str, question: Question) -> Expression:
    """Who is called so, then who is official, then how well the words fit, times how much it is
    used. One whole number, so that a cursor says it exactly."""
    asked = typed.strip().lower()
    names = {asked, "-".join(asked.split())}
    exact = Q(name__in=names)
    for name in names:
        exact |= Q(name__endswith=f"/{name}")
    used = Ln(F("repository__downloads") + F("repository__likes") * 5 + Value(1)) + Value(1)
    fits = SearchRank(F("words"), question.query) + _likeness(question)
    score = Func(fits * used * Value(10**6), function="floor", output_field=FloatField())
    return (
        Case(When(exact, then=Value(EXACT)), default=Value(0), output_field=BigIntegerField())
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


def _read(sent: str, order: Order) -> tuple[Any, int] | None:
    """Where a cursor points to, or None where it is none of this order's."""
    try:
        name, key, last = json.loads(base64.b64decode(sent, altchars=b"-_", validate=True))
        if name != order.name or type(last) is not int or not 0 <= last < 2**63:
            return None
        if name in _WHOLE:
            return (key, last) if type(key) is int and abs(key) < 2**63 else None
        if not isinstance(key, str) or "\0" in key:
            return None
        key.encode()  # half of a pair is in no text of the database
        return (key if name == "name" else _instant(key)), last
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        return None


def _instant(said: str) -> datetime:
    at = datetime.fromisoformat(said)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)
