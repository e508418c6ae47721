"""Large files of a repository: which there are, removing some for good, and taking them into
another repository.

What is or was released, or is under review, is never removed. A removed file vanishes from every
revision, whose ids and manifests stay as they were; the audit log says what it was. The bytes go
with the next garbage collection that finds nobody else holding them for the length of its grace.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.audit import log
from registry.catalog import commits, files, holdings, revisions, rights, turns
from registry.catalog.models import MAIN, GitBlob, Holding, Ref, Repository
from registry.errors import Invalid, NotAllowed, NotNow
from registry.releases import collection, gate, needs, pushes

# Upwards from an entry to the root: the newest place that a file has or had
_PATHS = """
WITH RECURSIVE up(file_id, tree_id, path) AS (
    SELECT newest.file_id, newest.tree_id, newest.name::text FROM (
        SELECT DISTINCT ON (file_id) file_id, tree_id, name
        FROM catalog_treeentry WHERE file_id = ANY(%s) ORDER BY file_id, id DESC
    ) AS newest
    UNION ALL
    SELECT up.file_id, above.tree_id, above.name || '/' || up.path
    FROM up CROSS JOIN LATERAL (
        SELECT tree_id, name FROM catalog_treeentry
        WHERE folder_id = up.tree_id ORDER BY id DESC LIMIT 1
    ) AS above
)
SELECT DISTINCT ON (file_id) file_id, path FROM up ORDER BY file_id, length(path) DESC
"""


@dataclass(frozen=True)
class LargeFile:
    """An object with a place that it has or had. `key` says where a list goes on."""

    key: int
    oid: str
    path: str
    sha256: str
    size: int
    at: datetime
    ref: str


def listed(repository: Repository, *, after: int, size: int) -> list[LargeFile]:
    """The large files of all revisions, in the order in which they came."""
    found = list(
        GitBlob.objects.filter(repository=repository, is_lfs=True, removed_at=None, pk__gt=after)
        .select_related("blob")
        .order_by("pk")[:size]
    )
    paths = _paths(one.pk for one in found)
    brought = dict(
        Holding.objects.filter(
            repository=repository, blob__in=[one.blob_id for one in found]
        ).values_list("blob", "at")
    )
    main = Ref.objects.select_related("head").get(repository=repository, name=MAIN)
    on_main = {file.sha256 for file in files.files_of(main.head)}
    return [
        LargeFile(
            one.pk,
            one.oid,
            paths.get(one.pk, ""),
            one.blob.sha256,
            one.blob.size,
            brought.get(one.blob_id, one.blob.created_at),
            "main" if one.blob.sha256 in on_main else "",
        )
        for one in found
    ]


@transaction.atomic
def remove(
    repository: Repository, oids: Collection[str], *, from_branches: bool, by: Caller
) -> None:
    """Remove these objects (by their git ids) for good. Branches that have them get a commit without
    them, or, unless `from_branches`, are a reason to refuse."""
    holdings.be_alone(repository.pk)
    turns.take(repository)
    rights.require_write(repository, by)  # it may have just moved
    of_repository = GitBlob.objects.filter(repository=repository, is_lfs=True, oid__in=set(oids))
    known = {one.oid: one for one in of_repository.select_related("blob")}
    if unknown := set(oids) - known.keys():
        raise Invalid(
            _("The repository has no large file %(unknown)r.") % {"unknown": min(unknown)[:80]}
        )
    gone = {one.blob_id: one.blob for one in known.values() if one.removed_at is None}
    paths = _paths(one.pk for one in known.values())
    released = needs.released_blobs(repository)
    for one in known.values():
        if one.blob_id in released:
            raise NotAllowed(
                _(
                    "%(paths)s is part of a release, which nothing can be removed from: ask a "
                    "maintainer to recall it."
                )
                % {"paths": paths.get(one.pk, one.oid)}
            )
    _clear_branches(repository, {blob.sha256 for blob in gone.values()}, from_branches, by)
    collection.give_up(repository, gone, at=timezone.now())
    log.record(
        "lfs.remove",
        actor=by.public_id,
        subject=repository,
        objects=[
            {"sha256": one.blob.sha256, "size": one.blob.size, "path": paths.get(one.pk, "")}
            for one in known.values()
            if one.blob_id in gone
        ],
    )


def take_over(
    source: Repository, target: Repository, hashes: Collection[str], *, by: Caller
) -> dict[str, str]:
    """Have the target hold objects of the source that the caller may have, which counts as a
    download. Returns why not, for those that they may not."""
    rights.require_write(target, by)
    stored = gate.stored(source, set(hashes), caller=by)
    if stored and by.user is not None:
        with transaction.atomic():
            commits.hold_all(target, stored.values(), by=by.user)
            _note(source, set(stored), by)
    why = "There is no such file, or none that you may have."
    return {sha256: why for sha256 in hashes if sha256 not in stored}


def _clear_branches(
    repository: Repository, gone: set[str], from_branches: bool, by: Caller
) -> None:
    branches = Ref.objects.filter(repository=repository, name__startswith="refs/heads/")
    for ref in branches.select_related("head").order_by("name"):
        paths = [file.path for file in files.files_of(ref.head) if file.sha256 in gone]
        if not paths:
            continue
        if not from_branches:
            raise NotNow(
                _(
                    "%(paths)s is on the branch %(ref)s: delete it there first, or let the history "
                    "be rewritten."
                )
                % {"paths": paths[0], "ref": ref.short}
            )
        pushes.push(
            repository,
            branch=ref.short,
            operations=[commits.Delete(path) for path in paths],
            title="Remove large files for good",
            by=by,
        )


def _note(source: Repository, hashes: set[str], by: Caller) -> None:
    revision = revisions.default_for(source, caller=by)
    if revision is None:
        return  # what they sent themselves, to another branch
    answer = gate.decide(source, revision, caller=by)
    given = [file for file in files.files_of(revision) if file.sha256 in hashes]
    gate.note_whole(given, answer, repository=source, revision=revision, caller=by)


def _paths(keys: Iterable[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_PATHS, [list(keys)])
        return dict(cursor.fetchall())
