"""Opening a pull request, what is pushed to it, and what it would change in its base."""

from dataclasses import dataclass
from typing import cast

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import merges, proposals, revisions, rights
from registry.catalog.models import Repository, Revision
from registry.discussions import threads
from registry.discussions.models import MAX_TITLE, Discussion, Status
from registry.errors import NotNow, RevisionMissing


@dataclass(frozen=True)
class Sides:
    """Base and head of a pull request as somebody sees them who may know of both."""

    onto: Revision
    start: Revision
    head: Revision
    plan: merges.Plan


@transaction.atomic
def open_pull_request(
    repository: Repository,
    *,
    title: str,
    text: str,
    by: Caller,
    branch: str = "main",
    status: str = Status.DRAFT,
) -> Discussion:
    """A pull request onto a branch, from where the branch stands for its author. It has no commits
    yet; its author and those who write the repository push them to `refs/pr/N`."""
    rights.require_propose(repository, by)
    start = proposals.start_of(repository, branch, caller=by)
    number = threads.next_number(repository)
    proposal = proposals.create(repository, number=number, branch=branch, start=start, by=by)
    return threads.make(
        repository,
        title=title[:MAX_TITLE],
        text=text.strip() or "No description.",
        by=cast(User, by.user),
        proposal=proposal,
        status=status,
    )


def of_ref(repository: Repository, name: str) -> Discussion:
    """The pull request of `refs/pr/N`, locked."""
    found = Discussion.objects.filter(repository=repository, proposal__ref__name=name).first()
    if found is None:
        raise RevisionMissing(f"Invalid rev id: {name}")
    return threads.locked(found)


def check_takes_commits(discussion: Discussion) -> None:
    if not discussion.is_open:
        raise NotNow(
            _("This pull request is %(status)s, so it takes no commits.")
            % {"status": pgettext("state", discussion.status)}
        )


def sides(discussion: Discussion, *, caller: Caller) -> Sides | None:
    """Both sides and what a merge would do, where the caller may know of both; else None."""
    proposal = discussion.proposal
    if proposal is None:
        return None
    repository = discussion.repository
    try:
        head = revisions.find(repository, proposal.ref.name, caller=caller)
        onto = revisions.find(repository, proposal.base, caller=caller)
    except RevisionMissing:
        return None
    plan = merges.plan(repository, onto=onto, proposed=head, start=proposal.start)
    return Sides(onto, plan.base, head, plan)
