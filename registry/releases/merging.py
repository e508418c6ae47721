"""When a pull request may be merged, and what a merge does: it moves the head and releases nothing."""

from typing import cast

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog import commits, holdings, merges, rights, turns
from registry.catalog.models import Ref, Revision
from registry.checks import runs
from registry.checks.findings import Severity
from registry.discussions import threads
from registry.discussions.models import Discussion, Status
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, RegistryError
from registry.releases import workflow

SHOWN = 10


@transaction.atomic
def merge(discussion: Discussion, *, by: Caller, comment: str = "") -> Revision:
    """Bring a pull request into its base by a merge commit, or raise with what stands in the way."""
    repository = discussion.repository
    holdings.share(repository)
    turns.take(repository)
    rights.require_write(repository, by)
    discussion = threads.locked(discussion)
    if error := state_refusal(discussion):
        raise error
    proposal = discussion.proposal
    assert proposal is not None  # noqa: S101 - the question above asked for a pull request
    ref = commits.lock_ref(repository, proposal.base)
    head = proposal.ref.head
    if found := blocking(head):
        raise _mend_first(found)
    plan = merges.plan(repository, onto=ref.head, proposed=head, start=proposal.start)
    if plan.conflicts:
        raise _conflict(ref, plan.conflicts)
    if not plan.changes:
        raise NotNow(_("This pull request would change nothing."))
    person = cast(User, by.user)
    if comment.strip():
        threads.comment(discussion, comment, by=by)
    revision = merges.write(
        repository,
        ref,
        proposed=head,
        changes=plan.changes,
        by=person,
        title=f"Merge pull request #{discussion.number}: {discussion.title}",
        message=comment.strip(),
    )
    threads.enter(discussion, Status.MERGED, by=person, merged_as=revision)
    runs.queue(revision)
    workflow.follow(repository, branch=ref.short, head=revision, by=by)
    log.record(
        "pull-request.merge",
        actor=by.public_id,
        subject=discussion,
        repository=repository.public_id,
        number=discussion.number,
        revision=revision.oid,
        merged=head.oid,
    )
    return revision


def state_refusal(discussion: Discussion) -> RegistryError | None:
    """Why a pull request in this state is not merged by anybody, or None."""
    if not discussion.is_pull_request:
        return Invalid(_("This is a discussion; there is nothing to merge."))
    if discussion.status == Status.DRAFT:
        return Invalid(
            _(
                "This pull request is a draft. Choose 'Open for review' on its page, or use "
                "`hf discussions reopen`, before it is merged."
            )
        )
    if discussion.status != Status.OPEN:
        return NotNow(
            _("This pull request is %(status)s, so it is not merged.")
            % {"status": pgettext("state", discussion.status)}
        )
    return None


def blocking(revision: Revision) -> list[str]:
    """What the checks found that keeps a pull request from being merged, one sentence each. What is
    still being checked does not: the merge commit is checked itself before a release."""
    run = runs.latest(revision)
    if run is None:
        return []
    found = run.findings.filter(severity=Severity.BLOCK)[:SHOWN]
    return [f"{finding.check_id}: {finding.message}" for finding in found]


def _mend_first(found: list[str]) -> NotAllowed:
    return NotAllowed(
        _("The checks of this pull request found what has to be mended first. %(found)s")
        % {"found": " ".join(found)}
    )


def _conflict(ref: Ref, paths: list[str]) -> Conflict:
    return Conflict(
        _(
            "%(ref)s has changed in the same files since: %(conflicts)s. Push what they should be "
            "to a new pull request."
        )
        % {"ref": ref.short, "conflicts": _some(paths)}
    )


def _some(paths: list[str]) -> str:
    shown = ", ".join(paths[:SHOWN])
    if len(paths) <= SHOWN:
        return shown
    return _("%(paths)s and %(count)s more") % {"paths": shown, "count": len(paths) - SHOWN}
