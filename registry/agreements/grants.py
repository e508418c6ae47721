"""Whether a person has been let in by the publisher, at one moment, to what, and how often."""

import fnmatch
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements.models import AccessGroupEntry, AccessRequest, Grant
from registry.catalog.models import Repository
from registry.prepared import Prepared

MAX_PATTERNS = 50
# What is fetched within this time of a first byte is one download, however many requests it takes
SESSION = timedelta(hours=24)


def opening(repository: Repository, caller: Caller, now: datetime | None = None) -> list[Grant]:
    """Every grant by which the caller is let in then, for the repository itself or by its group,
    those without limits first. Starts are inclusive, ends exclusive."""
    if caller.user is None:
        return []
    found = _OPENING.rows(
        user=caller.user.pk,
        repository=repository.pk,
        namespace=repository.namespace_id,
        now=now or timezone.now(),
    )
    return sorted(found, key=is_limited)


def in_force(
    repository: Repository, *, caller: Caller, now: datetime | None = None
) -> Grant | None:
    """A grant by which all of the repository is open to the caller."""
    return next((one for one in opening(repository, caller, now) if not is_limited(one)), None)


def ended_at(
    repository: Repository, caller: Caller, now: datetime | None = None
) -> datetime | None:
    """When the last of the caller's grants ended, of those for the repository itself or a group
    that it was in then; None where they had none."""
    if caller.user is None:
        return None
    entries = AccessGroupEntry.objects.filter(
        group=OuterRef("group"), repository=repository, since__lte=OuterRef("ends_at")
    )
    ended = Grant.objects.filter(
        Q(group=None, repository=repository) | Exists(entries),
        user=caller.user,
        ends_at__lte=now or timezone.now(),
    )
    return ended.order_by("-ends_at").values_list("ends_at", flat=True).first()


def is_limited(grant: Grant) -> bool:
    """Whether it opens less than everything, for as long as it lasts."""
    return (
        bool(grant.patterns or grant.first_release or grant.last_release)
        or grant.full_downloads is not None
    )


def bounds(found: Iterable[Grant]) -> set[str]:
    """The public ids of the releases that bound these grants, whose places `covers` is told."""
    return {bound for one in found for bound in (one.first_release, one.last_release) if bound}


def covers(
    grant: Grant, *, path: str = "", release: int | None = None, places: Mapping[str, int]
) -> bool:
    """Whether the scope of a grant reaches a file, or with no path the whole, of the release with
    this key; `places` gives the keys of the releases in `bounds`, and None is what has no release.
    """
    return covers_release(grant, release, places=places) and covers_path(grant, path)


def covers_release(grant: Grant, release: int | None, *, places: Mapping[str, int]) -> bool:
    """Whether a release is between the first and the last one of a grant, both included. A bound
    that is not known leaves nothing between."""
    if not (grant.first_release or grant.last_release):
        return True
    if release is None:
        return False
    first = places.get(grant.first_release) if grant.first_release else release
    last = places.get(grant.last_release) if grant.last_release else release
    return first is not None and last is not None and first <= release <= last


def covers_path(grant: Grant, path: str) -> bool:
    """Whether a file fits one of the patterns, read as `allow_patterns` of the Hub client are."""
    if not grant.patterns:
        return True
    return bool(path) and any(
        fnmatch.fnmatchcase(path, _wide(pattern)) for pattern in grant.patterns[:MAX_PATTERNS]
    )


def used(grant: Grant, *, release_digest: str, weights: Mapping[str, int]) -> Fraction:
    """How many times the weight files of a release have been fetched by a grant: a download is what
    was asked within a day of its first byte, and bytes that were asked for several times in it
    count once."""
    return sum((share for _, share in _sessions(grant, release_digest, weights)), Fraction(0))


def is_used_up(
    grant: Grant, *, release_digest: str, weights: Mapping[str, int], now: datetime
) -> bool:
    """Whether the downloads that a grant allows are over. One that runs goes on for the rest of its
    day, so that what breaks off can be resumed and the last small file still comes."""
    if grant.full_downloads is None:
        return False
    over = [
        share
        for start, share in _sessions(grant, release_digest, weights)
        if start + SESSION <= now
    ]
    return sum(over) >= grant.full_downloads


def of_request(request: AccessRequest, *, now: datetime) -> QuerySet[Grant]:
    """The grants of a request that have not ended."""
    return request.grants.filter(Q(ends_at=None) | Q(ends_at__gt=now))


def at(now: datetime) -> Q:
    """The condition that a grant is in force then."""
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))


def _opens(user: int, repository: int, namespace: int, now: datetime) -> QuerySet[Grant]:
    entries = AccessGroupEntry.objects.filter(
        Q(until=None) | Q(until__gt=now),
        group=OuterRef("group"),
        group__namespace_id=namespace,
        repository_id=repository,
        since__lte=now,
    )
    here = Q(group=None, repository_id=repository) | Exists(entries)
    return Grant.objects.filter(at(now), here, user_id=user).order_by("-pk")


_OPENING = Prepared(_opens)

_SESSIONS = """
WITH RECURSIVE fetched AS (
    SELECT at, path, first_byte, least(last_byte + 1, size) AS end_byte
    FROM audit_access
    WHERE access_grant = %(grant)s AND access_grant <> '' AND release_digest = %(release)s
        AND path = ANY(%(paths)s)
), starts AS (
    (SELECT at FROM fetched ORDER BY at LIMIT 1)
    UNION ALL
    SELECT following.at FROM starts, LATERAL (
        SELECT at FROM fetched WHERE fetched.at >= starts.at + %(session)s ORDER BY at LIMIT 1
    ) AS following
)
SELECT starts.at, (
    SELECT coalesce(sum(upper(piece) - lower(piece)), 0)
    FROM (
        SELECT range_agg(int8range(first_byte, end_byte)) AS pieces FROM fetched
        WHERE fetched.at >= starts.at AND fetched.at < starts.at + %(session)s
            AND first_byte < end_byte
        GROUP BY path
    ) AS files, unnest(files.pieces) AS piece
) FROM starts ORDER BY starts.at
"""


def _sessions(
    grant: Grant, release_digest: str, weights: Mapping[str, int]
) -> list[tuple[datetime, Fraction]]:
    """When each download by a grant began, and which share of the weights was asked for in it."""
    total = sum(weights.values())
    if not total:
        return []
    values = {
        "grant": grant.public_id,
        "release": release_digest,
        "paths": list(weights),
        "session": SESSION,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS, values)
        return [(start, Fraction(int(found), total)) for start, found in cursor.fetchall()]


def _wide(pattern: str) -> str:
    """A folder means all that is in it."""
    return f"{pattern}*" if pattern.endswith("/") else pattern
