"""A commit that somebody makes on a page: to a branch, by those who may write it, else as a pull
request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.db import transaction
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import branches, commits, paths, proposals, revisions, rights
from registry.catalog.models import Repository, Revision
from registry.discussions.models import Discussion
from registry.errors import Invalid, NotAllowed
from registry.releases import pushes, upload_modes
from registry.storage import many

SAMPLE = 512


@dataclass(frozen=True)
class Place:
    """Where a visitor's files would go. `target` is a branch or `refs/pr/N` by its full name, "" for
    a pull request that is opened onto `branch`; `head` is what the files go on top of."""

    repository: Repository
    branch: str
    target: str
    head: Revision

    @property
    def is_proposal(self) -> bool:
        return not self.target


def place_of(repository: Repository, branch: str, *, caller: Caller) -> Place:
    """Where files of this caller for this branch go, or the refusal. Raises RevisionMissing where
    there is no such branch for them."""
    target = branches.full_name(branch)
    short = target.removeprefix("refs/heads/")
    try:
        rights.require_upload(repository, target, caller)
    except NotAllowed:
        if target.startswith(rights.PULL_REQUESTS):
            raise
        rights.require_propose(repository, caller)
        return Place(repository, short, "", proposals.start_of(repository, short, caller=caller))
    revisions.require_ref(repository, target)
    return Place(repository, short, target, revisions.find(repository, target, caller=caller))


def commit(
    place: Place,
    contents: Mapping[str, bytes],
    *,
    title: str,
    message: str = "",
    parent: str = "",
    by: Caller,
) -> tuple[Revision, Discussion | None]:
    """Write these files as one commit. `parent` is the head that they were made from: where it is
    another by now, nothing is written and StaleParent says so."""
    if not contents:
        raise Invalid(_("Choose at least one file."))
    if len(title) > commits.MAX_TITLE:
        raise Invalid(
            _("The title has more than %(most)s characters.") % {"most": commits.MAX_TITLE}
        )
    for path in contents:
        paths.check(path)
    patterns = upload_modes.lfs_patterns_at(place.repository, place.head, caller=by)
    with transaction.atomic():
        stored = many.store_all(list(contents.values()))
        unique = {blob.pk: blob for blob in stored}.values()
        commits.hold_all(place.repository, unique, by=cast(User, by.user))
        operations = [
            commits.AddFile(
                path,
                blob,
                is_lfs=upload_modes.is_large(path, len(content), content[:SAMPLE], patterns),
            )
            for (path, content), blob in zip(contents.items(), stored, strict=True)
        ]
        said: dict[str, Any] = {
            "operations": operations,
            "title": title,
            "message": message,
            "parent": parent,
        }
        if place.is_proposal:
            discussion, made = pushes.propose(place.repository, branch=place.branch, by=by, **said)
            return made, discussion
        short = place.target.removeprefix("refs/heads/")
        return pushes.push(place.repository, branch=short, by=by, **said), None
