"""How often a repository was downloaded, in all and on each day, counted from the access log."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Max, Sum
from django.utils import timezone

from registry.catalog.models import DailyDownloads, Repository

RECOUNT = """
UPDATE catalog_repository AS repository
SET downloads = counted.downloads
FROM (
    SELECT repository, count(DISTINCT (actor, revision, at::date)) AS downloads
    FROM audit_access
    WHERE reason <> 'own' AND reason <> 'open-file'
    GROUP BY repository
) AS counted
WHERE repository.public_id = counted.repository AND repository.downloads <> counted.downloads
"""

# Whether something is asked for lately: downloads and likes of the last days
TREND = """
UPDATE catalog_repository AS repository
SET trending = coalesce(lately.downloads, 0) + coalesce(liked.likes, 0)
FROM catalog_repository AS each
LEFT JOIN (
    SELECT repository, count(DISTINCT (actor, revision, at::date)) AS downloads
    FROM audit_access
    WHERE at > now() - make_interval(days => %(days)s)
        AND reason <> 'own' AND reason <> 'open-file'
    GROUP BY repository
) AS lately ON lately.repository = each.public_id
LEFT JOIN (
    SELECT repository_id, count(*) AS likes
    FROM catalog_like
    WHERE at > now() - make_interval(days => %(days)s)
    GROUP BY repository_id
) AS liked ON liked.repository_id = each.id
WHERE repository.id = each.id
    AND repository.trending <> coalesce(lately.downloads, 0) + coalesce(liked.likes, 0)
"""
TREND_DAYS = 7

BY_DAY = """
INSERT INTO catalog_dailydownloads (repository_id, day, count)
SELECT repository.id, counted.day, counted.downloads
FROM (
    SELECT repository, at::date AS day, count(DISTINCT (actor, revision)) AS downloads
    FROM audit_access
    WHERE at >= %(since)s AND reason <> 'own' AND reason <> 'open-file'
    GROUP BY repository, at::date
) AS counted
JOIN catalog_repository AS repository ON repository.public_id = counted.repository
ON CONFLICT (repository_id, day) DO UPDATE SET count = EXCLUDED.count
WHERE catalog_dailydownloads.count <> EXCLUDED.count
"""
# Rows of the log come late where links live long
LATE_DAYS = 2
FIRST_DAY = date(2000, 1, 1)
_COUNTED = ("repository_id", "day", "count")


def recount() -> int:
    """Count again: one person, one revision, one day is one download, however many files and
    ranges it took; authors reading their own work back and license texts do not count. Returns how
    many repositories changed."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
        changed = int(cursor.rowcount)
        cursor.execute(TREND, {"days": TREND_DAYS})
        last = DailyDownloads.objects.aggregate(last=Max("day"))["last"]
        since = last - timedelta(days=LATE_DAYS) if last else FIRST_DAY
        cursor.execute(BY_DAY, {"since": since})
        return changed


def by_day(
    repository: Repository, *, days: int = 90, now: datetime | None = None
) -> list[tuple[date, int]]:
    """The downloads on each of the last days (UTC), today last, those without any included."""
    return by_day_of_all([repository.pk], days=days, now=now)


def by_day_of_each(
    keys: Collection[int], *, days: int = 90, now: datetime | None = None
) -> dict[int, list[tuple[date, int]]]:
    """As `by_day`, of each of these repositories, by key. One query."""
    every = _last_days(days, now)
    rows = DailyDownloads.objects.filter(repository__in=keys, day__gte=every[0], day__lte=every[-1])
    counted = {(key, day): count for key, day, count in rows.values_list(*_COUNTED)}
    return {key: [(day, counted.get((key, day), 0)) for day in every] for key in keys}


def by_day_of_all(
    keys: Iterable[int], *, days: int = 90, now: datetime | None = None
) -> list[tuple[date, int]]:
    """As `by_day`, of all these repositories together, by key."""
    every = _last_days(days, now)
    rows = DailyDownloads.objects.filter(repository__in=keys, day__gte=every[0], day__lte=every[-1])
    counted = dict(rows.values_list("day").annotate(total=Sum("count")).order_by("day"))
    return [(day, counted.get(day, 0)) for day in every]


def _last_days(days: int, now: datetime | None) -> list[date]:
    today = (now or timezone.now()).date()
    return [today - timedelta(days=one) for one in range(days - 1, -1, -1)]
