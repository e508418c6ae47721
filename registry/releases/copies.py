"""Copying what somebody may read to a repository of theirs, where it is in quarantine again."""

from django.db import transaction

from registry.accounts.callers import Caller
from registry.audit import log
from registry.catalog import commits, files, repositories, revisions
from registry.catalog.commits import AddFile, Delete, Operation
from registry.catalog.models import Repository, Revision, Visibility
from registry.releases import gate, pushes
from registry.storage.models import Blob

TITLE = "Copy of another repository"


@transaction.atomic
def duplicate(
    source: Repository, *, to: str, by: Caller, visibility: str | None = None
) -> Repository:
    """A new repository with the files that `main` of the source means for the caller, in one commit
    of theirs. Without a visibility it is as visible as the source. Counts as a download."""
    revision = revisions.find(source, "main", caller=by)
    answer = gate.decide(source, revision, caller=by)
    gate.require(answer, source)
    namespace, _, name = to.rpartition("/")
    made = repositories.create(
        namespace=namespace or None,
        name=name,
        by=by,
        visibility=visibility or source.visibility,
        type=source.type,
    )
    found = files.files_of(revision)
    pushes.push(
        made,
        branch="main",
        operations=_operations(made, found, by),
        title=TITLE,
        message=_origin(source, revision),
        by=by,
    )
    gate.note_whole(found, answer, repository=source, revision=revision, caller=by)
    log.record(
        "repository.duplicate",
        actor=by.public_id,
        subject=made,
        source=source.public_id,
        revision=revision.oid,
    )
    return made


def _operations(made: Repository, found: list[files.FileEntry], by: Caller) -> list[Operation]:
    known = Blob.objects.in_bulk({file.sha256 for file in found}, field_name="sha256")
    assert by.user is not None  # noqa: S101 - `create` asked
    commits.hold_all(made, known.values(), by=by.user)
    first: list[Operation] = [Delete(".gitattributes")]  # that of the new repository
    return first + [AddFile(file.path, known[file.sha256], file.is_lfs) for file in found]


def _origin(source: Repository, revision: Revision) -> str:
    """Where the files come from, unless that would tell readers of the copy of something private."""
    if source.visibility == Visibility.PRIVATE:
        return ""
    return f"From {source.full_name} at {revision.oid}"
