"""Reading a revision: its files, its folders, its manifest."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from registry.audit import canonical
from registry.catalog.models import Revision, TreeEntry
from registry.errors import EntryMissing


@dataclass(frozen=True)
class FileEntry:
    """A file of a revision. `oid` is git's id; `sha256` and `size` are those of its own bytes."""

    path: str
    size: int
    oid: str
    sha256: str
    is_lfs: bool


@dataclass(frozen=True)
class FolderEntry:
    path: str
    oid: str


def files_of(revision: Revision) -> list[FileEntry]:
    """All files of a revision, sorted by path. One query for each level of folders."""
    return files_of_many([revision])[revision.pk]


def files_of_many(revisions: Iterable[Revision]) -> dict[int, list[FileEntry]]:
    """The same for many, by key. One query for each level of folders of them all."""
    found: dict[int, list[FileEntry]] = {}
    level: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for revision in revisions:
        if revision.pk not in found:
            found[revision.pk] = []
            level[revision.tree_id].append((revision.pk, ""))
    while level:
        deeper: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for entry in _entries(level.keys()):
            for revision_id, folder in level[entry.tree_id]:
                path = posixpath.join(folder, entry.name)
                if entry.file is not None:
                    found[revision_id].append(_file(entry, path))
                else:
                    deeper[cast(int, entry.folder_id)].append((revision_id, path))
        level = deeper
    for entries in found.values():
        entries.sort(key=lambda entry: entry.path)
    return found


def walk(
    revision: Revision, under: str = "", *, recursive: bool = True
) -> Iterator[FileEntry | FolderEntry]:
    """Files and folders below a folder, level by level. A missing folder is an EntryMissing."""
    level = {_folder_id(revision, under): under}
    while level:
        deeper: dict[int, str] = {}
        copies: dict[int, list[str]] = defaultdict(list)
        for entry in _entries(level.keys()):
            path = posixpath.join(level[entry.tree_id], entry.name)
            if entry.file is not None:
                yield _file(entry, path)
                continue
            yield FolderEntry(path, entry.folder.oid)  # type: ignore[union-attr]
            copies[entry.folder_id].append(path)  # type: ignore[index]
        if not recursive:
            return
        for tree, paths in copies.items():
            deeper[tree] = paths[0]
            for path in paths[1:]:
                yield from _below(tree, path)
        level = deeper


def find(revision: Revision, path: str) -> FileEntry:
    """The file at exactly this path, or EntryMissing with the revision's commit id."""
    folder, name = posixpath.split(path)
    entry = (
        TreeEntry.objects.select_related("file__blob")
        .filter(tree_id=_folder_id(revision, folder), name=name, file__isnull=False)
        .first()
    )
    if entry is None:
        raise EntryMissing("Entry not found", commit=revision.oid)
    return _file(entry, path)


def manifest(files: Iterable[FileEntry]) -> list[dict[str, str | int]]:
    """Paths, sizes and SHA-256 of all files, in path order: what a release is an offer of."""
    return [
        {"path": file.path, "size": file.size, "sha256": file.sha256}
        for file in sorted(files, key=lambda file: file.path.encode())
    ]


def manifest_digest(files: Iterable[FileEntry]) -> str:
    """SHA-256 over the manifest as canonical JSON."""
    return canonical.digest(manifest(files))


def _below(tree: int, path: str) -> Iterator[FileEntry | FolderEntry]:
    """The same folder a second time in one revision: git shares it, a listing repeats it."""
    for entry in _entries([tree]):
        inner = posixpath.join(path, entry.name)
        if entry.file is not None:
            yield _file(entry, inner)
        else:
            yield FolderEntry(inner, entry.folder.oid)  # type: ignore[union-attr]
            yield from _below(entry.folder_id, inner)  # type: ignore[arg-type]


def _entries(trees: Iterable[int]) -> Iterable[TreeEntry]:
    return (
        TreeEntry.objects.filter(tree__in=list(trees))
        .select_related("file__blob", "folder")
        .order_by("name")
    )


def _folder_id(revision: Revision, path: str) -> int:
    tree = revision.tree_id
    for part in [part for part in path.split("/") if part]:
        entry = TreeEntry.objects.filter(tree_id=tree, name=part, folder__isnull=False).first()
        if entry is None:
            raise EntryMissing("Entry not found", commit=revision.oid)
        tree = entry.folder_id  # type: ignore[assignment]
    return tree


def _file(entry: TreeEntry, path: str) -> FileEntry:
    git_blob = entry.file
    assert git_blob is not None  # noqa: S101 - the database holds "a file or a folder"
    return FileEntry(
        path=path,
        size=git_blob.blob.size,
        oid=git_blob.oid,
        sha256=git_blob.blob.sha256,
        is_lfs=git_blob.is_lfs,
    )
