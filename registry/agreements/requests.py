"""Asking the publisher for access, and deciding about it: who may take which step, and which of a
person's requests counts."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import access_mails, groups, locks, scopes, steps
from registry.agreements.models import (
    LIVING,
    WAITING,
    AccessMessage,
    AccessRequest,
    AccessRequestWords,
    RequestState,
)
from registry.agreements.scopes import EVERYTHING, Scope
from registry.agreements.steps import STEPS, take_own_turn, take_turn
from registry.audit import canonical
from registry.catalog import questions, rights
from registry.catalog.models import Gated, Repository
from registry.catalog.questions import Prompt
from registry.errors import Invalid, Missing, NotAllowed, NotGated, SignInRequired

MAX_REASON = 200
MAX_MESSAGE = 2000
NO_REQUEST = gettext_noop("No access request found matching your criteria")
NO_PENDING = gettext_noop("No pending access request found for this repo and this user")
NO_USER = gettext_noop("User not found")
HAS_ACCESS = gettext_noop("That user already has access to the repo")

S = RequestState
# The lists that the wire and the pages have, and the states that each of them shows
LISTS: dict[str, list[RequestState]] = {
    "pending": list(WAITING),
    "accepted": [S.ACCEPTED],
    "rejected": [S.REJECTED],
    "over": [S.LAPSED, S.ENDED],
}
GONE = [S.WITHDRAWN, S.LAPSED, S.ENDED]


@dataclass(frozen=True)
class Shown:
    """What somebody who asks was shown and answered. `terms_hash` is of the terms in force, or ""
    where none ask; `purpose` and `wanted_until` are what they want access for, and until when."""

    prompt: Prompt
    answers: Mapping[str, Any]
    terms_hash: str = ""
    purpose: str = ""
    wanted_until: datetime | None = None


@transaction.atomic
def ask(
    repository: Repository,
    *,
    by: Caller,
    shown: Shown,
    terms_are_open: bool,
    now: datetime | None = None,
) -> AccessRequest:
    """Ask to be let in, to all of the group where the repository is in one. A request that waits or
    was accepted stays as it is, and so does one that was rejected until its cool-down is over.

    Where the publisher lets in whoever asks, the answer is yes at once, unless the terms still have
    to be accepted: then it waits for that.
    """
    user, now = _person(by), now or timezone.now()
    take_own_turn(user)
    mode = _mode(repository)
    if not mode:
        raise NotGated(_("Nobody has to be asked for access to this repository."))
    for waiting in counting(repository, user).filter(state__in=WAITING):
        return _open_by_itself(waiting, mode, now) if terms_are_open else waiting
    last = _last_asked(repository, user)
    if last is not None and steps.settle(last, now=now).state == S.ACCEPTED:
        return last
    if last is not None and last.state == S.REJECTED and not may_ask_again(last, now=now):
        return last
    made = _write(repository, user, mode=mode, shown=shown, now=now)
    steps.note("access.ask", made, before="", by=by, at=now)
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
    last = _standing(repository, user)
    if last is None and not prompt.asked:
        shown = Shown(prompt, {}, terms_hash)
        last = _write(repository, user, mode=mode, shown=shown, now=now)
        steps.note("access.ask", last, before="", by=Caller(user=user), at=now)
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
    scope: Scope = EVERYTHING,
    now: datetime | None = None,
) -> AccessRequest:
    """Accept or reject the request of a person that counts, or put it back to pending. Rejecting
    somebody by name revokes all that lets them into this repository."""
    if status not in {S.PENDING, S.ACCEPTED, S.REJECTED}:
        raise Invalid('"status" must be one of [accepted, rejected, pending]')
    if bool(user) == bool(request_id):
        raise Invalid("Send either user or requestId.")
    reason = _checked_reason(reason, status)
    rights.require_write(repository, by)
    now = now or timezone.now()
    person = _person_of(repository, user=user, request_id=request_id)
    take_turn(person)
    found = [steps.settle(one, now=now) for one in counting(repository, person)]
    found = [one for one in found if _can_move(one, status) and request_id in {"", one.public_id}]
    if not found:
        raise Missing(_(NO_REQUEST))
    for one in found if status == S.REJECTED else found[:1]:
        groups.require_review(one, by)
        steps.move(one, status, by=by, reason=reason, scope=scope, now=now)
    return found[0]


@transaction.atomic
def grant(
    repository: Repository,
    *,
    user: str,
    by: Caller,
    scope: Scope = EVERYTHING,
    now: datetime | None = None,
) -> AccessRequest:
    """Let a person in, whether they asked or not."""
    rights.require_write(repository, by)
    person = _user_named(user)
    now = now or timezone.now()
    take_turn(person)
    mode = _mode(repository)
    if not mode:
        raise NotGated(
            _("This repository is not gated by its publisher, so there is no access to grant.")
        )
    found = [steps.settle(one, now=now) for one in counting(repository, person)]
    if any(one.state == S.ACCEPTED for one in found):
        raise Invalid(_(HAS_ACCESS))
    if last := next((one for one in found if _can_move(one, S.ACCEPTED)), None):
        groups.require_review(last, by)
        return steps.move(last, S.ACCEPTED, by=by, scope=scope, now=now)
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
    steps.open_up(made, scope, by=by, now=now)
    steps.note("access.grant", made, before="", by=by, at=now)
    access_mails.decided(made, before="")
    return made


@transaction.atomic
def let_in(
    repository: Repository, *, user: str, by: Caller, now: datetime | None = None
) -> AccessRequest | None:
    """The request by which somebody who is named is let in, None where they are not."""
    rights.require_write(repository, by)
    person = _user_named(user)
    take_turn(person)
    now = now or timezone.now()
    found = [steps.settle(one, now=now) for one in counting(repository, person)]
    return next((one for one in found if one.state == S.ACCEPTED), None)


@transaction.atomic
def ask_back(
    repository: Repository,
    *,
    request_id: str,
    question: str,
    by: Caller,
    now: datetime | None = None,
) -> AccessRequest:
    """Put a question to the person: their request waits until they answer it."""
    question = _checked_message(question)
    rights.require_write(repository, by)
    if by.user is None:
        raise SignInRequired(_("Sign in to ask something back."))
    person = _person_of(repository, user="", request_id=request_id)
    take_turn(person)
    found = counting(repository, person).filter(public_id=request_id, state=S.PENDING).first()
    if found is None:
        raise Missing(_(NO_REQUEST))
    groups.require_review(found, by)
    now = now or timezone.now()
    AccessMessage.objects.create(request=found, by=by.user, text=question, at=now)
    return steps.move(found, S.RETURNED, by=by, now=now)


@transaction.atomic
def answer(
    repository: Repository, *, text: str, by: Caller, now: datetime | None = None
) -> AccessRequest:
    """Answer what the publisher asked back."""
    text = _checked_message(text)
    user, now = _person(by), now or timezone.now()
    take_own_turn(user)
    found = counting(repository, user).filter(state=S.RETURNED).first()
    if found is None:
        raise Missing(_("Nothing was asked back about a request of yours for this repository."))
    AccessMessage.objects.create(request=found, by=user, text=text, at=now)
    return steps.move(found, S.PENDING, by=by, now=now)


@transaction.atomic
def withdraw(repository: Repository, *, by: Caller, now: datetime | None = None) -> AccessRequest:
    """Take back one's own request that waits."""
    user = _person(by)
    take_own_turn(user)
    last = counting(repository, user).filter(state__in=WAITING).first()
    if last is None:
        raise Missing(_(NO_PENDING))
    return steps.move(last, S.WITHDRAWN, by=by, now=now or timezone.now())


@transaction.atomic
def close(
    user: User, repositories: Iterable[int], *, by: Caller, reason: str, now: datetime
) -> int:
    """End whatever a person asked for or was given for these repositories (their keys): a request
    that waits is taken back, one that was accepted is revoked with its grants. Returns how many."""
    take_turn(user)
    living = AccessRequest.objects.filter(
        user=user, repository__in=list(repositories), state__in=LIVING
    )
    ended = 0
    for request in living.select_related("user", "repository__namespace").order_by("pk"):
        if request.state == S.ACCEPTED:
            steps.move(request, S.REJECTED, by=by, reason=reason[:MAX_REASON], now=now)
        else:
            steps.move(request, S.WITHDRAWN, by=by, now=now)
        ended += 1
    return ended


def newest(repository: Repository, user: User) -> AccessRequest | None:
    """The last request of this person that is about this repository."""
    return counting(repository, user).first()


def of_caller(repository: Repository, caller: Caller) -> AccessRequest | None:
    """The caller's own request that counts, one that lives before one that was rejected; None
    where they made none, took it back, or all of it is over."""
    return _standing(repository, caller.user) if caller.user is not None else None


def counting(repository: Repository, user: User) -> QuerySet[AccessRequest]:
    """The requests of this person that count: the newest for the repository itself, and the newest
    for the group it is in."""
    return _counting(repository).filter(user=user).order_by("-pk")


def asks_again_from(request: AccessRequest) -> datetime | None:
    """When a person who was rejected may ask again; None where nobody rejected them."""
    if request.state != S.REJECTED or request.reviewed_at is None:
        return None
    return locks.may_ask_from(request.repository, request.reviewed_at)


def may_ask_again(request: AccessRequest, *, now: datetime | None = None) -> bool:
    """Whether somebody who was rejected has waited long enough."""
    until = asks_again_from(request)
    return until is not None and (now or timezone.now()) >= until


def listed(repository: Repository, which: str = "") -> QuerySet[AccessRequest]:
    """The requests that count, newest first: those of one of the `LISTS`, else all that the wire
    knows of."""
    found = _counting(repository)
    found = found.filter(state__in=LISTS[which]) if which else found.exclude(state__in=GONE)
    return found.select_related("words").order_by("-pk")


def shown(repository: Repository) -> QuerySet[AccessRequest]:
    """All that one of the lists of the page has."""
    return _counting(repository).exclude(state=S.WITHDRAWN)


def status_of(request: AccessRequest) -> str:
    """The state as the wire says it: who is asked something back is waiting."""
    return str(S.PENDING if request.state in WAITING else request.state)


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
            "status": status_of(one),
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
        raise SignInRequired(_("Sign in to ask for access."))
    if by.user.is_service:
        raise NotAllowed(_("A service account cannot ask for access; a person asks, or grants it."))
    if not by.can_write:
        raise NotAllowed(
            _("Asking for access needs a token of scope write or admin, or a browser.")
        )
    return by.user


def _mode(repository: Repository) -> str:
    """The lock as it is now, whatever the row in hand says. A yes opens all of a group: where a
    person lets into some of it, nothing lets into it by itself."""
    own: str = Repository.objects.values_list("gated", flat=True).get(pk=repository.pk)
    if own != Gated.AUTO or (group := groups.of(repository)) is None:
        return own
    by_hand = groups.repositories_in(group).filter(gated=Gated.MANUAL)
    return Gated.MANUAL if by_hand.exists() else own


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
        group=groups.of(repository),
        purpose=scopes.checked_purpose(shown.purpose),
        wanted_until=scopes.checked_wish(shown.wanted_until, now=now),
        lapses_at=now + timedelta(days=locks.policy_of(repository).lapse_days),
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
    return steps.move(request, S.ACCEPTED, by=None, now=now)


def _counting(repository: Repository) -> QuerySet[AccessRequest]:
    later = AccessRequest.objects.filter(user=OuterRef("user"), pk__gt=OuterRef("pk"))
    for_it = later.filter(group=None, repository=OuterRef("repository"))
    for_group = later.filter(group=OuterRef("group"))
    newest_ones = Q(~Exists(for_it), group=None) | Q(~Exists(for_group), group__isnull=False)
    return AccessRequest.objects.filter(
        newest_ones, groups.counting_for(repository)
    ).select_related("user", "decided_by", "group", "repository__namespace")


def _standing(repository: Repository, user: User) -> AccessRequest | None:
    found = [one for one in counting(repository, user) if one.state not in GONE]
    return min(found, key=lambda one: one.state not in LIVING, default=None)


def _last_asked(repository: Repository, user: User) -> AccessRequest | None:
    """The last request of what is asked for here: the group where there is one."""
    return counting(repository, user).filter(group=groups.of(repository)).first()


def _can_move(request: AccessRequest, status: str) -> bool:
    """Whether a reviewer may take this step. What was asked back is pending for them already."""
    return (request.state, status) in STEPS and not (
        request.state == S.RETURNED and status == S.PENDING
    )


def _person_of(repository: Repository, *, user: str, request_id: str) -> User:
    if not request_id:
        return _user_named(user)
    found = AccessRequest.objects.filter(
        groups.counting_for(repository), public_id=request_id
    ).select_related("user")
    request = found.first()
    if request is None:
        raise Missing(_(NO_REQUEST))
    return request.user


def _user_named(name: str) -> User:
    found = User.objects.filter(username__iexact=name, is_active=True).first()
    if found is None:
        raise Missing(_(NO_USER))
    return found


def _checked_reason(reason: str, status: str) -> str:
    reason = " ".join(reason.replace("\0", " ").split())
    if len(reason) > MAX_REASON:
        raise Invalid(_("The reason is longer than %(most)s characters.") % {"most": MAX_REASON})
    return reason if status == S.REJECTED else ""


def _checked_message(text: str) -> str:
    text = text.replace("\0", " ").replace("\r\n", "\n").strip()
    if not text or len(text) > MAX_MESSAGE:
        raise Invalid(_("Write something, in at most %(most)s characters.") % {"most": MAX_MESSAGE})
    return text
