"""Which release a visitor is offered, the terms in force for it, and accepting them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.agreements import acceptances, coverage, requests
from registry.agreements.models import Acceptance, Capacity
from registry.agreements.requests import Shown
from registry.catalog import positions, questions
from registry.catalog.models import Repository, Revision
from registry.errors import NotNow, RevisionMissing
from registry.releases import in_force
from registry.releases.models import Release, Status


def current(repository: Repository, *, version: str = "") -> Release | None:
    """The release of this label, or the one at the public position of `main`; None where nothing
    is released."""
    released = Release.objects.select_related("revision", "repository__namespace").filter(
        repository=repository, status=Status.RELEASED
    )
    if version:
        return released.filter(version=version).first()
    revision = positions.public(repository, "main")
    return released.filter(revision=revision).first() if revision else None


def of_revision(revision: Revision) -> Release | None:
    """The release by which a revision is out."""
    return Release.objects.filter(revision=revision, status=Status.RELEASED).first()


def is_accepted(release: Release, *, caller: Caller, now: datetime | None = None) -> bool:
    """Whether the caller may go by the terms of a release: they ask nothing, or are accepted."""
    if not release.terms["needs_acceptance"]:
        return True
    return acceptance_of(release, caller=caller, now=now) is not None


def acceptance_of(
    release: Release, *, caller: Caller, now: datetime | None = None
) -> Acceptance | None:
    """The acceptance by which the terms in force of a release are met for the caller."""
    if caller.user is None:
        return None
    now = now or timezone.now()
    return coverage.of(
        user=caller.user.pk,
        repository=release.repository_id,
        hashes=in_force.of(release, now).counts,
        now=now,
    ).first()


@transaction.atomic
def accept(
    repository: Repository,
    *,
    shown_hash: str,
    typed_name: str,
    by: Caller,
    version: str = "",
    capacity: str = Capacity.SELF,
    organisation: Namespace | None = None,
    answers: Mapping[str, Any] | None = None,
    country: str = "",
    attested: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Acceptance:
    """Accept the terms in force for what the repository offers now, or those that a campaign will
    put in force. Where the publisher lets in whoever asks, that opens their lock too."""
    now = now or timezone.now()
    if by.user is not None:
        # Before the acceptance, which takes the end of the audit log: others lock the person first
        requests.take_turn(by.user)
    release = _required(repository, version)
    meant = in_force.named(release, shown_hash, now)
    acceptance = acceptances.accept(
        repository,
        terms=meant.terms,
        shown_hash=shown_hash,
        typed_name=typed_name,
        capacity=capacity,
        organisation=organisation,
        answers=answers,
        country=country,
        attested=attested,
        release_digest=release.digest,
        release_version=release.version,
        by=by,
        now=now,
    )
    if acceptance.organisation_id is None and repository.gated:
        prompt = questions.of_revision(release.revision)
        if prompt.asked and answers:
            # The publisher's lock asks the same questions: who answers them here has asked
            shown = Shown(prompt, answers, meant.hash)
            requests.ask(repository, by=by, shown=shown, terms_are_open=True, now=now)
        requests.terms_accepted(
            repository, acceptance.user, prompt=prompt, terms_hash=meant.hash, now=now
        )
    return acceptance


def _required(repository: Repository, version: str) -> Release:
    """The release whose terms are accepted, or the refusal."""
    release = current(repository, version=version)
    if release is None and version:
        raise RevisionMissing(f"Invalid rev id: {version}")
    if release is None:
        raise NotNow(
            _("Nothing of this repository is released now, so there is nothing to accept.")
        )
    return release
