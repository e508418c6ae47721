"""Getting access to a repository: the terms of what it offers, and the publisher's own lock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import requests
from registry.agreements.models import AccessRequest
from registry.agreements.requests import Shown
from registry.catalog import cards, files, questions, revisions
from registry.catalog.models import Repository, Revision
from registry.catalog.questions import Prompt
from registry.errors import EntryMissing, Invalid, SignInRequired
from registry.releases import in_force, offers
from registry.releases.models import Release
from registry.storage import blobs

MAX_CARD = 1024 * 1024


@transaction.atomic
def ask(
    repository: Repository,
    *,
    by: Caller,
    answers: Mapping[str, Any],
    terms_hash: str = "",
    typed_name: str = "",
    now: datetime | None = None,
) -> AccessRequest | None:
    """Ask the publisher for access; with the hash of the terms that were shown, accept them too.
    None where there is no lock to ask for."""
    if by.user is None:
        raise SignInRequired("Sign in to ask for access.")
    now = now or timezone.now()
    release = offers.current(repository)
    shown = Shown(
        prompt_of(repository, by), answers, in_force.of(release, now).hash if release else ""
    )
    request = None
    if repository.gated:
        # Before the terms, whose acceptance would answer for those who are asked no questions
        request = requests.ask(
            repository,
            by=by,
            shown=shown,
            terms_are_open=_are_open(release, by),
            now=now,
        )
    if terms_hash:
        name = typed_name or by.user.full_name or by.user.username
        offers.accept(
            repository, shown_hash=terms_hash, typed_name=name, answers=answers, by=by, now=now
        )
    return requests.of_caller(repository, by) if request is not None else None


def prompt_of(repository: Repository, caller: Caller) -> Prompt:
    """What the card asks, as it stands for this caller."""
    revision = revisions.default_for(repository, caller=caller)
    return _prompt(revision) if revision is not None else questions.of_card({})


def terms_to_accept(repository: Repository, caller: Caller) -> Release | None:
    """The release whose terms the caller still has to accept, None where they are met."""
    release = offers.current(repository)
    return None if release is None or _are_open(release, caller) else release


def _prompt(revision: Revision) -> Prompt:
    """What the card asks, in the order in which it is written there: the database keeps a card
    without the order of its keys."""
    try:
        file = files.find(revision, "README.md")
        if file.size > MAX_CARD:
            return questions.of_card(revision.card)
        text = blobs.read(file.sha256, limit=MAX_CARD).decode(errors="replace")
        return questions.of_card(cards.parse(text))
    except (EntryMissing, Invalid):
        return questions.of_card(revision.card)


def _are_open(release: Release | None, caller: Caller) -> bool:
    return release is None or offers.is_accepted(release, caller=caller)
