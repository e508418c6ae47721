"""Organisations that sign: their domains, signatories, and what was signed for them."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.utils import timezone

from registry.accounts import people
from registry.accounts.models import Namespace, Role, User
from registry.agreements import domains
from registry.agreements.models import Acceptance, Capacity, Domain, Ending, EndingEvent
from registry.releases.models import Release
from tests import factories


def verify(user: User, address: str) -> None:
    """The person followed the link that was sent to this address."""
    EmailAddress.objects.update_or_create(user=user, email=address, defaults={"verified": True})


def make_domain(
    organisation: Namespace, domain: str = "lab.example", *, steward: User | None = None
) -> Domain:
    """A domain that a steward confirmed."""
    admin = organisation.memberships.filter(role=Role.ADMIN)[0].user
    asked = domains.ask(organisation, domain=domain, by=factories.as_caller(admin))
    steward = steward or factories.make_user(site_role="steward")
    return domains.confirm(asked, words="Its own site names it.", by=factories.as_caller(steward))


def make_signing(name: str = "", *, domain: str = "lab.example") -> tuple[Namespace, User]:
    """An organisation and an admin of it who may sign."""
    signatory = factories.make_user()
    organisation = factories.make_organisation(name, owner=signatory)
    make_domain(organisation, domain)
    verify(signatory, f"{signatory.username}@{domain}")
    return organisation, signatory


def sign(release: Release, organisation: Namespace, signatory: User) -> Acceptance:
    """The terms of the release, accepted for the organisation."""
    return Acceptance.objects.create(
        user=signatory,
        organisation=organisation,
        repository=release.repository,
        terms=release.terms,
        terms_hash=release.terms_hash,
        capacity=Capacity.ORGANISATION,
        words_digest="0" * 64,
        accepted_at=timezone.now(),
    )


def make_service(organisation: Namespace, name: str = "ci-job") -> User:
    service = people.create_service_account(username=name)
    people.set_role(namespace=organisation, user=service, role=Role.READ, by="")
    return service


def end(acceptance: Acceptance, at: datetime | None = None) -> Ending:
    return Ending.objects.create(
        acceptance=acceptance, event=EndingEvent.PUBLISHER, at=at or timezone.now()
    )
