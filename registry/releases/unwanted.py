"""Deleting, as one commit, the files of a kind that no repository takes (UPL-TYPE)."""

from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.catalog import commits, files, rights
from registry.catalog.models import MAIN, Ref, RepositoryType, Revision
from registry.checks.models import CheckRun
from registry.checks.scanners.types import to_delete
from registry.errors import NotNow, RegistryError
from registry.releases import pushes

CHECK = "UPL-TYPE"
TITLE = "Delete files of kinds that are not accepted"


def paths_in(run: CheckRun) -> list[str]:
    """All files of such kinds, where the check found any: of very many it names only the first."""
    if not run.findings.filter(check_id=CHECK).exists():
        return []
    in_dataset = run.revision.repository.type == RepositoryType.DATASET
    held = (file.path for file in files.files_of(run.revision))
    return to_delete(held, in_dataset=in_dataset)


def branch_of(revision: Revision, *, by: Caller) -> Ref | None:
    """The branch or pull request whose head the revision is, where this caller may commit."""
    if by.user is None:
        return None
    refs = Ref.objects.select_related("repository__namespace").filter(
        repository=revision.repository_id, head=revision
    )
    for ref in sorted(refs, key=lambda one: one.name != MAIN):
        is_branch = ref.name.startswith(("refs/heads/", rights.PULL_REQUESTS))
        if is_branch and _may_push(ref, by):
            return ref
    return None


def delete(run: CheckRun, *, by: Caller) -> Revision:
    """Commit their deletion to the branch; its checks then start anew."""
    ref = branch_of(run.revision, by=by)
    if ref is None:
        raise NotNow(
            _(
                "This revision is not the newest of a branch that you may write. Delete the "
                "files there."
            )
        )
    paths = paths_in(run)
    if not paths:
        raise NotNow(_("The checks name no file to delete."))
    return pushes.push(
        run.revision.repository,
        branch=ref.name if ref.name.startswith(rights.PULL_REQUESTS) else ref.short,
        operations=[commits.Delete(path) for path in paths],
        title=TITLE,
        message="\n".join(f"- {path}" for path in paths),
        parent=run.revision.oid,
        by=by,
    )


def _may_push(ref: Ref, by: Caller) -> bool:
    try:
        rights.require_push(ref.repository, ref.name, by)
    except RegistryError:
        return False
    return True
