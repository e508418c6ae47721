"""A commit with what follows from it: checks are queued, and an open release moves along."""

from collections.abc import Sequence

from django.db import transaction

from registry.accounts.callers import Caller
from registry.agreements import documents
from registry.catalog import commits
from registry.catalog.models import Repository, Revision
from registry.checks import runs
from registry.releases import workflow


@transaction.atomic
def push(
    repository: Repository,
    *,
    branch: str,
    operations: Sequence[commits.Operation],
    title: str,
    message: str = "",
    parent: str = "",
    by: Caller,
) -> Revision:
    """Commit to a branch. The revision is in quarantine, and its checks start when commits stop."""
    revision = commits.commit(
        repository,
        branch=branch,
        operations=operations,
        title=title,
        message=message,
        parent=parent,
        by=by,
        known_licenses=documents.known_tags(),
    )
    runs.queue(revision)
    workflow.follow(repository, branch=branch, head=revision, by=by)
    return revision
