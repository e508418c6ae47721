"""What a change to a branch means for checks and releases: a commit starts checks and takes an open
release along, and a branch that a release needs stays."""

from collections.abc import Sequence

from django.db import transaction

from registry.accounts.callers import Caller
from registry.agreements import documents
from registry.catalog import branches, commits, rights
from registry.catalog.models import Repository, Revision
from registry.checks import runs
from registry.errors import NotAllowed
from registry.releases import workflow
from registry.releases.models import OPEN, WAS_RELEASED, Release


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


@transaction.atomic
def delete_branch(repository: Repository, name: str, *, by: Caller) -> None:
    """Remove a branch, unless a release is under review of it or was made from it."""
    rights.require_write(repository, by)
    Repository.objects.select_for_update().get(pk=repository.pk)
    needed = Release.objects.filter(
        repository=repository, branch=f"refs/heads/{name}", status__in=[*OPEN, *WAS_RELEASED]
    ).first()
    if needed is not None:
        raise NotAllowed(f"Cannot delete refs/heads/{name}: the release {needed.version} needs it.")
    branches.delete_branch(repository, name, by=by)
