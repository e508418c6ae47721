"""Reading a revision: its files, its folders, its manifest.

All of it is asked in one query each, which walks the folders inside the database. Order is that of
the bytes of a path, whatever order the database was made with. Files whose content the repository
gave up are not there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from registry import prepared
from registry.catalog.models import Revision
from registry.errors import EntryMissing, NotNow


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a revision. `oid` is git's id; `sha256` and `size` are those of its own bytes."""

    path: str
    size: int
    oid: str
    sha256: str
    is_lfs: bool


@dataclass(frozen=True, slots=True)
class FolderEntry:
    path: str
    oid: str


Entry = FileEntry | FolderEntry

# A folder stands once for each of its places: git shares equal ones, a listing repeats them.
# OFFSET 0 has each folder looked up by itself: the planner, which cannot know how few a walk meets,
# would else read the entries of all repositories.
_WALK = """
WITH RECURSIVE walk(root, tree_id, prefix) AS (
    SELECT tree, tree, start FROM unnest(%s::bigint[], %s::text[]) AS begun(tree, start)
    UNION ALL
    SELECT walk.root, folder.id, walk.prefix || folder.name || '/'
    FROM walk CROSS JOIN LATERAL (
        SELECT entry.folder_id AS id, entry.name FROM catalog_treeentry AS entry
        WHERE entry.tree_id = walk.tree_id AND entry.folder_id IS NOT NULL OFFSET 0
    ) AS folder
)
"""
_FILES = f"""{_WALK}
SELECT root, prefix || name AS path, size, oid, sha256, is_lfs
FROM walk CROSS JOIN LATERAL (
    SELECT entry.name, blob.size, file.oid, blob.sha256, file.is_lfs
    FROM catalog_treeentry AS entry
    JOIN catalog_gitblob AS file ON file.id = entry.file_id AND file.removed_at IS NULL
    JOIN storage_blob AS blob ON blob.id = file.blob_id
    WHERE entry.tree_id = walk.tree_id OFFSET 0
) AS held
ORDER BY (prefix || name) COLLATE "C"
"""  # noqa: S608 - of constants
_GIVEN_UP = f"""{_WALK}
SELECT EXISTS (
    SELECT FROM walk JOIN catalog_treeentry AS entry USING (tree_id)
    JOIN catalog_gitblob AS file ON file.id = entry.file_id AND file.removed_at IS NOT NULL
)
"""  # noqa: S608 - of constants
# Folders that lie wholly before the place where the page begins are not entered
_BELOW = """
WITH RECURSIVE asked AS (SELECT %(after)s::text AS after), walk(tree_id, prefix) AS (
    SELECT %(tree)s::bigint, %(prefix)s::text
    UNION ALL
    SELECT entry.folder_id, walk.prefix || entry.name || '/'
    FROM asked, walk JOIN catalog_treeentry AS entry USING (tree_id)
    WHERE %(recursive)s AND entry.folder_id IS NOT NULL AND (
        after IS NULL
        OR (walk.prefix || entry.name || '/') COLLATE "C" > after
        OR starts_with(after, walk.prefix || entry.name || '/')
    )
), page AS (
    SELECT prefix || name AS path, entry.file_id, entry.folder_id
    FROM asked, walk JOIN catalog_treeentry AS entry USING (tree_id)
    LEFT JOIN catalog_gitblob AS file ON file.id = entry.file_id
    WHERE file.removed_at IS NULL AND (after IS NULL OR (prefix || name) COLLATE "C" > after)
    ORDER BY (prefix || name) COLLATE "C"
    LIMIT %(size)s
)
SELECT path, blob.size, coalesce(file.oid, folder.oid), blob.sha256, file.is_lfs
FROM page
LEFT JOIN catalog_tree AS folder ON folder.id = page.folder_id
LEFT JOIN catalog_gitblob AS file ON file.id = page.file_id
LEFT JOIN storage_blob AS blob ON blob.id = file.blob_id
ORDER BY path COLLATE "C"
"""
_AT = """
WITH RECURSIVE step(path, parts, depth, tree_id) AS (
    SELECT path, string_to_array(path, '/'), 1, %s::bigint FROM unnest(%s::text[]) AS path
    UNION ALL
    SELECT step.path, parts, depth + 1, entry.folder_id
    FROM step JOIN catalog_treeentry AS entry
    ON entry.tree_id = step.tree_id AND entry.name = parts[depth]
    WHERE depth < cardinality(parts) AND entry.folder_id IS NOT NULL
)
SELECT path, blob.size, coalesce(file.oid, folder.oid), blob.sha256, file.is_lfs, folder.id
FROM step JOIN catalog_treeentry AS entry
ON entry.tree_id = step.tree_id AND entry.name = parts[depth] AND depth = cardinality(parts)
LEFT JOIN catalog_tree AS folder ON folder.id = entry.folder_id
LEFT JOIN catalog_gitblob AS file ON file.id = entry.file_id
LEFT JOIN storage_blob AS blob ON blob.id = file.blob_id
WHERE file.removed_at IS NULL
"""
# The canonical form of the manifest (RFC 8785), built where the rows are: keys in order of the
# alphabet, texts escaped as JSON has to and no further. A path holds no control character.
_SUMMARY = f"""{_WALK}, file AS (
    SELECT prefix || name AS path, blob.size, blob.sha256
    FROM walk JOIN catalog_treeentry AS entry USING (tree_id)
    JOIN catalog_gitblob AS git ON git.id = entry.file_id AND git.removed_at IS NULL
    JOIN storage_blob AS blob ON blob.id = git.blob_id
)
SELECT count(*), coalesce(sum(size), 0), encode(sha256(convert_to('[' || coalesce(string_agg(
    '{{"path":' || to_json(path) || ',"sha256":"' || sha256 || '","size":' || size || '}}',
    ',' ORDER BY path COLLATE "C"
), '') || ']', 'UTF8')), 'hex'),
(SELECT array_agg(first) FROM (
    SELECT min(path COLLATE "C") AS first
    FROM unnest(%s::text[]) AS pattern JOIN file ON path LIKE pattern GROUP BY pattern
) AS telling)
FROM file
"""  # noqa: S608 - of constants


@dataclass(frozen=True)
class Summary:
    """What of a tree a revision keeps. `telling` has one path for each pattern that has any."""

    files: int
    size: int
    manifest_digest: str
    telling: list[str]


def files_of(revision: Revision) -> list[FileEntry]:
    """All files of a revision, sorted by path."""
    return files_of_many([revision])[revision.pk]


def files_of_many(revisions: Iterable[Revision]) -> dict[int, list[FileEntry]]:
    """The same for many, by key."""
    trees = {revision.pk: revision.tree_id for revision in revisions}
    found: dict[int, list[FileEntry]] = {tree: [] for tree in trees.values()}
    for tree, *file in _rows(_FILES, [list(found), [""] * len(found)]):
        found[tree].append(FileEntry(*file))
    return {revision: found[tree] for revision, tree in trees.items()}


def walk(
    revision: Revision, under: str = "", *, recursive: bool = True
) -> Iterator[FileEntry | FolderEntry]:
    """Files and folders below a folder, sorted by path. A missing folder is an EntryMissing."""
    yield from page(revision, under, recursive=recursive)


def page(
    revision: Revision,
    under: str = "",
    *,
    recursive: bool = False,
    after: str | None = None,
    size: int | None = None,
) -> list[Entry]:
    """Files and folders below a folder, sorted by path: at most `size` of those whose path comes
    after `after`. A missing folder is an EntryMissing."""
    asked = {
        "tree": _folder_id(revision, under),
        "prefix": f"{under}/" if under else "",
        "recursive": recursive,
        "after": after,
        "size": size,
    }
    return [_entry(row) for row in _rows(_BELOW, asked)]


def at(revision: Revision, paths: Iterable[str]) -> dict[str, Entry]:
    """What is at each of these paths, as far as there is something."""
    return at_tree(revision.tree_id, paths)


def at_tree(tree_id: int, paths: Iterable[str]) -> dict[str, Entry]:
    """As `at`, for a tree that no revision may have yet."""
    wanted = [path for path in dict.fromkeys(paths) if path and "\0" not in path]
    return {row[0]: _entry(row[:5]) for row in _rows(_AT, [tree_id, wanted])}


def find(revision: Revision, path: str) -> FileEntry:
    """The file at exactly this path, or EntryMissing with the revision's commit id."""
    entry = at(revision, [path]).get(path)
    if not isinstance(entry, FileEntry):
        raise EntryMissing("Entry not found", commit=revision.oid)
    return entry


def summary(tree_id: int, *, telling: Sequence[str] = ()) -> Summary:
    """Number, size and manifest of all files of a tree, and for each pattern of LIKE the first
    path that matches. Nothing of the tree leaves the database."""
    count, size, digest, found = _rows(_SUMMARY, [[tree_id], [""], list(telling)])[0]
    return Summary(count, int(size), digest, sorted(found or []))


def require_whole(revision: Revision) -> None:
    """Raise where the repository gave up the content of a file of this revision."""
    if _rows(_GIVEN_UP, [[revision.tree_id], [""]])[0][0]:
        raise NotNow(
            f"Files of {revision.short} were removed for good; choose a revision that has all of "
            "its files."
        )


def _folder_id(revision: Revision, path: str) -> int:
    if not path:
        return revision.tree_id
    rows = _rows(_AT, [revision.tree_id, [path]]) if "\0" not in path else []
    if not rows or rows[0][-1] is None:
        raise EntryMissing("Entry not found", commit=revision.oid)
    return cast(int, rows[0][-1])


def _entry(row: Sequence[Any]) -> Entry:
    path, size, oid, sha256, is_lfs = row
    return FolderEntry(path, oid) if size is None else FileEntry(path, size, oid, sha256, is_lfs)


def _rows(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    return prepared.rows(query, parameters)
