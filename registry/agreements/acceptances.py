"""Accepting terms: what is stored is what was shown, and a receipt is made of it at once."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, User
from registry.agreements import attestations, coverage, endings, organisations, receipts, requests
from registry.agreements import terms as terms_of
from registry.agreements.models import Acceptance, AcceptanceWords, Capacity, Ending
from registry.audit import canonical, log
from registry.catalog import questions
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, SignInRequired

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
    organisation: Namespace | None = None,
    answers: Mapping[str, Any] | None = None,
    country: str = "",
    attested: Mapping[str, Any] | None = None,
    release_digest: str = "",
    release_version: str = "",
    now: datetime | None = None,
) -> Acceptance:
    """Record that the caller, or an organisation that they sign for, agreed to this set, and make
    the receipt. A second time gives the first acceptance.

    `terms` is the set in force, `shown_hash` what the form or program echoes of the set that it
    showed; when they differ, nothing is stored and the caller has to look again. `answers` are to
    the publisher's questions by label, `country` is the domicile or place of business as its code,
    where the set asks for it, and `attested` says yes to its other statements by id.
    """
    user, now = _person(by), now or timezone.now()
    _require_shown(terms, shown_hash)
    requests.take_own_turn(user)
    _require_party(by, capacity, organisation)
    existing = _existing(repository, user, organisation, shown_hash)
    if existing is not None:
        return _repeated(existing, release_version, now)
    endings.require_none(terms, user=user, organisation=organisation)
    stated = attestations.judge(
        terms, organisation=organisation, country=country, attested=attested or {}
    )
    acceptance = Acceptance(
        user=user,
        organisation=organisation,
        repository=repository,
        terms=terms,
        terms_hash=shown_hash,
        capacity=Capacity.SELF if organisation is None else Capacity.ORGANISATION,
        release_digest=release_digest,
        attested=stated.statements,
        token=by.token,
        accepted_at=now,
    )
    words = _words(user, typed_name, stated.country, _answers(terms, answers or {}))
    return _record(acceptance, words, by=by, release_version=release_version)


def find(
    repository: Repository, *, terms_hash: str, caller: Caller, now: datetime | None = None
) -> Acceptance | None:
    """The acceptance of exactly this set for this repository that covers the caller."""
    if caller.user is None:
        return None
    found = coverage.of(
        user=caller.user.pk,
        repository=repository.pk,
        hashes=[terms_hash],
        now=now or timezone.now(),
    )
    return found.first()


def of(*, user: Any, repository: Any, terms_hash: Any) -> QuerySet[Acceptance]:
    """The acceptance of exactly this set for this repository by this person: one at most. Keys and
    hash may be expressions."""
    return Acceptance.objects.filter(
        organisation=None, user_id=user, repository_id=repository, terms_hash=terms_hash
    )


def checked_name(typed_name: str) -> str:
    """A name that was typed in place of a signature, or the refusal."""
    name = " ".join(typed_name.split())
    if not name:
        raise Invalid(_("Type your name to accept."))
    if len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(
            _("The name must be printable and at most %(most)s characters long.")
            % {"most": MAX_NAME}
        )
    return name


def _record(
    acceptance: Acceptance, words: AcceptanceWords, *, by: Caller, release_version: str
) -> Acceptance:
    """Write an acceptance, its words, its receipt and the entry of the act."""
    acceptance.words_digest = canonical.digest(receipts.disclosed(words))
    acceptance.save(force_insert=True)
    words.acceptance = acceptance
    words.save(force_insert=True)
    receipt = receipts.issue(
        acceptance, release_version=release_version, now=acceptance.accepted_at
    )
    of_whom = acceptance.organisation
    log.record(
        "terms.accept",
        actor=by.public_id,
        subject=acceptance.repository,
        terms=acceptance.terms_hash,
        acceptance=acceptance.public_id,
        receipt=receipt.public_id,
        **({"organisation": of_whom.public_id} if of_whom is not None else {}),
    )
    return acceptance


def _words(user: User, typed_name: str, country: str, answers: dict[str, str]) -> AcceptanceWords:
    return AcceptanceWords(
        typed_name=checked_name(typed_name),
        name=user.full_name or user.username,
        address=user.email,
        country=country,
        answers=answers,
        salt=secrets.token_hex(32),
    )


def _require_party(by: Caller, capacity: str, organisation: Namespace | None) -> None:
    """Raise unless it is clear for whom the caller accepts, and that they may."""
    if organisation is not None:
        organisations.require_signatory(organisation, by)
    elif capacity != Capacity.SELF:
        raise Invalid(_("Say whether you accept for yourself or for which organisation."))


def _existing(
    repository: Repository, user: User, organisation: Namespace | None, terms_hash: str
) -> Acceptance | None:
    found = Acceptance.objects.filter(repository=repository, terms_hash=terms_hash)
    if organisation is not None:
        return found.filter(organisation=organisation).first()
    return found.filter(organisation=None, user=user).first()


def _require_shown(terms: dict[str, Any], shown_hash: str) -> None:
    if shown_hash != terms_of.hash_of(terms):
        raise Conflict(
            _(
                "The terms have changed since they were shown. Nothing was recorded; read them "
                "again."
            )
        )


def _repeated(acceptance: Acceptance, release_version: str, now: datetime) -> Acceptance:
    """The first acceptance, with the receipt that one from before there were receipts lacks; or the
    refusal when the license that it gave is over: the same terms give no other."""
    ending = Ending.objects.filter(acceptance=acceptance, at__lte=now).first()
    if ending is not None:
        raise NotNow(
            _(
                "These terms were accepted before, and the license under them ended on %(at)s: "
                "%(event)s. Accepting them again gives no new one; write to the publisher."
            )
            % {
                "at": f"{ending.at.astimezone(UTC):%Y-%m-%d}",
                "event": _(ending.get_event_display()),
            }
        )
    receipts.issue(acceptance, release_version=release_version, now=now)
    return acceptance


def _answers(terms: dict[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """The answers to the questions of the set as they are kept, or the refusal."""
    kept, wrong = questions.judge(questions.of_json(terms.get("prompt")), given)
    if wrong:
        named = " ".join(f"{label[:80]!r}: {why}" for label, why in list(wrong.items())[:5])
        raise Invalid(
            _("The publisher asks, and not every answer can be taken. %(named)s") % {"named": named}
        )
    return kept


def _person(by: Caller) -> User:
    """Who agrees, or the refusal."""
    if by.user is None:
        raise SignInRequired(_("Sign in to accept the terms."))
    if by.user.is_service:
        raise NotAllowed(_("A service account cannot agree to anything; a person has to."))
    if not by.can_write:
        raise NotAllowed(_("Accepting terms needs a token of scope write or admin, or a browser."))
    return by.user
