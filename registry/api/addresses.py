"""Finding what an address means for the caller. Missing and hidden are the same answer."""

from registry.accounts.callers import Caller
from registry.catalog import repositories, revisions
from registry.catalog.models import Repository, Revision
from registry.errors import RevisionMissing
from registry.releases.models import Release


def repository_of(namespace: str, name: str, *, caller: Caller) -> Repository:
    return repositories.find(f"{namespace}/{name}", caller=caller)


def revision_of(repository: Repository, name: str, *, caller: Caller) -> Revision:
    """The revision of this name, or without one what `main` means for the caller."""
    if name:
        return revisions.find(repository, name, caller=caller)
    revision = revisions.default_for(repository, caller=caller)
    if revision is None:
        raise RevisionMissing("Nothing of this repository is released.")
    return revision


def release_of(public_id: str, *, caller: Caller) -> Release:
    """The release with this id, if the caller may know of it."""
    release = (
        Release.objects.visible_to(caller)
        .select_related("repository__namespace", "revision__repository__namespace", "opened_by")
        .filter(public_id=public_id)
        .first()
    )
    if release is None:
        raise RevisionMissing("There is no release of this id.")
    return release
