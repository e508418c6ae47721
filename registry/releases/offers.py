"""Which release a visitor is offered, the terms in force for it, and accepting them."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import acceptances, requests
from registry.agreements.models import Acceptance, Capacity
from registry.catalog import positions, questions
from registry.catalog.models import Repository, Revision
from registry.errors import NotNow, RevisionMissing
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


@transaction.atomic
def accept(
    repository: Repository,
    *,
    shown_hash: str,
    typed_name: str,
    by: Caller,
    version: str = "",
    capacity: str = Capacity.SELF,
    now: datetime | None = None,
) -> Acceptance:
    """Accept the terms in force for what the repository offers now. Where the publisher lets in
    whoever asks, that opens their lock too."""
    now = now or timezone.now()
    if by.user is not None:
        # Before the acceptance, which takes the end of the audit log: others lock the person first
        requests.take_turn(by.user)
    release = current(repository, version=version)
    if release is None:
        if version:
            raise RevisionMissing(f"Invalid rev id: {version}")
        raise NotNow("Nothing of this repository is released now, so there is nothing to accept.")
    acceptance = acceptances.accept(
        repository,
        terms=release.terms,
        shown_hash=shown_hash,
        typed_name=typed_name,
        capacity=capacity,
        by=by,
        now=now,
    )
    prompt = questions.of_card(release.revision.card)
    requests.terms_accepted(
        repository, acceptance.user, prompt=prompt, terms_hash=release.terms_hash, now=now
    )
    return acceptance
