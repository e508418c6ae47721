"""How often something was downloaded lately: a plot by day, and what it adds up to."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils.formats import date_format

from registry.catalog.models import DailyDownloads, Repository

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


def of(repositories: QuerySet[Repository] | Repository, *, now: datetime) -> Trend:
    """The downloads of the last days of a repository, or of several together."""
    last = now.date()
    first = last - timedelta(days=DAYS - 1)
    rows = DailyDownloads.objects.filter(day__gte=first, day__lte=last)
    if isinstance(repositories, Repository):
        rows = rows.filter(repository=repositories)
    else:
        rows = rows.filter(repository__in=repositories)
    counted = dict(rows.order_by("day").values_list("day").annotate(n=Sum("count")))
    days = [(first + timedelta(days=one)) for one in range(DAYS)]
    return _drawn([(day, counted.get(day, 0)) for day in days])


def _drawn(days: list[tuple[date, int]]) -> Trend:
    most = max((count for _day, count in days), default=0)
    step = WIDTH / len(days)
    bars = [
        _bar(place * step, step - GAP, count / most, f"{date_format(day, 'j M')}: {count}")
        for place, (day, count) in enumerate(days)
        if count
    ]
    return Trend(bars, days, sum(count for _day, count in days), most)


def _bar(x: float, width: float, share: float, said: str) -> Bar:
    height = max(2.0, share * HEIGHT)
    return Bar(f"{x:.1f}", f"{HEIGHT - height:.1f}", f"{width:.1f}", f"{height:.1f}", said)
