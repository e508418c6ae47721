"""Which steps a release takes, who may take them, and what follows. One table says every step."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.accounts.permissions import Permission
from registry.agreements import terms as terms_of
from registry.agreements.terms import Terms
from registry.audit import canonical, log
from registry.audit.models import Entry
from registry.catalog import positions, turns, versions
from registry.catalog.models import Repository, Revision, RevisionState
from registry.checks import runs
from registry.checks.models import FindingRow
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, RegistryError, SignInRequired
from registry.releases import campaigns, duties, policies, review_threads
from registry.releases.grounds import Grounds
from registry.releases.models import (
    OPEN,
    Decision,
    DecisionKind,
    Release,
    Status,
)

MAX_REASON = 10_000


@dataclass(frozen=True)
class Rule:
    """One step: from which states to which, who may take it, and what it asks besides."""

    sources: frozenset[str]
    target: str
    permission: Permission
    label: str
    second_person: bool = False
    needs_reason: bool = False
    needs_passing_checks: bool = False


def _rule(
    sources: list[Status], target: Status, permission: Permission, label: str, **asks: bool
) -> Rule:
    return Rule(frozenset(sources), target, permission, label, **asks)


S = Status
TRANSITIONS: dict[str, Rule] = {
    "submit": _rule(
        [S.DRAFT, S.CHANGES_REQUESTED],
        S.IN_REVIEW,
        Permission.PROPOSE,
        "submit for review",
        needs_passing_checks=True,
    ),
    "withdraw": _rule(OPEN, S.WITHDRAWN, Permission.PROPOSE, "withdraw"),
    "approve": _rule(
        [S.IN_REVIEW],
        S.RELEASED,
        Permission.REVIEW,
        "approve",
        second_person=True,
        needs_passing_checks=True,
    ),
    "request_changes": _rule(
        [S.IN_REVIEW],
        S.CHANGES_REQUESTED,
        Permission.REVIEW,
        "ask for changes",
        second_person=True,
        needs_reason=True,
    ),
    "reject": _rule(
        [S.IN_REVIEW, S.CHANGES_REQUESTED],
        S.REJECTED,
        Permission.REVIEW,
        "reject",
        second_person=True,
        needs_reason=True,
    ),
    "suspend": _rule([S.RELEASED], S.SUSPENDED, Permission.REVIEW, "suspend", needs_reason=True),
    "restore": _rule(
        [S.SUSPENDED],
        S.RELEASED,
        Permission.REVIEW,
        "restore",
        second_person=True,
        needs_reason=True,
    ),
    "recall": _rule(
        [S.RELEASED, S.SUSPENDED],
        S.RECALLED,
        Permission.REVIEW,
        "recall for good",
        needs_reason=True,
    ),
}
DECISIONS = {kind.value for kind in DecisionKind}


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
        raise SignInRequired("Sign in to request a release.")
    revision = Revision.objects.select_related("repository__namespace").get(pk=revision.pk)
    repository = revision.repository
    _check_may_open(repository, by)
    versions.check_label(version)
    ref = positions.branch(repository, branch)
    if ref.head_id != revision.pk:
        raise NotNow(
            f"{revision.short} is not the head of {branch!r} any more; request a release of "
            f"{ref.head.short} instead."
        )
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
    return _step("submit", release, grounds, by=by)


def _check_may_open(repository: Repository, by: Caller) -> None:
    if not permissions.may(by, Permission.PROPOSE, repository.namespace):
        raise NotAllowed("Requesting a release needs a role in the namespace that may write.")
    if not by.reaches(repository.public_id):
        raise NotAllowed("This token does not cover the repository.")


@transaction.atomic
def transition(
    name: str,
    release: Release,
    *,
    by: Caller,
    reason: str = "",
    digest: str | None = None,
    acknowledged: Collection[str] = (),
) -> Release:
    """Move a release on, or raise. The only code that writes `Release.status`.

    `digest` is what the decider saw; when the release says something else by now, nothing is done.
    `acknowledged` are the ids of the checks whose warnings an approver ticked off: all of them.
    """
    release = _locked(release)
    grounds = Grounds(release.revision)
    return _step(
        name, release, grounds, by=by, reason=reason, digest=digest, acknowledged=acknowledged
    )


def _step(
    name: str,
    release: Release,
    grounds: Grounds,
    *,
    by: Caller,
    reason: str = "",
    digest: str | None = None,
    acknowledged: Collection[str] = (),
) -> Release:
    """As `transition`, of a release that nobody else can move, on grounds read since then."""
    if error := refusal(name, release, by, reason=reason, digest=digest, grounds=grounds):
        raise error
    ticked = warned_checks(release.revision, grounds) if name == "approve" else []
    if missing := set(ticked) - set(acknowledged):
        raise Invalid(f"Tick off each warning before you approve: {', '.join(sorted(missing))}.")
    rule = TRANSITIONS[name]
    assert by.user is not None  # noqa: S101 - every rule needs a permission
    if name == "submit":
        _bind_to(release, release.revision, grounds.terms)
    if name in DECISIONS:
        Decision.objects.create(
            release=release,
            kind=name,
            by=by.user,
            reason=reason,
            digest=release.digest,
            acknowledged=ticked,
            at=timezone.now(),
        )
    review_threads.note(release, name, by=by.user, reason=reason)
    if name != "approve" or approvals(release) >= approvals_needed(release):
        _enter(release, rule.target, reason=reason, name=name)
        if release.status not in OPEN:
            review_threads.close(release, by=by.user)
    log.record(
        f"release.{name}", actor=by.public_id, subject=release, digest=release.digest, reason=reason
    )
    return release


def refusal(
    name: str,
    release: Release,
    by: Caller,
    *,
    reason: str | None = None,
    digest: str | None = None,
    grounds: Grounds | None = None,
) -> RegistryError | None:
    """Why this caller cannot take this step now, or None. Buttons and steps ask the same question.

    With `reason` None the question is whether the step could be taken with a reason. `grounds` are
    those of the release's revision where several questions are asked at once.
    """
    if name not in TRANSITIONS:
        return Invalid(f"{name!r} is not a step; choose one of {', '.join(TRANSITIONS)}.")
    rule = TRANSITIONS[name]
    return (
        _forbidden(rule, release, by)
        or _too_soon(rule, release)
        or _unclear(rule, release, reason, digest)
        or (_held(release, grounds) if rule.needs_passing_checks else None)
        or (_unplaced(release) if rule.target == Status.RELEASED else None)
        or (_repeated(release, by) if name == "approve" else None)
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


def holds(release_or_revision: Release | Revision, grounds: Grounds | None = None) -> list[str]:
    """What stands between a revision and its release, one sentence each; [] when nothing does."""
    revision = (
        release_or_revision.revision
        if isinstance(release_or_revision, Release)
        else release_or_revision
    )
    grounds = grounds or Grounds(revision)
    found = runs.holds_of(grounds.run, revision)
    in_review = (
        isinstance(release_or_revision, Release) and release_or_revision.status == Status.IN_REVIEW
    )
    found += duties.holds(grounds.duties, submitting=not in_review)
    terms = grounds.terms
    if terms.problem:
        found.append(terms.problem)
    if (
        isinstance(release_or_revision, Release)
        and release_or_revision.status == Status.IN_REVIEW
        and release_or_revision.terms_hash != terms.hash
    ):
        found.append(
            "The terms have changed since this was submitted. Ask for changes, so that it is "
            "submitted again under the new ones."
        )
    return found


def warned_checks(revision: Revision, grounds: Grounds | None = None) -> list[str]:
    """The checks and duties whose warnings a maintainer has to tick off before approving."""
    grounds = grounds or Grounds(revision)
    run = grounds.run
    rows = FindingRow.objects.filter(run=run, severity="warn") if run else FindingRow.objects.none()
    return sorted({*rows.values_list("check_id", flat=True), *duties.warnings(grounds.duties)})


def approvals(release: Release) -> int:
    """How many maintainers approved exactly what the release says now."""
    return valid_approvals(release).count()


def valid_approvals(release: Release) -> QuerySet[Decision]:
    return release.decisions.filter(kind=DecisionKind.APPROVE, digest=release.digest)


def approvals_needed(release: Release) -> int:
    return policies.approvals_needed(release.repository.namespace_id)


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


def _forbidden(rule: Rule, release: Release, by: Caller) -> RegistryError | None:
    if by.user is None:
        return SignInRequired(f"Sign in to {rule.label}.")
    if not permissions.may(by, rule.permission, release.repository.namespace):
        who = (
            "a site maintainer with a browser or a token of scope admin"
            if rule.permission is Permission.REVIEW
            else "somebody who may write the repository"
        )
        return NotAllowed(f"You may not {rule.label} here: only {who} can.")
    if not by.reaches(release.repository.public_id):
        return NotAllowed("This token does not cover the repository.")
    if rule.second_person and is_own_work(release, by.user):
        return NotAllowed(
            f"You may not {rule.label} your own work: you submitted this release or wrote a "
            "commit that it would publish. Another maintainer has to decide."
        )
    return None


def is_own_work(release: Release, user: User) -> bool:
    """Whether this person ever submitted the release, or wrote a commit since the last one."""
    if user.pk in {release.opened_by_id} | versions.authors_since_release(release.revision):
        return True
    submitted = Entry.objects.filter(
        subject_type="release", subject=release.public_id, event="release.submit"
    )
    return submitted.filter(actor=user.public_id).exists()


def _too_soon(rule: Rule, release: Release) -> RegistryError | None:
    if release.status in rule.sources:
        return None
    return NotNow(
        f"The release is {Status(release.status).label}, so nobody can {rule.label} it now."
    )


def _unclear(
    rule: Rule, release: Release, reason: str | None, digest: str | None
) -> RegistryError | None:
    if digest is not None and digest != release.digest:
        return Conflict(
            "The release has changed since you opened it. Nothing was decided; look at it again."
        )
    if reason is not None and rule.needs_reason and not reason.strip():
        return Invalid("Give a reason: the contributor is told it, and it stays on record.")
    if reason is not None and len(reason) > MAX_REASON:
        return Invalid(f"The reason is longer than {MAX_REASON} characters.")
    return None


def _held(release: Release, grounds: Grounds | None) -> RegistryError | None:
    found = holds(release, grounds)
    return NotNow(" ".join(found)) if found else None


def _unplaced(release: Release) -> RegistryError | None:
    """A release needs its repository, and its branch: the public position of the branch is what it
    moves."""
    if release.repository.deleted_at is not None:
        return NotNow("The repository of this release was deleted. Reject the release.")
    if positions.exists(release.repository, release.branch):
        return None
    return NotNow(
        f"The branch {release.branch.removeprefix('refs/heads/')!r} of this release is gone, so "
        "nobody could get it. Make the branch again, or reject the release."
    )


def _repeated(release: Release, by: Caller) -> RegistryError | None:
    if by.user is not None and valid_approvals(release).filter(by=by.user).exists():
        return NotNow("You have approved this release already; another maintainer is needed.")
    return None


def _taken(repository: Repository, revision: Revision, version: str, branch: str) -> str:
    releases = Release.objects.filter(repository=repository)
    alive = releases.exclude(status__in=[Status.REJECTED, Status.WITHDRAWN])
    if alive.filter(version=version).exists():
        return f"There is a release {version} of this repository already; choose another label."
    if releases.filter(branch=branch, status__in=OPEN).exists():
        return "A release of this branch is open already; withdraw it or push to it."
    return f"The revision {revision.short} has a release already."
