"""What a change to a branch means for checks and releases: a commit starts checks and takes an open
release along, and a branch that a release needs stays."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import documents, texts
from registry.audit import log
from registry.catalog import branches, commits, holdings, rights, turns
from registry.catalog.models import Repository, RepositoryType, Revision
from registry.checks import runs
from registry.checks.findings import show
from registry.checks.scanners import types
from registry.discussions import pull_requests, threads
from registry.discussions.models import Discussion, Status
from registry.errors import Invalid, NotAllowed
from registry.releases import entries, gate, workflow
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
    """Commit to a branch or to `refs/pr/N`. The revision is in quarantine, and its checks start when
    commits stop."""
    discussion = None
    opened: set[str] = set()
    if branch.startswith(rights.PULL_REQUESTS):
        rights.require_push(repository, branch, by)
        holdings.share(repository)
        turns.take(repository)
        discussion = pull_requests.of_ref(repository, branch)
        pull_requests.check_takes_commits(discussion)
        opened = gate.open_to(repository, caller=by)
    revision = commits.commit(
        repository,
        branch=branch,
        operations=operations,
        title=title,
        message=message,
        parent=parent,
        by=by,
        known_licenses=documents.known_tags(),
        opened=opened,
    )
    if settings.CHECK_REFUSE_TYPES:
        _check_types(repository, operations)
    runs.queue(revision)
    # Afterwards, so that whoever reads long texts keeps nobody waiting, and cannot fail a commit
    transaction.on_commit(partial(texts.look_through, revision), robust=True)
    if discussion is None:
        workflow.follow(repository, branch=branch, head=revision, by=by)
        if branch == "main" and plain_hub.is_on(repository.namespace):
            entries.refresh([repository.pk])
    elif discussion.proposal is not None and revision != discussion.proposal.start:
        threads.note_commit(discussion, revision, by=revision.author)
    return revision


@transaction.atomic
def propose(
    repository: Repository,
    *,
    branch: str,
    operations: Sequence[commits.Operation],
    title: str,
    message: str = "",
    parent: str = "",
    by: Caller,
) -> tuple[Discussion, Revision]:
    """Open a pull request onto a branch with one commit in it."""
    holdings.share(repository)
    discussion = pull_requests.open_pull_request(
        repository, title=title, text=message, by=by, branch=branch, status=Status.OPEN
    )
    revision = push(
        repository,
        branch=discussion.ref_name,
        operations=operations,
        title=title,
        message=message,
        parent=parent,
        by=by,
    )
    if discussion.proposal is not None and revision == discussion.proposal.start:
        raise Invalid(_("This commit would change nothing, so no pull request was opened."))
    return discussion, revision


@transaction.atomic
def squash(repository: Repository, name: str, *, title: str, by: Caller) -> Revision:
    """Have a branch or pull request hold one revision, with the files of its head and no past.

    The revisions of before stay on record, under their ids, for those who could see them; a
    release stays what it was. Whoever wrote one of them wrote this one, and does not approve it.
    """
    turns.take(repository)
    rights.require_write(repository, by)  # it may have just moved
    full_name = branches.full_name(name)
    if not branches.is_moving(repository, full_name):
        raise Invalid(
            _("Invalid reference for a branch: a tag has no history that could be squashed.")
        )
    discussion = None
    if full_name.startswith(rights.PULL_REQUESTS):
        discussion = pull_requests.of_ref(repository, full_name)
        pull_requests.check_takes_commits(discussion)
    ref = commits.lock_ref(repository, full_name)
    made = commits.write_revision(
        repository,
        tree=ref.head.tree,
        parents=[],
        author=cast(User, by.user),
        title=title,
        proposal=discussion.proposal if discussion else None,
        folds=[ref.head.oid],
    )
    commits.advance(repository, ref, made)
    log.record(
        "ref.squash",
        actor=by.public_id,
        subject=repository,
        ref=full_name,
        folded=made.folds,
        revision=made.oid,
    )
    runs.queue(made)
    if discussion is not None:
        threads.note_commit(discussion, made, by=made.author)
    else:
        workflow.follow(repository, branch=full_name.removeprefix("refs/heads/"), head=made, by=by)
    return made


@transaction.atomic
def delete_branch(repository: Repository, name: str, *, by: Caller) -> None:
    """Remove a branch, unless a release is under review of it or was made from it."""
    turns.take(repository)
    rights.require_write(repository, by)  # it may have just moved
    needed = Release.objects.filter(
        repository=repository, branch=f"refs/heads/{name}", status__in=[*OPEN, *WAS_RELEASED]
    ).first()
    if needed is not None:
        raise NotAllowed(
            _("Cannot delete refs/heads/%(name)s: the release %(version)s needs it.")
            % {"name": name, "version": needed.version}
        )
    branches.delete_branch(repository, name, by=by)


def _check_types(repository: Repository, operations: Sequence[commits.Operation]) -> None:
    """Where the site takes no file into quarantine that it could never release."""
    added = [one.path for one in operations if isinstance(one, commits.AddFile)]
    refused = types.to_delete(added, in_dataset=repository.type == RepositoryType.DATASET)
    if refused:
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        raise Invalid(
            _(
                "%(refused)s%(more)s: files of this type are not accepted here. Convert "
                "weights to safetensors or GGUF, and leave out what is not part of the model."
            )
            % {"refused": show(refused[0]), "more": more}
        )
