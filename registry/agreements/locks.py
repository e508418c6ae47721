"""The publisher's own lock on a repository: who sets it, and when a rejected person may ask again."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.agreements.models import AccessPolicy
from registry.audit import log
from registry.catalog import announcements, turns
from registry.catalog.models import Gated, Repository
from registry.errors import Invalid, NotAllowed

DEFAULT_DAYS = 30
MOST_DAYS = 3650


def mode_named(wanted: Any) -> Gated:
    """The mode that the wire's word means: auto, manual, or false for none."""
    if wanted is False:
        return Gated.NO
    if isinstance(wanted, str) and wanted in {Gated.AUTO, Gated.MANUAL}:
        return Gated(wanted)
    raise Invalid('"gated" must be one of [auto, manual, false]')


@transaction.atomic
def set_mode(repository: Repository, mode: str, *, by: Caller) -> None:
    """Say who lets readers in. All requests and grants stay as they are."""
    if mode not in Gated.values:
        raise Invalid(_("Choose nobody, whoever asks, or whom a person lets in."))
    _require_manage(repository, by)
    before = turns.take(repository).gated
    if before == mode:
        return
    Repository.objects.filter(pk=repository.pk).update(gated=mode)
    repository.gated = mode
    log.record(
        "repository.set-gated",
        actor=by.public_id,
        subject=repository,
        before=before or "false",
        after=str(mode) or "false",
    )
    announcements.announce(repository, "repo.config", "update")


def policy_of(repository: Repository) -> AccessPolicy:
    """How the publisher handles requests; what is the rule everywhere, where they said nothing."""
    found = AccessPolicy.objects.filter(repository=repository).first()
    return found or AccessPolicy(repository=repository)


def ask_again_days(repository: Repository) -> int:
    """How long a rejected person waits before they may ask again."""
    return policy_of(repository).ask_again_days


@transaction.atomic
def set_ask_again(repository: Repository, days: int, *, by: Caller) -> None:
    """Say how long a rejected person waits, also those who were rejected before."""
    _require_manage(repository, by)
    if not 0 <= days <= MOST_DAYS:
        raise Invalid(_("Write a number of days from 0 to %(most)s.") % {"most": MOST_DAYS})
    before = ask_again_days(repository)
    AccessPolicy.objects.update_or_create(repository=repository, defaults={"ask_again_days": days})
    if before != days:
        log.record(
            "repository.set-ask-again",
            actor=by.public_id,
            subject=repository,
            before=before,
            after=days,
        )


@transaction.atomic
def set_days(
    repository: Repository, *, lapse_days: int, grant_days: int | None, by: Caller
) -> None:
    """Say how long requests wait that are made from now on, and how long grants last unless
    somebody says otherwise (None: without an end)."""
    _require_manage(repository, by)
    for days in (lapse_days, grant_days):
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise Invalid(_("Write a number of days from 1 to %(most)s.") % {"most": MOST_DAYS})
    turns.take(repository)
    before = policy_of(repository)
    if (before.lapse_days, before.grant_days) == (lapse_days, grant_days):
        return
    wanted = {"lapse_days": lapse_days, "grant_days": grant_days}
    AccessPolicy.objects.update_or_create(repository=repository, defaults=wanted)
    log.record(
        "repository.set-access-days",
        actor=by.public_id,
        subject=repository,
        before={"lapse_days": before.lapse_days, "grant_days": before.grant_days},
        after=wanted,
    )


def may_ask_from(repository: Repository, rejected_at: datetime) -> datetime:
    """When a person who was rejected then may ask again."""
    return rejected_at + timedelta(days=ask_again_days(repository))


def may_set(repository: Repository, by: Caller) -> bool:
    """Whether this caller may set the lock."""
    return by.reaches(repository.public_id) and permissions.may(
        by, Permission.MANAGE, repository.namespace
    )


def _require_manage(repository: Repository, by: Caller) -> None:
    if not may_set(repository, by):
        raise NotAllowed(
            _(
                "Setting who may download needs the role admin in the namespace and a token "
                "that may write."
            )
        )
