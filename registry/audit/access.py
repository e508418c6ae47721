"""The access log: one row for each download that the gate allowed, in monthly partitions."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from registry import prepared
from registry.audit.models import Access

MONTHS_AHEAD = 2
_FIELDS = [field for field in Access._meta.concrete_fields if not field.primary_key]
_NOTE = "INSERT INTO {} ({}) VALUES ({})".format(  # noqa: S608 - names of our own
    Access._meta.db_table,
    ", ".join(str(field.column) for field in _FIELDS),
    ", ".join("%s" for _ in _FIELDS),
)
# What was got under a release is nearly always of its revision, and then not read a second time:
# the gaps between the revisions are
_GOT = """
WITH gap AS (
    SELECT lag(revision, 1, '') OVER (ORDER BY revision) AS above, revision AS below
    FROM unnest(%(revisions)s::varchar[]) AS revision
    UNION ALL SELECT max(revision), 'g' FROM unnest(%(revisions)s::varchar[]) AS revision
), got AS (
    SELECT actor, at FROM audit_access
    WHERE repository = %(repository)s AND revision = ANY(%(revisions)s::varchar[])
    UNION ALL
    SELECT others.actor, others.at FROM gap, LATERAL (
        SELECT actor, at FROM audit_access
        WHERE repository = %(repository)s AND release_digest = ANY(%(digests)s::varchar[])
            AND release_digest <> '' AND revision > gap.above AND revision < gap.below
    ) AS others
)
SELECT actor, count(*), min(at), max(at) FROM got GROUP BY actor
"""


@dataclass(frozen=True)
class Got:
    """How often somebody got some of it, when first and when last."""

    times: int
    first: datetime
    last: datetime


def note(row: Access) -> None:
    """Write a row of the log: `row.save()`, without making its SQL anew for each download."""
    prepared.execute(
        _NOTE, [field.get_db_prep_save(field.pre_save(row, True), connection) for field in _FIELDS]
    )


def note_all(rows: Iterable[Access]) -> None:
    """Write several at once."""
    Access.objects.bulk_create(rows)


def got(repository: str, *, revisions: Sequence[str], digests: Sequence[str]) -> dict[str, Got]:
    """Who got something of these revisions or under these releases: read from indexes alone. What
    nobody who is known got is under the empty actor."""
    asked: dict[str, Any] = {
        "repository": repository,
        "revisions": sorted(set(revisions)),
        "digests": sorted(set(digests)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GOT, asked)
        return {actor: Got(*rest) for actor, *rest in cursor.fetchall()}


def ensure_partitions(today: date) -> None:
    """Make this month's partition and those of the next months, where they are missing."""
    year, month = today.year, today.month
    for _ in range(MONTHS_AHEAD + 1):
        following = (year + month // 12, month % 12 + 1)
        _ensure_partition((year, month), following)
        year, month = following


def _ensure_partition(month: tuple[int, int], following: tuple[int, int]) -> None:
    start = datetime(*month, 1, tzinfo=UTC)
    end = datetime(*following, 1, tzinfo=UTC)
    name = f"audit_access_{start:%Y_%m}"
    if not re.fullmatch(r"audit_access_\d{4}_\d{2}", name):
        raise ValueError(name)
    if Access.objects.filter(at__gte=start, at__lt=end).exists() and not _exists(name):
        return  # rows of that month lie in the rest already, where PostgreSQL keeps them apart
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF audit_access "  # noqa: S608
            f"FOR VALUES FROM ('{start:%Y-%m-%d}+00') TO ('{end:%Y-%m-%d}+00')"
        )


def _exists(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        return bool(cursor.fetchone()[0])
