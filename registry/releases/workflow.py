"""Moves a release on: each step as the table of steps says, and what follows from it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.accounts.permissions import Permission
from registry.agreements import terms as terms_of
from registry.agreements.terms import Terms
from registry.audit import canonical, log
from registry.catalog import positions, turns, versions
from registry.catalog.models import Ref, Repository, Revision, RevisionState
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, SignInRequired
from registry.releases import (
    advisories,
    campaigns,
    checklists,
    claims,
    entries,
    interests,
    notices,
    review_threads,
    steps,
)
from registry.releases.grounds import Grounds
from registry.releases.models import (
    OPEN,
    Advisory,
    Decision,
    Release,
    Status,
)


@dataclass(frozen=True)
class LookedAt:
    """What a decider says they have seen: warnings, their own conflicts of interest, and items of
    the checklist."""

    warnings: Collection[str] = ()
    conflicts: Collection[str] = ()
    checklist: Collection[str] = ()


@transaction.atomic
def open_release(
    revision: Revision,
    *,
    version: str,
    by: Caller,
    notes: str = "",
    branch: str = "main",
) -> Release:
    """Offer a branch's head for release and submit it, or raise with what stands in the way."""
    turns.take(revision.repository)
    if by.user is None:
        raise SignInRequired(_("Sign in to request a release."))
    revision = Revision.objects.select_related("repository__namespace").get(pk=revision.pk)
    repository = revision.repository
    _check_may_open(repository, by)
    versions.check_label(version)
    ref = _branch_at(revision, branch)
    positions.check_free(repository, version, revision)
    grounds = Grounds(revision)
    now = timezone.now()
    release = Release(
        repository=repository,
        revision=revision,
        branch=ref.name,
        version=version,
        notes=notes,
        opened_by=by.user,
        opened_at=now,
        due_at=now + timedelta(days=settings.REVIEW_DUE_DAYS),
    )
    _bind(release, grounds.terms)
    release.discussion = review_threads.of_revision(
        repository, revision, version=version, notes=notes, by=by.user
    )
    try:
        with transaction.atomic():
            release.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(_taken(repository, revision, version, ref.name)) from error
    log.record(
        "release.open", actor=by.public_id, subject=release, version=version, digest=release.digest
    )
    return _step("submit", release, grounds, LookedAt(), by=by)


def _branch_at(revision: Revision, branch: str) -> Ref:
    """The branch that has the revision as its head, or raise."""
    ref = positions.branch(revision.repository, branch)
    if ref.head_id != revision.pk:
        raise NotNow(
            _(
                "%(revision)s is not the head of %(branch)r any more; request a release of "
                "%(head)s instead."
            )
            % {"revision": revision.short, "branch": branch, "head": ref.head.short}
        )
    return ref


def _check_may_open(repository: Repository, by: Caller) -> None:
    if not permissions.may(by, Permission.PROPOSE, repository.namespace):
        raise NotAllowed(_("Requesting a release needs a role in the namespace that may write."))
    if not by.reaches(repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))


@transaction.atomic
def transition(
    name: str,
    release: Release,
    *,
    by: Caller,
    reason: str = "",
    digest: str | None = None,
    acknowledged: Collection[str] = (),
    conflicts: Collection[str] = (),
    ticked: Collection[str] = (),
    advisory: Advisory | None = None,
) -> Release:
    """Move a release on, or raise. The only code that writes `Release.status`.

    `digest` is what the decider saw; when the release says something else by now, nothing is done.
    `acknowledged` are the ids of the checks whose warnings an approver ticked off: all of them.
    `conflicts` are the interests that a decider says they know of: all that they have. `ticked` are
    the ids of items of the checklist that an approver looked at, beside those ticked before.
    `advisory` is the one that tells of the step where it tells of several; else it gets its own.
    """
    release = _locked(release)
    grounds = Grounds(release.revision)
    looked_at = LookedAt(acknowledged, conflicts, ticked)
    return _step(
        name, release, grounds, looked_at, by=by, reason=reason, digest=digest, advisory=advisory
    )


def _step(
    name: str,
    release: Release,
    grounds: Grounds,
    looked_at: LookedAt,
    *,
    by: Caller,
    reason: str = "",
    digest: str | None = None,
    advisory: Advisory | None = None,
) -> Release:
    """As `transition`, of a release that nobody else can move, on grounds read since then."""
    if error := steps.refusal(name, release, by, reason=reason, digest=digest, grounds=grounds):
        raise error
    rule = steps.TRANSITIONS[name]
    now = timezone.now()
    assert by.user is not None  # noqa: S101 - every rule needs a permission
    if name == "submit":
        _bind_to(release, release.revision, grounds.terms)
    if name in steps.DECISIONS:
        _decide(name, release, grounds, looked_at, by=by.user, reason=reason, now=now)
    review_threads.note(release, name, by=by.user, reason=reason)
    if name != "approve" or steps.approvals(release) >= steps.approvals_needed(release):
        _enter(release, rule.target, reason=reason, name=name)
        notices.send(name, release, reason=reason, by=by.user)
        advisories.follow(name, release, advisory, by=by.user, reason=reason)
        if release.status not in OPEN:
            review_threads.close(release, by=by.user)
    claims.end(release, reviewer=by.user if release.status == Status.IN_REVIEW else None, now=now)
    log.record(
        f"release.{name}", actor=by.public_id, subject=release, digest=release.digest, reason=reason
    )
    return release


def _decide(
    name: str,
    release: Release,
    grounds: Grounds,
    looked_at: LookedAt,
    *,
    by: User,
    reason: str,
    now: datetime,
) -> None:
    """Write a decision down, once the decider has looked at all that they have to."""
    warned: list[str] = []
    if name == "approve":
        warned = steps.warned_checks(release.revision, grounds)
        if missing := set(warned) - set(looked_at.warnings):
            raise Invalid(
                _("Tick off each warning before you approve: %(missing)s.")
                % {"missing": ", ".join(sorted(missing))}
            )
        items = checklists.named(release, looked_at.checklist)
        checklists.tick(release, items, user=by, now=now)
        checklists.require_all(release, by)
    conflicts: list[str] = []
    if steps.TRANSITIONS[name].second_person:
        conflicts = interests.acknowledge(release, by, looked_at.conflicts)
    Decision.objects.create(
        release=release,
        kind=name,
        by=by,
        reason=reason,
        digest=release.digest,
        acknowledged=warned,
        conflicts=conflicts,
        at=now,
    )


def _locked(release: Release) -> Release:
    """The release as it is once nobody else can move it: its repository first, as a push locks it.

    The lock is taken without joins: PostgreSQL drops a joined row that changed while it waited.
    """
    Repository.objects.select_for_update(no_key=True).get(pk=release.repository_id)
    Release.objects.select_for_update(no_key=True).get(pk=release.pk)
    return Release.objects.select_related(
        "repository__namespace", "revision__repository", "opened_by", "discussion"
    ).get(pk=release.pk)


@transaction.atomic
def follow(repository: Repository, *, branch: str, head: Revision, by: Caller) -> None:
    """The head of a branch moved: an open release of it is now of the new head, and approvals of
    what it said before count no more."""
    release = (
        Release.objects.select_for_update(of=("self",), no_key=True)
        .filter(repository=repository, branch=f"refs/heads/{branch}", status__in=OPEN)
        .first()
    )
    if release is None or release.revision_id == head.pk:
        return
    before = release.digest
    _bind_to(release, head, terms_of.of_revision(release.repository, head))
    log.record(
        "release.revise", actor=by.public_id, subject=release, before=before, digest=release.digest
    )


def _bind_to(release: Release, revision: Revision, terms: Terms) -> None:
    """Have the release say this revision and the terms that it is under today."""
    release.revision = revision
    _bind(release, terms)
    release.save(update_fields=["revision", "terms", "terms_hash", "manifest_digest", "digest"])


def _bind(release: Release, terms: Terms) -> None:
    release.terms = terms.as_json()
    release.terms_hash = terms.hash
    release.manifest_digest = release.revision.manifest_digest
    release.digest = canonical.digest(
        {
            "repository": release.repository.public_id,
            "version": release.version,
            "manifest": release.manifest_digest,
            "terms": release.terms_hash,
        }
    )


def _enter(release: Release, target: str, *, reason: str, name: str) -> None:
    release.status = target
    release.status_reason = reason
    if target == Status.RELEASED and release.released_at is None:
        release.released_at = timezone.now()
    release.save(update_fields=["status", "status_reason", "released_at"])
    follow_up: dict[str, Callable[[Release], None]] = {
        Status.RELEASED: _publish,
        Status.SUSPENDED: lambda r: _close(r, RevisionState.SUSPENDED),
        Status.RECALLED: lambda r: _close(r, RevisionState.RECALLED),
    }
    if target in follow_up:
        follow_up[target](release)


def _publish(release: Release) -> None:
    positions.set_state(release.revision, RevisionState.RELEASED)
    positions.tag_release(release.repository, release.version, release.revision)
    _place(release)
    campaigns.follow(release)


def _close(release: Release, state: RevisionState) -> None:
    positions.set_state(release.revision, state)
    _place(release)


def _place(release: Release) -> None:
    """The public position: the newest commit that was released from the branch and still is."""
    of_branch = Release.objects.filter(
        repository=release.repository_id, branch=release.branch
    ).select_related("revision")
    newest = of_branch.filter(status=Status.RELEASED).order_by("-revision_id").first()
    last = (
        of_branch.filter(status__in=[Status.SUSPENDED, Status.RECALLED])
        .order_by("-revision_id")
        .first()
    )
    positions.place(
        release.repository,
        release.branch,
        public=newest.revision if newest else None,
        withdrawn=last.revision if last and not newest else None,
    )
    entries.refresh([release.repository_id])


def _taken(repository: Repository, revision: Revision, version: str, branch: str) -> str:
    releases = Release.objects.filter(repository=repository)
    alive = releases.exclude(status__in=[Status.REJECTED, Status.WITHDRAWN])
    if alive.filter(version=version).exists():
        return _(
            "There is a release %(version)s of this repository already; choose another label."
        ) % {"version": version}
    if releases.filter(branch=branch, status__in=OPEN).exists():
        return _("A release of this branch is open already; withdraw it or push to it.")
    return _("The revision %(revision)s has a release already.") % {"revision": revision.short}
