"""The steps of an access request. The only code that writes a request's state, and with it makes
and ends grants; each step leaves a decision and an entry in the audit log."""

from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import access_mails, locks, scopes
from registry.agreements.models import (
    WAITING,
    AccessDecision,
    AccessRequest,
    Grant,
    RequestState,
)
from registry.agreements.scopes import EVERYTHING, Scope
from registry.audit import log
from registry.errors import Invalid, SignInRequired

S = RequestState
# What a step is called in the audit log; a step that is not here does not exist
STEPS: dict[tuple[str, str], str] = {
    (S.PENDING, S.ACCEPTED): "access.accept",
    (S.RETURNED, S.ACCEPTED): "access.accept",
    (S.REJECTED, S.ACCEPTED): "access.accept",
    (S.PENDING, S.REJECTED): "access.reject",
    (S.RETURNED, S.REJECTED): "access.reject",
    (S.ACCEPTED, S.REJECTED): "access.revoke",
    (S.ACCEPTED, S.PENDING): "access.reopen",
    (S.REJECTED, S.PENDING): "access.reopen",
    (S.PENDING, S.RETURNED): "access.ask-back",
    (S.RETURNED, S.PENDING): "access.answer",
    (S.PENDING, S.WITHDRAWN): "access.withdraw",
    (S.RETURNED, S.WITHDRAWN): "access.withdraw",
    (S.PENDING, S.LAPSED): "access.lapse",
    (S.RETURNED, S.LAPSED): "access.lapse",
    (S.ACCEPTED, S.ENDED): "access.end",
}


def take_turn(user: User) -> None:
    """Steps of one person's requests take turns. Rows that point to the person do not wait."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def take_own_turn(user: User) -> None:
    """The same for what a person does themselves. Whoever was erased while they waited for it writes
    nothing about themselves any more."""
    if not User.objects.select_for_update(no_key=True).get(pk=user.pk).is_active:
        raise SignInRequired(_("This account is closed."))


def move(
    request: AccessRequest,
    state: str,
    *,
    by: Caller | None,
    now: datetime,
    reason: str = "",
    scope: Scope = EVERYTHING,
) -> AccessRequest:
    """Take a step. Whatever was granted ends, and accepting grants anew."""
    before = request.state
    request.state = state
    is_reviewed = state in {S.ACCEPTED, S.REJECTED}
    request.reviewed_at = now if is_reviewed else None
    request.decided_by = by.user if by is not None and is_reviewed else None
    request.reason = reason
    if state in WAITING:
        request.lapses_at = lapse_of(request, now)
        request.reminded_at = None
    request.save(
        update_fields=["state", "reviewed_at", "decided_by", "reason", "lapses_at", "reminded_at"]
    )
    end(living(request, now=now), by=by, now=now)
    if state == S.ACCEPTED:
        open_up(request, scope, by=by, now=now)
    note(STEPS[before, state], request, before=before, by=by, at=now)
    if (by is not None and by.user != request.user) or state == S.LAPSED:
        access_mails.decided(request, before=before)
    return request


def open_up(request: AccessRequest, scope: Scope, *, by: Caller | None, now: datetime) -> Grant:
    """The grant of an accepted request. Its end is the one that is wished or else the publisher's
    rule; where the person asked for less time, that."""
    wanted = scopes.fields(
        scope,
        purpose=request.purpose,
        default_end=_default_end(request, scope.starts_at or now, now),
        for_group=request.group_id is not None,
        now=now,
    )
    if wanted["ends_at"] is None and living(request, now=now).filter(ends_at=None).exists():
        raise Invalid(_("There is a grant without an end already; give this one an end."))
    return Grant.objects.create(
        request=request,
        repository_id=request.repository_id,
        group_id=request.group_id,
        user_id=request.user_id,
        granted_by=by.user if by is not None else None,
        **wanted,
    )


def end(grants: QuerySet[Grant], *, by: Caller | None, now: datetime) -> int:
    """End grants before their time; those that have not begun never do."""
    return grants.update(
        ends_at=Greatest(now, F("starts_at")),
        revoked_at=now,
        revoked_by=by.user if by is not None else None,
    )


def living(request: AccessRequest, *, now: datetime) -> QuerySet[Grant]:
    """The grants of a request that have not ended, those that begin later too."""
    return request.grants.filter(Q(ends_at=None) | Q(ends_at__gt=now, revoked_at=None))


def settle(request: AccessRequest, *, now: datetime) -> AccessRequest:
    """A request whose grants have all ended is over, so that the person may ask again."""
    if request.state == S.ACCEPTED and not living(request, now=now).exists():
        return move(request, S.ENDED, by=None, now=now)
    return request


def lapse_of(request: AccessRequest, now: datetime) -> datetime:
    """When a request that begins to wait now lapses."""
    return now + timedelta(days=locks.policy_of(request.repository).lapse_days)


def note(
    event: str, request: AccessRequest, *, before: str, by: Caller | None, at: datetime
) -> None:
    """Put a step on record."""
    AccessDecision.objects.create(
        request=request,
        before=before,
        after=request.state,
        by=by.user if by is not None else None,
        reason=request.reason,
        at=at,
    )
    group = {"group": request.group.public_id} if request.group is not None else {}
    log.record(
        event,
        actor=by.public_id if by is not None else "",
        subject=request,
        repository=request.repository.public_id,
        person=request.user.public_id,
        before=before,
        after=str(request.state),
        reason=request.reason,
        **group,
    )


def note_grant(event: str, grant: Grant, *, by: Caller, **details: str) -> None:
    """Put what happens to a single grant on record."""
    log.record(
        event,
        actor=by.public_id,
        subject=grant,
        request=grant.request.public_id,
        repository=grant.repository.public_id,
        person=grant.user.public_id,
        starts_at=grant.starts_at.isoformat(),
        ends_at=grant.ends_at.isoformat() if grant.ends_at else "",
        **details,
    )


def _default_end(request: AccessRequest, start: datetime, now: datetime) -> datetime | None:
    days = locks.policy_of(request.repository).grant_days
    ends = [start + timedelta(days=days)] if days is not None else []
    if request.wanted_until is not None and request.wanted_until > max(start, now):
        ends.append(request.wanted_until)
    return min(ends, default=None)
