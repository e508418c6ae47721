"""Getting access to a repository: the terms of what it offers, and the publisher's own lock."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import grants, requests
from registry.agreements.models import AccessRequest, Grant
from registry.agreements.requests import Shown
from registry.agreements.scopes import Scope
from registry.catalog import questions, revisions
from registry.catalog.models import Repository
from registry.catalog.questions import Prompt
from registry.errors import Invalid, SignInRequired
from registry.releases import in_force, offers, present
from registry.releases.models import WAS_RELEASED, Release


@transaction.atomic
def ask(
    repository: Repository,
    *,
    by: Caller,
    answers: Mapping[str, Any],
    terms_hash: str = "",
    typed_name: str = "",
    purpose: str = "",
    wanted_until: datetime | None = None,
    country: str = "",
    now: datetime | None = None,
) -> AccessRequest | None:
    """Ask the publisher for access; with the hash of the terms that were shown, accept them too.
    None where there is no lock to ask for."""
    if by.user is None:
        raise SignInRequired(_("Sign in to ask for access."))
    now = now or timezone.now()
    release = offers.current(repository)
    shown = Shown(
        prompt_of(repository, by),
        answers,
        in_force.of(release, now).hash if release else "",
        purpose=purpose,
        wanted_until=wanted_until,
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
            repository,
            shown_hash=terms_hash,
            typed_name=name,
            answers=answers,
            country=country,
            by=by,
            now=now,
        )
    return requests.of_caller(repository, by) if request is not None else None


def prompt_of(repository: Repository, caller: Caller) -> Prompt:
    """What the card asks, as it stands for this caller."""
    revision = revisions.default_for(repository, caller=caller)
    return questions.of_card({}) if revision is None else questions.of_revision(revision)


def terms_to_accept(repository: Repository, caller: Caller) -> Release | None:
    """The release whose terms the caller still has to accept, None where they are met."""
    release = offers.current(repository)
    return None if release is None or _are_open(release, caller) else release


def scope_of(repository: Repository, scope: Scope, *, first: str = "", last: str = "") -> Scope:
    """A scope from one release of the repository to another, by version label or id."""
    found = [_release(repository, name) if name else None for name in (first, last)]
    since, until = found
    if since is not None and until is not None and since.pk > until.pk:
        raise Invalid(_("The first release has to be the older one."))
    return replace(
        scope,
        first_release=since.public_id if since else "",
        last_release=until.public_id if until else "",
    )


@transaction.atomic
def give(
    repository: Repository, *, user: str, scope: Scope, by: Caller, now: datetime | None = None
) -> Grant:
    """Let a person in who is named, or give one more grant to who is let in already."""
    now = now or timezone.now()
    request = requests.let_in(repository, user=user, by=by, now=now)
    if request is None:
        request = requests.grant(repository, user=user, by=by, scope=scope, now=now)
        return request.grants.latest("pk")
    return grants.add(request, scope, by=by, now=now)


def grants_of(repository: Repository, user: User) -> QuerySet[Grant]:
    """What a person was given for a repository and its group, the newest first."""
    return grants.of_repository(repository).filter(user=user)


def versions_of(repository: Repository) -> list[str]:
    """The version labels of what was released, the newest first, to choose between."""
    found = Release.objects.filter(repository=repository, status__in=WAS_RELEASED)
    return list(found.order_by("-pk").values_list("version", flat=True)[:200])


def labels_of(found: Iterable[Grant]) -> dict[str, str]:
    """The version labels of the releases that bound these grants, by public id."""
    bounds = Release.objects.filter(public_id__in=grants.bounds(found))
    return dict(bounds.values_list("public_id", "version"))


def downloads_used(found: Iterable[Grant], repository: Repository) -> dict[int, Fraction]:
    """How many full downloads of what is offered now were made by those of these grants that count
    them, by key."""
    counting = [one for one in found if one.full_downloads is not None]
    release = offers.current(repository) if counting else None
    if release is None:
        return {}
    weights, digest = present.weights(release.revision), release.digest
    return {one.pk: grants.used(one, release_digest=digest, weights=weights) for one in counting}


def _release(repository: Repository, name: str) -> Release:
    named = Q(public_id=name) | Q(version=name)
    found = Release.objects.filter(named, repository=repository, status__in=WAS_RELEASED).first()
    if found is None:
        raise Invalid(_("There is no release %(name)r of this repository.") % {"name": name[:64]})
    return found


def _are_open(release: Release | None, caller: Caller) -> bool:
    return release is None or offers.is_accepted(release, caller=caller)
