"""Bringing what one revision changed into another: by path, against where the two parted."""

from collections.abc import Iterable
from dataclasses import dataclass

from registry.accounts.models import User
from registry.catalog import commits, files, trees
from registry.catalog.files import FileEntry
from registry.catalog.models import GitBlob, Ref, Repository, Revision


@dataclass(frozen=True)
class Plan:
    """What a merge does. `changes` are the paths that it writes, None for those that it removes;
    `conflicts` those that both sides changed, each in its own way."""

    base: Revision
    changes: dict[str, FileEntry | None]
    conflicts: list[str]


def plan(repository: Repository, *, onto: Revision, proposed: Revision, start: Revision) -> Plan:
    """What bringing `proposed` into `onto` would change. `start` is where the proposal began: the
    base where the two have no revision in common any more, as after a squash."""
    base = _parting(repository, onto, proposed) or start
    by_key = files.files_of_many([base, onto, proposed])
    before, ours, theirs = (
        {file.path: file for file in by_key[revision.pk]} for revision in (base, onto, proposed)
    )
    wanted = _changed(before, theirs)
    done = _changed(before, ours)
    conflicts = {
        path for path in wanted.keys() & done.keys() if not _same(wanted[path], done[path])
    }
    changes = {path: file for path, file in wanted.items() if path not in done}
    conflicts |= _collisions(changes, ours)
    return Plan(base, changes, sorted(conflicts))


def write(
    repository: Repository,
    ref: Ref,
    *,
    proposed: Revision,
    changes: dict[str, FileEntry | None],
    by: User,
    title: str,
    message: str,
) -> Revision:
    """The merge commit, at which the branch (which is locked) stands then."""
    keys = _keys(repository, [file for file in changes.values() if file is not None])
    draft = trees.Draft(repository, ref.head.tree)
    draft.read(changes)
    for path in [path for path, file in changes.items() if file is None]:
        draft.remove(path)
    for path, file in changes.items():
        if file is not None:
            key = keys[file.oid, file.is_lfs]
            draft.put(path, trees.Leaf(file.oid, file.is_lfs, key=key))
    revision = commits.write_revision(
        repository,
        tree=draft.write(),
        parents=[ref.head.oid, proposed.oid],
        author=by,
        title=title,
        message=message,
    )
    commits.advance(repository, ref, revision)
    return revision


def _parting(repository: Repository, onto: Revision, proposed: Revision) -> Revision | None:
    """The nearest revision that both come from."""
    parents = dict(Revision.objects.filter(repository=repository).values_list("oid", "parents"))
    ours = set(_back(parents, onto.oid))
    common = next((oid for oid in _back(parents, proposed.oid) if oid in ours), None)
    if common is None:
        return None
    return Revision.objects.get(repository=repository, oid=common)


def _back(parents: dict[str, list[str]], start: str) -> Iterable[str]:
    """A revision and those before it, nearest first."""
    queue, met = [start], {start}
    for oid in queue:
        if oid in parents:
            yield oid
        for parent in parents.get(oid, []):
            if parent not in met:
                met.add(parent)
                queue.append(parent)


def _changed(
    before: dict[str, FileEntry], after: dict[str, FileEntry]
) -> dict[str, FileEntry | None]:
    return {
        path: after.get(path)
        for path in before.keys() | after.keys()
        if not _same(before.get(path), after.get(path))
    }


def _same(one: FileEntry | None, other: FileEntry | None) -> bool:
    return (one and (one.oid, one.is_lfs)) == (other and (other.oid, other.is_lfs))


def _collisions(changes: dict[str, FileEntry | None], ours: dict[str, FileEntry]) -> set[str]:
    """Paths that would be a file where the other side has a folder, or lie below a file of it."""
    kept = ours.keys() - {path for path, file in changes.items() if file is None}
    folders = {folder for path in kept for folder in _above(path)}
    added = [path for path, file in changes.items() if file is not None]
    return {path for path in added if path in folders or kept.intersection(_above(path))}


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _keys(repository: Repository, found: list[FileEntry]) -> dict[tuple[str, bool], int]:
    rows = GitBlob.objects.filter(repository=repository, oid__in={file.oid for file in found})
    return {(row.oid, row.is_lfs): row.pk for row in rows}
