"""Who may sign for an organisation, and how its members join what was signed."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts import people
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, NamespaceKind, Role, User
from registry.accounts.permissions import Permission, may
from registry.agreements import coverage
from registry.agreements.models import Acceptance, Adherence, Domain, Ending
from registry.agreements.requests import take_turn
from registry.audit import log
from registry.catalog.models import Repository
from registry.errors import (
    Conflict,
    Invalid,
    Missing,
    NotAllowed,
    NotNow,
    RegistryError,
    SignInRequired,
)

AUTHORITY = "authority"  # what the signatory states beside the attestations of the terms
NO_SIGNATURE = gettext_noop("There is no such signature, or none that you may know of.")


def authority_words(organisation: Namespace) -> str:
    """What a signatory states about themselves."""
    return (
        f"I am authorised to bind {organisation.full_name or organisation.name} to these terms, and "
        "I accept them for it."
    )


def confirmed_domains(organisation: Namespace) -> QuerySet[Domain]:
    """By an address in one of these somebody shows that they belong to the organisation."""
    return organisation.domains.filter(ended_at=None, confirmed_at__isnull=False)


def may_sign(organisation: Namespace, by: Caller) -> RegistryError | None:
    """Why the caller may not accept terms for the organisation, or None where they may."""
    if by.user is None:
        return SignInRequired(_("Sign in to accept terms for an organisation."))
    name = organisation.name
    if organisation.kind != NamespaceKind.ORGANISATION:
        return Invalid(
            _("%(name)s is a person. Accept for yourself, or for an organisation.") % {"name": name}
        )
    if by.user.is_service:
        return NotAllowed(_("A service account cannot agree to anything; a person has to."))
    if not by.can_administer:
        return NotAllowed(
            _("Accepting for an organisation needs a browser or a token of scope admin.")
        )
    if not may(by, Permission.ADMIN, organisation):
        return NotAllowed(
            _("Only an admin of %(name)s can accept terms for it. You are not one.")
            % {"name": name}
        )
    confirmed = set(confirmed_domains(organisation).values_list("domain", flat=True))
    if not confirmed:
        waiting = organisation.domains.filter(ended_at=None).order_by("domain")
        names = ", ".join(waiting.values_list("domain", flat=True))
        if names:
            text = _(
                "No mail domain of %(name)s is confirmed, so nobody can sign for it. A steward "
                "looks at %(domains)s, and mails whoever asked."
            )
        else:
            text = _(
                "No mail domain of %(name)s is confirmed, so nobody can sign for it. Ask for one; "
                "a steward of this site confirms it."
            )
        return NotNow(
            text % {"name": name, "domains": names},
            next_url=f"/settings/organisations/{name}/domains",
        )
    if not confirmed & people.verified_domains(by.user):
        domains = ", ".join(sorted(confirmed))
        return NotNow(
            _(
                "Who signs for %(name)s has a verified mail address at %(domains)s. Add yours "
                "and follow the link that is sent to it."
            )
            % {"name": name, "domains": domains},
            next_url="/accounts/email/",
        )
    return None


@transaction.atomic
def require_signatory(organisation: Namespace, by: Caller) -> Domain:
    """Raise unless the caller may sign for the organisation now. Returns the domain that says so.

    Until the end of the transaction neither the role nor the domain can be taken away, and other
    signatories of the organisation wait.
    """
    Namespace.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    if refusal := may_sign(organisation, by):
        raise refusal
    mine = people.verified_domains(by.user) if by.user is not None else set()
    showing = confirmed_domains(organisation).filter(domain__in=mine).order_by("pk")
    if (found := showing.select_for_update(no_key=True).first()) is None:
        raise Conflict(
            _("The domains of %(organisation)s changed just now; try again.")
            % {"organisation": organisation.name}
        )
    return found


def signs_for(by: Caller) -> QuerySet[Namespace]:
    """The organisations for which the caller may sign now."""
    if by.user is None or by.user.is_service or not by.user.is_active or not by.can_administer:
        return Namespace.objects.none()
    domains = Domain.objects.filter(
        ended_at=None,
        confirmed_at__isnull=False,
        domain__in=people.verified_domains(by.user),
    )
    return of(by.user).filter(
        pk__in=domains.values("organisation"),
        memberships__in=Membership.objects.filter(user=by.user, role=Role.ADMIN),
    )


def of(user: User) -> QuerySet[Namespace]:
    """The organisations in which somebody is a member."""
    return Namespace.objects.filter(
        kind=NamespaceKind.ORGANISATION, pk__in=user.memberships.values("namespace")
    ).order_by("name")


def offers_to(
    user: User | None,
    repository: Repository,
    hashes: Collection[str],
    now: datetime | None = None,
) -> QuerySet[Acceptance]:
    """What organisations of this person signed of these sets, which they could join and have not."""
    if user is None or user.is_service:
        return Acceptance.objects.none()
    now = now or timezone.now()
    covering = coverage.of(user=user.pk, repository=repository.pk, hashes=hashes, now=now)
    return (
        Acceptance.objects.filter(
            repository=repository,
            terms_hash__in=list(hashes),
            organisation__in=of(user),
            accepted_at__lte=now,
        )
        .exclude(pk__in=Ending.objects.filter(at__lte=now).values("acceptance"))
        .exclude(pk__in=covering.order_by().values("pk"))
        .select_related("organisation")
        .order_by("organisation__name", "pk")
    )


def signature_of(organisation: Namespace, repository: Repository, terms_hash: str) -> Acceptance:
    """What was signed for the organisation of exactly this set."""
    found = Acceptance.objects.filter(
        organisation=organisation, repository=repository, terms_hash=terms_hash
    ).first()
    if found is None:
        raise Missing(
            _("Nobody accepted these terms for %(organisation)s.")
            % {"organisation": organisation.name}
        )
    return found


def find_signature(public_id: str, *, by: Caller) -> Acceptance:
    """A signature of an organisation in which the caller is a member, for a repository that they
    may know of."""
    if by.user is None:
        raise SignInRequired(_("Sign in to join what your organisation signed."))
    found = (
        Acceptance.objects.filter(
            public_id=public_id,
            organisation__in=of(by.user),
            repository__in=Repository.objects.visible_to(by),
        )
        .select_related("organisation", "repository__namespace")
        .first()
    )
    if found is None:
        raise Missing(_(NO_SIGNATURE))
    return found


@transaction.atomic
def adhere(acceptance: Acceptance, by: Caller, now: datetime | None = None) -> Adherence:
    """Join what the signatory accepted for the organisation. A second time gives the first."""
    if by.user is None:
        raise SignInRequired(_("Sign in to join what your organisation signed."))
    if by.user.is_service:
        raise NotAllowed(_("A service account is covered without joining; there is nothing to do."))
    if not by.can_write:
        raise NotAllowed(_("Joining needs a browser or a token of scope write or admin."))
    acceptance = find_signature(acceptance.public_id, by=by)
    now = now or timezone.now()
    take_turn(by.user)
    membership = (
        Membership.objects.select_for_update(no_key=True, of=("self",))
        .filter(namespace=acceptance.organisation_id, user=by.user)
        .select_related("namespace")
        .first()
    )
    if membership is None:
        raise Missing(_(NO_SIGNATURE))
    if acceptance.user_id == by.user.pk:
        raise NotNow(_("You signed these terms yourself, so they cover you already."))
    if Ending.objects.filter(acceptance=acceptance, at__lte=now).exists():
        raise NotNow(_("The license under this signature ended, so nobody can join it any more."))
    adherence, is_new = Adherence.objects.get_or_create(
        acceptance=acceptance,
        user=by.user,
        membership=membership.pk,
        defaults={"token": by.token, "at": now},
    )
    if is_new:
        log.record(
            "terms.adhere",
            actor=by.public_id,
            subject=acceptance,
            organisation=membership.namespace.public_id,
            terms=acceptance.terms_hash,
        )
    return adherence
