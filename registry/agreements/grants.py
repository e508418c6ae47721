"""Whether a person has been let in by the publisher, at one moment, to what, and how often."""

import fnmatch
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.agreements import access_mails, groups, scopes, steps
from registry.agreements.models import AccessGroupEntry, AccessRequest, Grant, RequestState
from registry.agreements.scopes import MAX_PATTERNS, Scope
from registry.catalog.models import Repository
from registry.errors import Conflict, Missing, NotAllowed, NotNow
from registry.prepared import Prepared

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


def state_of(grant: Grant, now: datetime | None = None) -> str:
    """One word on a grant: in force, coming, ended or revoked."""
    now = now or timezone.now()
    if grant.revoked_at is not None and grant.revoked_at <= now:
        return "revoked"
    if grant.ends_at is not None and grant.ends_at <= now:
        return "ended"
    return "in force" if grant.starts_at <= now else "coming"


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


@transaction.atomic
def add(request: AccessRequest, scope: Scope, *, by: Caller, now: datetime | None = None) -> Grant:
    """One more grant for somebody who is let in already."""
    now = now or timezone.now()
    request = _taken(request)
    groups.require_review(request, by)
    if request.state != RequestState.ACCEPTED:
        raise NotNow(_("Only somebody who is let in can be given one more grant."))
    made = steps.open_up(request, scope, by=by, now=now)
    steps.note_grant("grant.add", made, by=by)
    return made


@transaction.atomic
def renew(grant: Grant, ends_at: datetime, *, by: Caller, now: datetime | None = None) -> Grant:
    """Let a grant go on: a row of its own that begins where the other one ends, with its scope."""
    now = now or timezone.now()
    request = _taken(grant.request)
    grant = _locked(grant)
    groups.require_review(request, by)
    if grant.revoked_at is not None or request.state != RequestState.ACCEPTED:
        raise NotNow(_("This access was taken back or is over; let the person in anew."))
    if grant.ends_at is None:
        raise NotNow(_("This grant has no end, so there is nothing to renew."))
    if grant.renewals.filter(revoked_at=None).exists():
        raise Conflict(_("This grant has been renewed already."))
    starts_at = max(grant.ends_at, now)
    scopes.require_end(ends_at, starts_at=starts_at, now=now)
    made = Grant.objects.create(
        request=request,
        repository_id=grant.repository_id,
        group_id=grant.group_id,
        user_id=grant.user_id,
        granted_by=by.user,
        starts_at=starts_at,
        ends_at=ends_at,
        purpose=grant.purpose,
        patterns=grant.patterns,
        first_release=grant.first_release,
        last_release=grant.last_release,
        full_downloads=grant.full_downloads,
        renews=grant,
    )
    steps.note_grant("grant.renew", made, by=by, renews=grant.public_id)
    access_mails.renewed(made)
    return made


@transaction.atomic
def revoke(
    grant: Grant, *, by: Caller, reason: str = "", now: datetime | None = None
) -> AccessRequest:
    """Take one grant back, and with it what renews it. With the last one the request is rejected,
    so that the person asks again only after the cool-down."""
    now = now or timezone.now()
    request = _taken(grant.request)
    groups.require_review(request, by)
    found = steps.living(request, now=now)
    theirs = found.filter(Q(pk=grant.pk) | Q(pk__in=_later(grant)))
    if not theirs.exists():
        raise NotNow(_("This grant has ended already."))
    if request.state == RequestState.ACCEPTED and theirs.count() == found.count():
        return steps.move(request, RequestState.REJECTED, by=by, reason=reason, now=now)
    for one in theirs.order_by("pk"):
        steps.end(Grant.objects.filter(pk=one.pk), by=by, now=now)
        steps.note_grant("grant.revoke", _locked(one), by=by, reason=reason)
    access_mails.revoked(grant)
    return request


@transaction.atomic
def ask_renewal(grant: Grant, *, by: Caller, now: datetime | None = None) -> Grant:
    """The person asks for more time. Asking twice asks once."""
    now = now or timezone.now()
    if by.user is None or by.user.pk != grant.user_id:
        raise Missing(_("There is no such grant of yours."))
    if not by.can_write:
        raise NotAllowed(_("Asking for a renewal needs a token of scope write, or a browser."))
    _taken(grant.request)
    grant = _locked(grant)
    if grant.ends_at is None or grant.ends_at <= now or grant.revoked_at is not None:
        raise NotNow(_("This grant has no end, or has ended: ask for access anew."))
    if grant.renewals.filter(revoked_at=None).exists():
        raise Conflict(_("This grant has been renewed already."))
    if grant.renewal_asked_at is None:
        grant.renewal_asked_at = now
        grant.save(update_fields=["renewal_asked_at"])
        steps.note_grant("grant.ask-renewal", grant, by=by)
        access_mails.renewal_asked(grant)
    return grant


def of_repository(repository: Repository) -> QuerySet[Grant]:
    """All that was ever given for a repository and the group it is in, the newest first."""
    found = Grant.objects.filter(groups.counting_for(repository))
    return found.select_related(
        "user", "group", "granted_by", "request", "renews", "repository__namespace"
    ).order_by("-pk")


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
    values: dict[str, Any] = {
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


def _later(grant: Grant) -> list[int]:
    """The keys of the renewals of a grant, and of theirs."""
    found, level = [], [grant.pk]
    while level := list(
        Grant.objects.filter(renews__in=level).order_by("pk").values_list("pk", flat=True)
    ):
        found += level
    return found


def _taken(request: AccessRequest) -> AccessRequest:
    """The request as it is, when it is this act's turn at the person."""
    steps.take_turn(request.user)
    return AccessRequest.objects.select_related("user", "group", "repository__namespace").get(
        pk=request.pk
    )


def _locked(grant: Grant) -> Grant:
    return Grant.objects.select_related("user", "request", "repository__namespace").get(pk=grant.pk)
