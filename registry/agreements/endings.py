"""Ending the license under an acceptance: by whom, for what, and what follows from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import languages, permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, Role, User
from registry.accounts.permissions import Permission
from registry.agreements import requests
from registry.agreements.models import (
    LIVING,
    Acceptance,
    AccessRequest,
    Adherence,
    Deletion,
    Document,
    DocumentKind,
    Ending,
    EndingEvent,
)
from registry.audit import log
from registry.errors import Conflict, Invalid, NotAllowed, SignInRequired
from registry.outbox import mail

MAX_REASON = 500
BY_STEWARDS = frozenset({EndingEvent.BREACH, EndingEvent.PUBLISHER, EndingEvent.SUIT})
Party = User | Namespace


@dataclass(frozen=True)
class Counts:
    """What ending a license reaches, exactly."""

    acceptances: int
    people: int
    organisations: int
    repositories: int
    requests: int


def may_govern(by: Caller) -> bool:
    """Whether this caller ends licenses of others, and sees all that are ended."""
    return by.is_steward and by.can_administer


@transaction.atomic
def end(
    acceptance: Acceptance, *, event: str, reason: str, by: Caller, now: datetime | None = None
) -> Ending:
    """End the license under one acceptance, for good. It opens nothing from then on, what was
    granted on top of it is revoked, and the files have to be deleted."""
    _require_may_end(acceptance, event, by)
    reason = _checked_reason(reason, event)
    (made,) = _end_all([acceptance], event=event, reason=reason, by=by, now=now or timezone.now())
    return made


@transaction.atomic
def end_license(
    document: Document,
    *,
    event: str,
    reason: str,
    by: Caller,
    party: Party | None = None,
    expected: int | None = None,
    now: datetime | None = None,
) -> list[Ending]:
    """End a license wherever a party accepted it, or without one wherever anybody did. `expected`
    is how many acceptances were shown before; where it is another number now, nothing happens."""
    if not may_govern(by):
        raise NotAllowed(_("Only stewards end the license of somebody else."))
    if event not in BY_STEWARDS:
        raise Invalid(_("Say why the license ends: a breach, its publisher, or a suit."))
    if party is None and event != EndingEvent.PUBLISHER:
        raise Invalid(
            _("Only its publisher ends a license for everybody; name whose license ends.")
        )
    reason = _checked_reason(reason, event)
    found = list(reached(document, party))
    if expected is not None and expected != len(found):
        raise Conflict(
            _(
                "It is %(found)s acceptances by now and not %(expected)s. Nothing was ended; "
                "look at the numbers again."
            )
            % {"found": len(found), "expected": expected}
        )
    return _end_all(found, event=event, reason=reason, by=by, now=now or timezone.now())


def reached(document: Document, party: Party | None = None) -> QuerySet[Acceptance]:
    """The acceptances of a party, or of everybody, that stand and whose terms name the license."""
    names = Document.objects.filter(Q(pk=document.pk) | Q(stands_for=document))
    named = Q(pk__in=[])
    for public_id in names.values_list("public_id", flat=True):
        named |= Q(terms__documents__contains=[{"document": public_id}])
    found = standing().filter(named)
    if isinstance(party, User):
        found = found.filter(user=party, organisation=None)
    elif party is not None:
        found = found.filter(organisation=party)
    related = found.select_related("user", "organisation", "repository__namespace")
    return related.defer("terms").order_by("pk")


def standing() -> QuerySet[Acceptance]:
    """The acceptances whose license has not ended."""
    return Acceptance.objects.filter(ending=None)


def counts(document: Document, party: Party | None = None) -> Counts:
    """What `end_license` would reach now."""
    numbers = reached(document, party).aggregate(
        acceptances=Count("pk"),
        people=Count("user", distinct=True, filter=Q(organisation=None)),
        organisations=Count("organisation", distinct=True),
        repositories=Count("repository", distinct=True),
    )
    pairs = {pair for one in reached(document, party) for pair in _holders(one)}
    asked = AccessRequest.objects.filter(
        user__in={user for user, _ in pairs}, state__in=LIVING
    ).values_list("user_id", "repository_id")
    return Counts(**numbers, requests=sum(pair in pairs for pair in asked))


@transaction.atomic
def confirm_deletion(ending: Ending, *, by: Caller, now: datetime | None = None) -> Deletion:
    """The licensee says that the files are deleted. A second time gives the first answer."""
    if by.user is None:
        raise SignInRequired(_("Sign in to confirm the deletion."))
    if not _speaks_for(ending.acceptance, by):
        raise NotAllowed(_("Only whoever held the license confirms that the files are deleted."))
    made, is_new = Deletion.objects.get_or_create(
        ending=ending, defaults={"by": by.user, "at": now or timezone.now()}
    )
    if is_new:
        log.record("license.delete-files", actor=by.public_id, subject=ending.acceptance)
    return made


def visible_to(caller: Caller) -> QuerySet[Ending]:
    """The endings that this caller may see: their own, their organisations', for stewards all."""
    found = Ending.objects.select_related(
        "acceptance__repository__namespace",
        "acceptance__user",
        "acceptance__organisation",
        "acceptance__receipt",
    ).order_by("-pk")
    if may_govern(caller):
        return found
    return found.filter(_of(caller, prefix="acceptance__"))


def of_caller(caller: Caller) -> QuerySet[Ending]:
    """The endings of the caller's own licenses and of those that they answer for."""
    return visible_to(caller).filter(_of(caller, prefix="acceptance__"))


def acceptances_of(caller: Caller) -> QuerySet[Acceptance]:
    """What the caller accepted, or answers for as an admin of the organisation."""
    return Acceptance.objects.filter(_of(caller)).select_related(
        "repository__namespace", "organisation", "receipt"
    )


def name_of(acceptance: Acceptance) -> str:
    """What the repository was called when it was accepted, as the receipt says: its name of today
    may be none of theirs to know."""
    receipt = getattr(acceptance, "receipt", None)
    known = receipt.body["repository"]["name"] if receipt is not None else ""
    return str(known or acceptance.repository.public_id)


def are_open() -> Q:
    """The condition that nobody has confirmed the deletion yet."""
    return Q(deletion=None)


def require_none(
    terms: dict[str, Any], *, user: User, organisation: Namespace | None = None
) -> None:
    """Raise where a steward ended a license in these terms for this party: a changed text or a new
    release is no way around that."""
    party = (
        Q(user=user, organisation=None) if organisation is None else Q(organisation=organisation)
    )
    licenses = Q(pk__in=[])
    for item in terms["documents"]:
        if item["kind"] == DocumentKind.LICENSE:
            licenses |= Q(terms__documents__contains=[{"document": item["document"]}])
    ended = Ending.objects.filter(
        acceptance__in=Acceptance.objects.filter(party, licenses), event__in=BY_STEWARDS
    )
    if (last := ended.order_by("-pk").first()) is not None:
        raise NotAllowed(
            _(
                "This license ended on %(at)s: %(event)s. It is not given again by accepting; "
                "write to a steward of this site."
            )
            % {"at": f"{last.at:%Y-%m-%d}", "event": _(last.get_event_display())},
            next_url="/settings/agreements",
        )


def _end_all(
    found: list[Acceptance], *, event: str, reason: str, by: Caller, now: datetime
) -> list[Ending]:
    pairs = sorted({pair for one in found for pair in _holders(one)})
    people = User.objects.filter(
        pk__in={user for user, _ in pairs} | {one.user_id for one in found}
    )
    # Everybody's turn in one order, so that two who end at once never wait for each other
    locked = {one.pk: one for one in people.select_for_update(no_key=True).order_by("pk")}
    if Ending.objects.filter(acceptance__in=found).exists():
        raise Conflict(_("This license has ended already."))
    made = [
        Ending.objects.create(acceptance=one, event=event, by=by.user, reason=reason, at=now)
        for one in found
    ]
    for user in sorted({user for user, _key in pairs}):
        theirs = [key for one, key in pairs if one == user]
        losing = [key for key in theirs if not _is_covered_otherwise(user, key)]
        why = "The license that you accepted has ended."
        requests.close(locked[user], losing, by=by, reason=why, now=now)
    for ending in made:
        log.record(
            "license.end",
            actor=by.public_id,
            subject=ending.acceptance,
            repository=ending.acceptance.repository.public_id,
            why=str(event),
        )
    _tell(made)
    return made


def _holders(acceptance: Acceptance) -> set[tuple[int, int]]:
    """Who downloads by an acceptance, as keys of person and repository."""
    people = {acceptance.user_id}
    if acceptance.organisation_id is not None:
        joined = Adherence.objects.filter(acceptance=acceptance)
        people |= set(joined.values_list("user_id", flat=True))
    return {(user, acceptance.repository_id) for user in people}


def _is_covered_otherwise(user: int, repository: int) -> bool:
    """Whether the person holds the license of this repository in another way, which stands."""
    member = Membership.objects.filter(user=user, namespace=OuterRef("organisation"))
    joined = Adherence.objects.filter(acceptance=OuterRef("pk"), user=user)
    own = Q(user=user, organisation=None)
    theirs = Exists(member) & (Q(user=user) | Exists(joined))
    return standing().filter(own | Q(theirs), repository=repository).exists()


def _tell(made: list[Ending]) -> None:
    """One mail for each person, however many acceptances ended."""
    by_person: dict[User, list[Ending]] = {}
    for ending in made:
        for person in _answerable(ending.acceptance):
            by_person.setdefault(person, []).append(ending)
    for person, theirs in by_person.items():
        with languages.speaking_to(person):
            mail.queue(
                to=person.email,
                subject=_("A license that you accepted has ended"),
                text=_text(theirs),
            )


def _text(theirs: list[Ending]) -> str:
    ended = _("The license under which you could download has ended (%(why)s):") % {
        "why": _(theirs[0].get_event_display())
    }
    names = "\n".join(f"- {name_of(one.acceptance)}" for one in theirs)
    reason = _("The reason given: %(reason)s") % {"reason": theirs[0].reason}
    delete = _("Delete the files that you hold, and confirm it here:")
    parts = [ended, names, *([reason] if theirs[0].reason else [])]
    return "\n\n".join([*parts, f"{delete}\n{settings.SITE_URL}/settings/agreements\n"])


def _answerable(acceptance: Acceptance) -> QuerySet[User]:
    """Who is told: whoever downloads by it, of an organisation as far as they are in it, and its
    admins."""
    told = Q(pk__in={user for user, _key in _holders(acceptance)})
    if acceptance.organisation is not None:
        members = acceptance.organisation.memberships
        admins = Q(pk__in=members.filter(role=Role.ADMIN).values("user"))
        told = (told | admins) & Q(pk__in=members.values("user"))
    return User.objects.filter(told, is_active=True).exclude(email="").order_by("pk")


def _of(caller: Caller, *, prefix: str = "") -> Q:
    """The condition that an acceptance is the caller's, or of an organisation that they admin."""
    if caller.user is None:
        return Q(pk__in=[])
    admin_of = Membership.objects.filter(user=caller.user, role=Role.ADMIN).values("namespace")
    return Q(**{f"{prefix}user": caller.user}) | Q(**{f"{prefix}organisation__in": admin_of})


def _speaks_for(acceptance: Acceptance, by: Caller) -> bool:
    """Whether the caller is the licensee, or answers for the organisation that is."""
    if by.user is None or not by.can_write:
        return False
    if acceptance.organisation is None:
        return acceptance.user_id == by.user.pk
    if permissions.may(by, Permission.ADMIN, acceptance.organisation):
        return True
    is_member = permissions.role_in(by, acceptance.organisation) is not None
    return acceptance.user_id == by.user.pk and is_member


def _require_may_end(acceptance: Acceptance, event: str, by: Caller) -> None:
    if by.user is None:
        raise SignInRequired(_("Sign in to end a license."))
    if event == EndingEvent.LICENSEE:
        if not _speaks_for(acceptance, by):
            raise NotAllowed(_("Only whoever holds a license gives it back."))
    elif event not in BY_STEWARDS:
        raise Invalid(_("Say why the license ends."))
    elif not may_govern(by):
        raise NotAllowed(_("Only stewards end the license of somebody else."))


def _checked_reason(reason: str, event: str) -> str:
    reason = " ".join(reason.replace("\0", " ").split())
    if len(reason) > MAX_REASON:
        raise Invalid(_("The reason is longer than %(most)s characters.") % {"most": MAX_REASON})
    if not reason and event != EndingEvent.LICENSEE:
        raise Invalid(_("Give the reason; the licensee is told it, and it is kept for good."))
    return reason
