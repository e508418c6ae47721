"""Changing a tree: folders are read where they are touched, and written where they changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from registry.catalog import git, paths
from registry.catalog.models import GitBlob, Repository, Tree, TreeEntry
from registry.errors import EntryMissing, NotNow
from registry.storage.models import Blob

_WRITE_ENTRIES = """
INSERT INTO catalog_treeentry (tree_id, name, folder_id, file_id)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file in a folder: one that is there (`key`), or one to be written (`blob`)."""

    oid: str
    is_lfs: bool = False
    key: int | None = None
    blob: Blob | None = None


@dataclass(slots=True)
class _Folder:
    """A folder as the tree has it (`key`), read (`is_read`) and perhaps changed (no `oid`)."""

    key: int | None = None
    oid: str = ""
    is_read: bool = True
    files: dict[str, Leaf] = field(default_factory=dict)
    folders: dict[str, "_Folder"] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return self.is_read and not self.files and not self.folders


class Draft:
    """A tree being changed. Nothing is written before `write`."""

    def __init__(self, repository: Repository, tree: Tree | None = None) -> None:
        self._repository = repository
        self._root = _Folder(tree.pk, tree.oid, is_read=False) if tree else _Folder()

    def read(self, touched: Iterable[str]) -> None:
        """Read the folders that lie on the way to these paths: one query for each level."""
        ways = {tuple(path.split("/")[:-1]) for path in touched}
        level = [(self._root, ways)] if ways else []
        while level:
            _read_all([folder for folder, _ in level if not folder.is_read])
            deeper = []
            for folder, onward in level:
                by_name: dict[str, set[tuple[str, ...]]] = {}
                for first, *rest in filter(None, onward):
                    by_name.setdefault(first, set()).add(tuple(rest))
                deeper += [
                    (folder.folders[name], rest)
                    for name, rest in by_name.items()
                    if name in folder.folders
                ]
            level = deeper

    def put(self, path: str, leaf: Leaf) -> None:
        """Put a file where `read` was told of; what is there is replaced."""
        *above, name = path.split("/")
        folder = self._root
        folder.oid = ""
        for part in above:
            folder = folder.folders.setdefault(part, _Folder())
            folder.oid = ""
        folder.files[name] = leaf

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it, and folders that become empty."""
        *above, name = path.split("/")
        way = [self._root]
        for part in above:
            below = way[-1].folders.get(part)
            if below is None:
                raise EntryMissing(f"A file with this name doesn't exist: {path[:200]}")
            way.append(below)
        file = way[-1].files.pop(name, None)
        folder = way[-1].folders.pop(name, None)
        if file is None and folder is None:
            raise EntryMissing(f"A file with this name doesn't exist: {path[:200]}")
        for passed in way:
            passed.oid = ""
        for part in reversed(above):
            if not way.pop().is_empty:
                break
            del way[-1].folders[part]

    def write(self) -> Tree:
        """The tree as it is now. Folders that the repository has already are shared."""
        changed = list(_changed(self._root, ""))
        for path, folder in changed:
            paths.check_folder(path, folder.files, folder.folders)
        for _, folder in changed:
            folder.oid = git.tree_id(
                [(name, leaf.oid, False) for name, leaf in folder.files.items()]
                + [(name, below.oid, True) for name, below in folder.folders.items()]
            )
        folders = {folder.oid: folder for _, folder in changed}
        known = _trees(self._repository, folders)
        new = [oid for oid in folders if oid not in known]
        made = Tree.objects.bulk_create(Tree(repository=self._repository, oid=oid) for oid in new)
        known |= {tree.oid: tree for tree in made}
        for _, folder in changed:
            folder.key = known[folder.oid].pk
        self._write_entries([folders[oid] for oid in new])
        root = known.get(self._root.oid)
        return root or Tree.objects.get(repository=self._repository, oid=self._root.oid)

    def _write_entries(self, folders: list[_Folder]) -> None:
        leaves = self._git_blobs(leaf for folder in folders for leaf in folder.files.values())
        rows: list[tuple[int | None, str, int | None, int | None]] = []
        for folder in folders:
            rows += [
                (folder.key, name, None, leaf.key or leaves[leaf.oid, leaf.is_lfs])
                for name, leaf in folder.files.items()
            ]
            rows += [(folder.key, name, below.key, None) for name, below in folder.folders.items()]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(_WRITE_ENTRIES, [list(column) for column in zip(*rows, strict=True)])

    def _git_blobs(self, leaves: Iterable[Leaf]) -> dict[tuple[str, bool], int]:
        wanted = {(leaf.oid, leaf.is_lfs): leaf for leaf in leaves if leaf.key is None}
        if not wanted:
            return {}
        GitBlob.objects.bulk_create(
            [
                GitBlob(repository=self._repository, oid=oid, blob=leaf.blob, is_lfs=is_lfs)
                for (oid, is_lfs), leaf in wanted.items()
            ],
            ignore_conflicts=True,
        )
        found = GitBlob.objects.filter(
            repository=self._repository, oid__in=[oid for oid, _ in wanted]
        )
        keys = {}
        for key, oid, is_lfs, removed_at in found.values_list("pk", "oid", "is_lfs", "removed_at"):
            if removed_at is not None and (oid, is_lfs) in wanted:
                raise NotNow(
                    f"The content with the id {oid} was removed from this repository. Only somebody "
                    "who may write it brings it back, by sending it again."
                )
            keys[oid, is_lfs] = key
        return keys


def _changed(folder: _Folder, path: str) -> Iterator[tuple[str, _Folder]]:
    """The changed folders, those below first."""
    for name, below in folder.folders.items():
        if not below.oid:
            yield from _changed(below, f"{path}{name}/")
    if not folder.oid:
        yield path, folder


def _trees(repository: Repository, oids: Iterable[str]) -> dict[str, Tree]:
    found = Tree.objects.filter(repository=repository, oid__in=list(oids))
    return {tree.oid: tree for tree in found}


def _read_all(folders: list[_Folder]) -> None:
    by_key: dict[int | None, list[_Folder]] = {}
    for folder in folders:
        folder.is_read = True
        by_key.setdefault(folder.key, []).append(folder)
    if not by_key:
        return
    entries: Iterable[tuple[Any, ...]] = TreeEntry.objects.filter(
        tree__in=list(by_key)
    ).values_list(
        "tree_id", "name", "file_id", "file__oid", "file__is_lfs", "folder_id", "folder__oid"
    )
    for tree, name, file, file_oid, is_lfs, folder_id, folder_oid in entries:
        for above in by_key[tree]:
            if file is not None:
                above.files[name] = Leaf(file_oid, is_lfs, key=file)
            else:
                above.folders[name] = _Folder(folder_id, folder_oid, is_read=False)
