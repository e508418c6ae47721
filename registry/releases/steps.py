"""Which steps a release takes, who may take them, and what stands in the way of one.

One table says every step.
"""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.catalog import positions
from registry.catalog.models import Revision
from registry.checks.models import FindingRow
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, RegistryError, SignInRequired
from registry.releases import duties, interests, policies
from registry.releases.grounds import Grounds
from registry.releases.models import OPEN, Decision, DecisionKind, Release, Status

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
        gettext_noop("submit for review"),
        needs_passing_checks=True,
    ),
    "withdraw": _rule(OPEN, S.WITHDRAWN, Permission.PROPOSE, gettext_noop("withdraw")),
    "approve": _rule(
        [S.IN_REVIEW],
        S.RELEASED,
        Permission.REVIEW,
        gettext_noop("approve"),
        second_person=True,
        needs_passing_checks=True,
    ),
    "request_changes": _rule(
        [S.IN_REVIEW],
        S.CHANGES_REQUESTED,
        Permission.REVIEW,
        gettext_noop("ask for changes"),
        second_person=True,
        needs_reason=True,
    ),
    "reject": _rule(
        [S.IN_REVIEW, S.CHANGES_REQUESTED],
        S.REJECTED,
        Permission.REVIEW,
        gettext_noop("reject"),
        second_person=True,
        needs_reason=True,
    ),
    "suspend": _rule(
        [S.RELEASED], S.SUSPENDED, Permission.REVIEW, gettext_noop("suspend"), needs_reason=True
    ),
    "restore": _rule(
        [S.SUSPENDED],
        S.RELEASED,
        Permission.REVIEW,
        gettext_noop("restore"),
        second_person=True,
        needs_reason=True,
    ),
    "recall": _rule(
        [S.RELEASED, S.SUSPENDED],
        S.RECALLED,
        Permission.REVIEW,
        gettext_noop("recall for good"),
        needs_reason=True,
    ),
}
DECISIONS = {kind.value for kind in DecisionKind}


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
        return Invalid(
            _("%(name)r is not a step; choose one of %(transitions)s.")
            % {"name": name, "transitions": ", ".join(TRANSITIONS)}
        )
    rule = TRANSITIONS[name]
    grounds = grounds or Grounds(release.revision)
    return (
        _forbidden(rule, release, by, grounds)
        or _too_soon(rule, release)
        or _unclear(rule, release, reason, digest)
        or (_held(release, grounds) if rule.needs_passing_checks else None)
        or (_unplaced(release) if rule.target == Status.RELEASED else None)
        or (_repeated(release, by) if name == "approve" else None)
    )


def holds(release_or_revision: Release | Revision, grounds: Grounds | None = None) -> list[str]:
    """What stands between a revision and its release, one sentence each; [] when nothing does."""
    revision = (
        release_or_revision.revision
        if isinstance(release_or_revision, Release)
        else release_or_revision
    )
    grounds = grounds or Grounds(revision)
    found = [*grounds.checks_hold]
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
            _(
                "The terms have changed since this was submitted. Ask for changes, so that it is "
                "submitted again under the new ones."
            )
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


def may_look(
    release: Release, by: Caller, *, digest: str | None = None, grounds: Grounds | None = None
) -> RegistryError | None:
    """Why this caller cannot work towards an approval of the release as they saw it, or None: what
    still holds the release does not keep them from looking at it."""
    rule = TRANSITIONS["approve"]
    return (
        _forbidden(rule, release, by, grounds or Grounds(release.revision))
        or _too_soon(rule, release)
        or _unclear(rule, release, None, digest)
    )


def _forbidden(rule: Rule, release: Release, by: Caller, grounds: Grounds) -> RegistryError | None:
    if by.user is None:
        return SignInRequired(_("Sign in to %(rule)s.") % {"rule": _(rule.label)})
    if not permissions.may(by, rule.permission, release.repository.namespace):
        if rule.permission is Permission.REVIEW:
            text = _(
                "You may not %(rule)s here: only a site maintainer with a browser or a token of "
                "scope admin can."
            )
        else:
            text = _("You may not %(rule)s here: only somebody who may write the repository can.")
        return NotAllowed(text % {"rule": _(rule.label)})
    if not by.reaches(release.repository.public_id):
        return NotAllowed(_("This token does not cover the repository."))
    if not rule.second_person:
        return None
    stake = grounds.stake(release, by.user)
    if stake.is_own_work:
        return NotAllowed(
            _(
                "You may not %(rule)s your own work: you submitted this release or wrote a "
                "commit that it would publish. Another maintainer has to decide."
            )
            % {"rule": _(rule.label)}
        )
    return interests.refusal(stake)


def reviews(caller: Caller) -> bool:
    """Whether the caller takes part in reviews: a maintainer, with a token that may govern."""
    return (
        caller.user is not None
        and caller.user.is_active
        and caller.is_maintainer
        and caller.can_administer
    )


def _too_soon(rule: Rule, release: Release) -> RegistryError | None:
    if release.status in rule.sources:
        return None
    return NotNow(
        _("The release is %(status)s, so nobody can %(rule)s it now.")
        % {"status": pgettext("state", Status(release.status).label), "rule": _(rule.label)}
    )


def _unclear(
    rule: Rule, release: Release, reason: str | None, digest: str | None
) -> RegistryError | None:
    if digest is not None and digest != release.digest:
        return Conflict(
            _("The release has changed since you opened it. Nothing was decided; look at it again.")
        )
    if reason is not None and rule.needs_reason and not reason.strip():
        return Invalid(_("Give a reason: the contributor is told it, and it stays on record."))
    if reason is not None and len(reason) > MAX_REASON:
        return Invalid(_("The reason is longer than %(most)s characters.") % {"most": MAX_REASON})
    return None


def _held(release: Release, grounds: Grounds) -> RegistryError | None:
    found = holds(release, grounds)
    return NotNow(" ".join(found)) if found else None


def _unplaced(release: Release) -> RegistryError | None:
    """A release needs its repository, and its branch: the public position of the branch is what it
    moves."""
    if release.repository.deleted_at is not None:
        return NotNow(_("The repository of this release was deleted. Reject the release."))
    if positions.exists(release.repository, release.branch):
        return None
    return NotNow(
        _(
            "The branch %(branch)r of this release is gone, so nobody could get it. Make "
            "the branch again, or reject the release."
        )
        % {"branch": release.branch.removeprefix("refs/heads/")}
    )


def _repeated(release: Release, by: Caller) -> RegistryError | None:
    if by.user is not None and valid_approvals(release).filter(by=by.user).exists():
        return NotNow(_("You have approved this release already; another maintainer is needed."))
    return None
