"""Asking the publisher for access, and deciding about it. The only code that writes a request's
state, and with it grants; each step leaves a decision and an entry in the audit log."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import grants, locks
from registry.agreements.models import (
    AccessDecision,
    AccessRequest,
    AccessRequestWords,
    Grant,
    RequestState,
)
from registry.audit import canonical, log
from registry.catalog import questions, rights
from registry.catalog.models import Gated, Repository
from registry.catalog.questions import Prompt
from registry.errors import Invalid, Missing, NotAllowed, NotGated, SignInRequired

MAX_REASON = 200
NO_REQUEST = "No access request found matching your criteria"
NO_PENDING = "No pending access request found for this repo and this user"
NO_USER = "User not found"
HAS_ACCESS = "That user already has access to the repo"

S = RequestState
# What a reviewer's step is called in the audit log; a step that is not here does not exist
STEPS: dict[tuple[str, str], str] = {
    (S.PENDING, S.ACCEPTED): "access.accept",
    (S.REJECTED, S.ACCEPTED): "access.accept",
    (S.PENDING, S.REJECTED): "access.reject",
    (S.ACCEPTED, S.REJECTED): "access.revoke",
    (S.ACCEPTED, S.PENDING): "access.reopen",
    (S.REJECTED, S.PENDING): "access.reopen",
    (S.PENDING, S.WITHDRAWN): "access.withdraw",
}


@dataclass(frozen=True)
class Shown:
    """What somebody who asks was shown and answered. `terms_hash` is of the terms in force, or ""
    where none ask."""

    prompt: Prompt
    answers: Mapping[str, Any]
    terms_hash: str = ""


@transaction.atomic
def ask(
    repository: Repository,
    *,
    by: Caller,
    shown: Shown,
    terms_are_open: bool,
    now: datetime | None = None,
) -> AccessRequest:
    """Ask to be let in. A request that is pending or accepted stays as it is, and so does one that
    was rejected until its cool-down is over.

    Where the publisher lets in whoever asks, the answer is yes at once, unless the terms still have
    to be accepted: then it waits for that.
    """
    user, now = _person(by), now or timezone.now()
    take_turn(user)
    mode = _mode(repository)
    if not mode:
        raise NotGated("Nobody has to be asked for access to this repository.")
    last = newest(repository, user)
    if last is not None and last.state == S.PENDING:
        return _open_by_itself(last, mode, now) if terms_are_open else last
    if last is not None and last.state == S.ACCEPTED:
        return last
    if last is not None and last.state == S.REJECTED and not may_ask_again(last, now=now):
        return last
    made = _write(repository, user, mode=mode, shown=shown, now=now)
    _note("access.ask", made, before="", by=by, at=now)
    return _open_by_itself(made, mode, now) if terms_are_open else made


@transaction.atomic
def terms_accepted(
    repository: Repository, user: User, *, prompt: Prompt, terms_hash: str, now: datetime
) -> None:
    """A person accepted the terms: where the publisher lets in whoever asks, that opens the lock
    too, with nothing more to do for who waits for it or was asked no questions."""
    take_turn(user)
    mode = _mode(repository)
    if mode != Gated.AUTO:
        return
    last = newest(repository, user)
    if last is None and not prompt.asked:
        shown = Shown(prompt, {}, terms_hash)
        last = _write(repository, user, mode=mode, shown=shown, now=now)
        _note("access.ask", last, before="", by=Caller(user=user), at=now)
    if last is not None and last.state == S.PENDING:
        _open_by_itself(last, mode, now)


@transaction.atomic
def handle(
    repository: Repository,
    *,
    status: str,
    by: Caller,
    user: str = "",
    request_id: str = "",
    reason: str = "",
    now: datetime | None = None,
) -> AccessRequest:
    """Accept or reject the newest request of a person, or put it back to pending."""
    if status not in {S.PENDING, S.ACCEPTED, S.REJECTED}:
        raise Invalid('"status" must be one of [accepted, rejected, pending]')
    if bool(user) == bool(request_id):
        raise Invalid("Send either user or requestId.")
    reason = _checked_reason(reason, status)
    rights.require_write(repository, by)
    found = _named(repository, user=user, request_id=request_id)
    take_turn(found.user)
    last = newest(repository, found.user)
    if last is None or last.pk != found.pk or (last.state, status) not in STEPS:
        raise Missing(NO_REQUEST)
    return _move(last, status, by=by, reason=reason, now=now or timezone.now())


@transaction.atomic
def grant(
    repository: Repository, *, user: str, by: Caller, now: datetime | None = None
) -> AccessRequest:
    """Let a person in, whether they asked or not."""
    rights.require_write(repository, by)
    person = _user_named(user)
    now = now or timezone.now()
    take_turn(person)
    mode = _mode(repository)
    if not mode:
        raise NotGated(
            "This repository is not gated by its publisher, so there is no access to grant."
        )
    last = newest(repository, person)
    if last is not None and last.state == S.ACCEPTED:
        raise Invalid(HAS_ACCESS)
    if last is not None and (last.state, S.ACCEPTED) in STEPS:
        return _move(last, S.ACCEPTED, by=by, now=now)
    made = AccessRequest(
        repository=repository,
        user=person,
        mode=mode,
        state=S.ACCEPTED,
        granted_without_asking=True,
        asked_at=now,
        reviewed_at=now,
        decided_by=by.user,
    )
    made.save(force_insert=True)
    _open(made, by=by, now=now)
    _note("access.grant", made, before="", by=by, at=now)
    return made


@transaction.atomic
def withdraw(repository: Repository, *, by: Caller, now: datetime | None = None) -> AccessRequest:
    """Take back one's own pending request."""
    user = _person(by)
    take_turn(user)
    last = newest(repository, user)
    if last is None or last.state != S.PENDING:
        raise Missing(NO_PENDING)
    return _move(last, S.WITHDRAWN, by=by, now=now or timezone.now())


@transaction.atomic
def close(
    user: User, repositories: Iterable[int], *, by: Caller, reason: str, now: datetime
) -> int:
    """End whatever a person asked for or was given for these repositories (their keys): a request
    that waits is taken back, one that was accepted is revoked with its grants. Returns how many."""
    take_turn(user)
    living = AccessRequest.objects.filter(
        user=user, repository__in=list(repositories), state__in=[S.PENDING, S.ACCEPTED]
    )
    ended = 0
    for request in living.select_related("user", "repository__namespace").order_by("pk"):
        if request.state == S.ACCEPTED:
            _move(request, S.REJECTED, by=by, reason=reason[:MAX_REASON], now=now)
        else:
            _move(request, S.WITHDRAWN, by=by, now=now)
        ended += 1
    return ended


def take_turn(user: User) -> None:
    """Steps of one person's requests take turns. Rows that point to the person do not wait."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def newest(repository: Repository, user: User) -> AccessRequest | None:
    """The request of this person that counts."""
    return (
        AccessRequest.objects.filter(repository=repository, user=user)
        .select_related("user", "decided_by")
        .order_by("-pk")
        .first()
    )


def of_caller(repository: Repository, caller: Caller) -> AccessRequest | None:
    """The caller's own request that counts; None where they made none or took it back."""
    found = newest(repository, caller.user) if caller.user is not None else None
    return None if found is None or found.state == S.WITHDRAWN else found


def asks_again_from(request: AccessRequest) -> datetime | None:
    """When a person who was rejected may ask again; None where nobody rejected them."""
    if request.state != S.REJECTED or request.reviewed_at is None:
        return None
    return locks.may_ask_from(request.repository, request.reviewed_at)


def may_ask_again(request: AccessRequest, *, now: datetime | None = None) -> bool:
    """Whether somebody who was rejected has waited long enough."""
    until = asks_again_from(request)
    return until is not None and (now or timezone.now()) >= until


def listed(repository: Repository, state: str = "") -> QuerySet[AccessRequest]:
    """The requests that count, one of each person, newest first; withdrawn ones are gone."""
    later = AccessRequest.objects.filter(
        repository=OuterRef("repository"), user=OuterRef("user"), pk__gt=OuterRef("pk")
    )
    found = AccessRequest.objects.filter(~Exists(later), repository=repository)
    found = found.filter(state=state) if state else found.exclude(state=S.WITHDRAWN)
    return found.select_related("user", "decided_by", "words").order_by("-pk")


def answers_of(request: AccessRequest) -> dict[str, str]:
    """What the person answered, where it was not erased."""
    words = getattr(request, "words", None)
    return dict(words.answers) if words is not None else {}


def report(repository: Repository) -> list[dict[str, str]]:
    """All that count, as the publisher takes them away."""
    return [
        {
            "fullname": one.user.full_name or one.user.username,
            "user": one.user.username,
            "email": "" if one.granted_without_asking else one.user.email,
            "time": _time(one.asked_at),
            "reviewedAt": _time(one.reviewed_at) if one.reviewed_at else "",
            "status": str(one.state),
            "grantedBy": one.decided_by.username if one.decided_by else "",
        }
        for one in listed(repository)
    ]


def report_name(repository: Repository) -> str:
    return f"user-access-report-{repository.namespace.name}-{repository.name}.json"


def require_review(repository: Repository, by: Caller) -> None:
    """Raise unless the caller may see and decide on requests."""
    rights.require_write(repository, by)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _person(by: Caller) -> User:
    if by.user is None:
        raise SignInRequired("Sign in to ask for access.")
    if by.user.is_service:
        raise NotAllowed("A service account cannot ask for access; a person asks, or grants it.")
    if not by.can_write:
        raise NotAllowed("Asking for access needs a token of scope write or admin, or a browser.")
    return by.user


def _mode(repository: Repository) -> str:
    """The lock as it is now, whatever the row in hand says."""
    return Repository.objects.values_list("gated", flat=True).get(pk=repository.pk)


def _write(
    repository: Repository, user: User, *, mode: str, shown: Shown, now: datetime
) -> AccessRequest:
    kept, wrong = questions.judge(shown.prompt, dict(shown.answers))
    if wrong:
        raise Invalid(" ".join(f"{label}: {problem}" for label, problem in wrong.items()))
    salt = secrets.token_hex(32)
    made = AccessRequest.objects.create(
        repository=repository,
        user=user,
        mode=mode,
        terms_hash=shown.terms_hash,
        prompt_hash=canonical.digest(shown.prompt.as_json()),
        answers_digest=canonical.digest({"salt": salt, "answers": kept}) if kept else "",
        asked_at=now,
    )
    if kept:
        AccessRequestWords.objects.create(request=made, answers=kept, salt=salt)
    return made


def _open_by_itself(request: AccessRequest, mode: str, now: datetime) -> AccessRequest:
    """Yes at once, where the publisher lets in whoever asks, and did when this was asked: who
    waited for a person before goes on waiting."""
    if mode != Gated.AUTO or request.mode != Gated.AUTO or request.decisions.count() > 1:
        return request
    return _move(request, S.ACCEPTED, by=None, now=now)


def _move(
    request: AccessRequest,
    state: str,
    *,
    by: Caller | None,
    now: datetime,
    reason: str = "",
) -> AccessRequest:
    before = request.state
    request.state = state
    is_reviewed = state in {S.ACCEPTED, S.REJECTED}
    request.reviewed_at = now if is_reviewed else None
    request.decided_by = by.user if by is not None and is_reviewed else None
    request.reason = reason
    request.save(update_fields=["state", "reviewed_at", "decided_by", "reason"])
    grants.of_request(request, now=now).update(ends_at=now)
    if state == S.ACCEPTED:
        _open(request, by=by, now=now)
    _note(STEPS[before, state], request, before=before, by=by, at=now)
    return request


def _open(request: AccessRequest, *, by: Caller | None, now: datetime) -> None:
    Grant.objects.create(
        request=request,
        repository_id=request.repository_id,
        user_id=request.user_id,
        granted_by=by.user if by is not None else None,
        starts_at=now,
    )


def _note(
    event: str, request: AccessRequest, *, before: str, by: Caller | None, at: datetime
) -> None:
    AccessDecision.objects.create(
        request=request,
        before=before,
        after=request.state,
        by=by.user if by is not None else None,
        reason=request.reason,
        at=at,
    )
    log.record(
        event,
        actor=by.public_id if by is not None else "",
        subject=request,
        repository=request.repository.public_id,
        person=request.user.public_id,
        before=before,
        after=str(request.state),
        reason=request.reason,
    )


def _named(repository: Repository, *, user: str, request_id: str) -> AccessRequest:
    if request_id:
        found = AccessRequest.objects.filter(repository=repository, public_id=request_id)
        request = found.select_related("user").first()
    else:
        request = newest(repository, _user_named(user))
    if request is None:
        raise Missing(NO_REQUEST)
    return request


def _user_named(name: str) -> User:
    found = User.objects.filter(username__iexact=name, is_active=True).first()
    if found is None:
        raise Missing(NO_USER)
    return found


def _checked_reason(reason: str, status: str) -> str:
    reason = " ".join(reason.replace("\0", " ").split())
    if len(reason) > MAX_REASON:
        raise Invalid(f"The reason is longer than {MAX_REASON} characters.")
    return reason if status == S.REJECTED else ""
