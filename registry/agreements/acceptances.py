"""Accepting terms: what is stored is what was shown."""

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import terms as terms_of
from registry.agreements.models import Acceptance, AcceptanceWords, Capacity
from registry.audit import canonical, log
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, NotAllowed, SignInRequired

MAX_NAME = 200


@transaction.atomic
def accept(
    repository: Repository,
    *,
    terms: dict[str, Any],
    shown_hash: str,
    typed_name: str,
    by: Caller,
    capacity: str = Capacity.SELF,
    now: datetime | None = None,
) -> Acceptance:
    """Record that the caller agreed to this set. A second time gives the first acceptance.

    `terms` is the set in force, `shown_hash` what the form or program echoes of the set that it
    showed; when they differ, nothing is stored and the caller has to look again.
    """
    user = _person(by)
    expected = terms_of.hash_of(terms)
    if shown_hash != expected:
        raise Conflict(
            "The terms have changed since they were shown. Nothing was recorded; read them again."
        )
    name = _checked_name(typed_name)
    if capacity not in Capacity.values:
        raise Invalid("Say whether you accept for yourself or for your organisation.")
    salt = secrets.token_hex(32)
    acceptance, is_new = Acceptance.objects.get_or_create(
        user=user,
        repository=repository,
        terms_hash=expected,
        defaults={
            "terms": terms,
            "capacity": capacity,
            "words_digest": canonical.digest({"salt": salt, "typed_name": name, "answers": {}}),
            "token": by.token,
            "accepted_at": now or timezone.now(),
        },
    )
    if is_new:
        AcceptanceWords.objects.create(acceptance=acceptance, typed_name=name, salt=salt)
        log.record(
            "terms.accept",
            actor=by.public_id,
            subject=repository,
            terms=expected,
            acceptance=acceptance.public_id,
        )
    return acceptance


def find(repository: Repository, *, terms_hash: str, caller: Caller) -> Acceptance | None:
    """The caller's acceptance of exactly this set for this repository."""
    if caller.user is None:
        return None
    return of(user=caller.user.pk, repository=repository.pk, terms_hash=terms_hash).first()


def of(*, user: Any, repository: Any, terms_hash: Any) -> QuerySet[Acceptance]:
    """The acceptance of exactly this set for this repository by this person: one at most. Keys and
    hash may be expressions."""
    return Acceptance.objects.filter(user_id=user, repository_id=repository, terms_hash=terms_hash)


def _person(by: Caller) -> User:
    """Who agrees, or the refusal."""
    if by.user is None:
        raise SignInRequired("Sign in to accept the terms.")
    if by.user.is_service:
        raise NotAllowed("A service account cannot agree to anything; a person has to.")
    if not by.can_write:
        raise NotAllowed("Accepting terms needs a token of scope write or admin, or a browser.")
    return by.user


def _checked_name(typed_name: str) -> str:
    name = " ".join(typed_name.split())
    if not name:
        raise Invalid("Type your name to accept.")
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"The name must be printable and at most {MAX_NAME} characters long.")
    return name
