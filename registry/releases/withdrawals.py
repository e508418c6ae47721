"""Taking releases back, giving them back and warning of them, several at once under one advisory."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.accounts.permissions import Permission
from registry.audit import log
from registry.catalog import turns
from registry.catalog.models import Repository
from registry.discussions.models import Discussion
from registry.errors import Invalid, NotAllowed, NotNow, SignInRequired
from registry.releases import advisories, campaigns, steps, workflow
from registry.releases.models import (
    Advisory,
    AdvisoryCategory,
    AdvisoryKind,
    AdvisoryScope,
    Release,
    Severity,
)

NOTICE = "notice"
STEPS = ("suspend", "recall", "restore", NOTICE)


@dataclass(frozen=True)
class Scope:
    """Which releases of the repository: these, by public id, or with `is_all` each for which the
    step can be taken now."""

    releases: Collection[str] = ()
    is_all: bool = False


@transaction.atomic
def act(
    step: str,
    repository: Repository,
    *,
    scope: Scope,
    by: Caller,
    reason: str,
    category: str = AdvisoryCategory.OTHER,
    severity: str = Severity.HIGH,
    conflicts: Collection[str] = (),
    now: datetime | None = None,
) -> Advisory:
    """Suspend, recall, restore or warn of these releases, and have one advisory tell of it. All of
    them or none: where one of those named cannot be moved, nothing is done. `conflicts` are the
    interests that who restores says they know of: all that they have in any of these."""
    _check_step(step)
    maintainer = _maintainer(repository, by)
    advisories.check(category=category, severity=severity, reason=reason)
    turns.take(repository)
    chosen = _chosen(step, repository, scope, by)
    _lock(chosen)
    before = advisories.standing_on(chosen).first() if step != NOTICE else None
    advisory = advisories.make(
        repository,
        kind=advisories.KINDS.get(step, AdvisoryKind.NOTICE),
        category=category,
        severity=severity,
        reason=reason,
        by=maintainer,
        follows=before,
        now=now,
    )
    for release in chosen:
        if step == NOTICE:
            AdvisoryScope.objects.create(advisory=advisory, release=release)
        else:
            workflow.transition(
                step, release, by=by, reason=reason, conflicts=conflicts, advisory=advisory
            )
    log.record(
        "advisory.publish",
        actor=by.public_id,
        subject=advisory,
        kind=advisory.kind,
        releases=[release.public_id for release in chosen],
    )
    return advisory


def _check_step(step: str) -> None:
    if step not in STEPS:
        raise Invalid(
            _("%(step)r is not something to do here; choose of %(steps)s.")
            % {"step": step[:40], "steps": ", ".join(STEPS)}
        )


def may_act(repository: Repository, by: Caller) -> bool:
    """Whether the caller may take back what this repository released."""
    return permissions.may(by, Permission.REVIEW, repository.namespace) and by.reaches(
        repository.public_id
    )


def _maintainer(repository: Repository, by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to act on what was released."))
    if not may_act(repository, by):
        raise NotAllowed(
            _(
                "Only a site maintainer with a browser or a token of scope admin acts on what "
                "was released."
            )
        )
    return by.user


def _chosen(step: str, repository: Repository, scope: Scope, by: Caller) -> list[Release]:
    out = advisories.releases_of(repository).select_related("repository__namespace")
    if scope.is_all:
        fit = (one for one in out if step == NOTICE or _fits(step, one, by))
        chosen = list(fit)
    else:
        chosen = list(out.filter(public_id__in=list(scope.releases)))
        if len(chosen) != len(set(scope.releases)):
            raise Invalid(_("One of these is not a release of this repository that went out."))
    if not chosen:
        raise NotNow(_("Choose a release for which this can be done."))
    if len(chosen) > advisories.MAX_SCOPE:
        raise Invalid(
            _("An advisory is about %(most)s releases at most.") % {"most": advisories.MAX_SCOPE}
        )
    return chosen


def _fits(step: str, release: Release, by: Caller) -> bool:
    return steps.refusal(step, release, by) is None


def _lock(chosen: list[Release]) -> None:
    """Everything that several steps lock, before the first of them takes the end of the log."""
    threads = [one.discussion_id for one in chosen if one.discussion_id]
    list(Discussion.objects.select_for_update(no_key=True).filter(pk__in=threads).order_by("pk"))
    keys = [one.pk for one in chosen]
    list(Release.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))
    campaigns.share()
