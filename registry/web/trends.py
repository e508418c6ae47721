"""How often something was downloaded lately: a plot by day, and what it adds up to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet

from registry.catalog import downloads
from registry.catalog.models import Repository
from registry.web import dates

DAYS = 30
WIDTH, HEIGHT = 240, 44
GAP = 1


@dataclass(frozen=True)
class Bar:
    """A day. Coordinates are text, so that no language writes them with a comma."""

    x: str
    y: str
    width: str
    height: str
    said: str


@dataclass(frozen=True)
class Trend:
    """The last days, the oldest first. A day without downloads has no bar."""

    bars: list[Bar]
    days: list[tuple[date, int]]
    total: int
    most: int
    width: int = WIDTH
    height: int = HEIGHT


def of(repository: Repository, *, now: datetime) -> Trend:
    """The downloads of the last days of a repository."""
    return _drawn(downloads.by_day(repository, days=DAYS, now=now))


def of_all(repositories: QuerySet[Repository], *, now: datetime) -> Trend:
    """The same of several together."""
    keys = repositories.values_list("pk", flat=True)
    return _drawn(downloads.by_day_of_all(keys, days=DAYS, now=now))


def of_each(keys: Collection[int], *, now: datetime) -> dict[int, Trend]:
    """Those of each of several, by key."""
    found = downloads.by_day_of_each(keys, days=DAYS, now=now)
    return {key: _drawn(days) for key, days in found.items()}


def _drawn(days: list[tuple[date, int]]) -> Trend:
    most = max((count for _day, count in days), default=0)
    step = WIDTH / len(days)
    bars = [
        _bar(place * step, step - GAP, count / most, f"{dates.said(day, 'j M')} · {count}")
        for place, (day, count) in enumerate(days)
        if count
    ]
    return Trend(bars, days, sum(count for _day, count in days), most)


def _bar(x: float, width: float, share: float, said: str) -> Bar:
    height = max(2.0, share * HEIGHT)
    return Bar(f"{x:.1f}", f"{HEIGHT - height:.1f}", f"{width:.1f}", f"{height:.1f}", said)
