"""Which bytes a repository needs, and so which garbage collection leaves alone.

Needed are the files of every revision that a branch, a tag or a pull request leads to, with all its
ancestors; of every revision that is or was released, whatever became of the repository; of those
under review or being checked; and those where a pull request began. Texts of documents, receipts,
acceptances and reports are kept in the database and need no bytes.
"""

from typing import Any

from django.db import connection

from registry.catalog.models import Repository, RevisionState
from registry.checks.models import LIVE
from registry.releases.models import OPEN, WAS_RELEASED

_NEEDED = """
WITH RECURSIVE line(id) AS (
    SELECT at.revision
    FROM catalog_ref AS ref
    CROSS JOIN LATERAL (VALUES (ref.head_id), (ref.public_id), (ref.withdrawn_id)) AS at(revision)
    WHERE ref.repository_id = %(repository)s AND %(lives)s AND at.revision IS NOT NULL
    UNION
    SELECT parent.id
    FROM line JOIN catalog_revision AS child USING (id)
    JOIN catalog_revision AS parent
    ON parent.repository_id = child.repository_id AND parent.oid = ANY(child.parents)
), needed(id) AS (
    SELECT id FROM line
    UNION SELECT id FROM catalog_revision
    WHERE repository_id = %(repository)s AND %(lives)s AND state <> %(quarantine)s
    UNION SELECT revision_id FROM releases_release
    WHERE repository_id = %(repository)s
    AND (status = ANY(%(released)s) OR %(lives)s AND status = ANY(%(open)s))
    UNION SELECT run.revision_id
    FROM checks_checkrun AS run JOIN catalog_revision AS revision ON revision.id = run.revision_id
    WHERE revision.repository_id = %(repository)s AND %(lives)s AND run.state = ANY(%(live)s)
    UNION SELECT proposal.start_id
    FROM catalog_proposal AS proposal JOIN catalog_ref AS ref ON ref.id = proposal.ref_id
    WHERE ref.repository_id = %(repository)s AND %(lives)s
), folder(id) AS (
    SELECT tree_id FROM needed JOIN catalog_revision USING (id)
    UNION
    SELECT entry.folder_id
    FROM folder JOIN catalog_treeentry AS entry ON entry.tree_id = folder.id
    WHERE entry.folder_id IS NOT NULL
)
SELECT DISTINCT file.blob_id
FROM folder JOIN catalog_treeentry AS entry ON entry.tree_id = folder.id
JOIN catalog_gitblob AS file ON file.id = entry.file_id
WHERE file.removed_at IS NULL
"""
_RELEASED = """
WITH RECURSIVE folder(id) AS (
    SELECT revision.tree_id FROM catalog_revision AS revision
    WHERE revision.repository_id = %(repository)s AND (
        revision.state <> %(quarantine)s OR EXISTS (
            SELECT FROM releases_release
            WHERE revision_id = revision.id AND status = ANY(%(kept)s)
        )
    )
    UNION
    SELECT entry.folder_id
    FROM folder JOIN catalog_treeentry AS entry ON entry.tree_id = folder.id
    WHERE entry.folder_id IS NOT NULL
)
SELECT DISTINCT file.blob_id
FROM folder JOIN catalog_treeentry AS entry ON entry.tree_id = folder.id
JOIN catalog_gitblob AS file ON file.id = entry.file_id
"""


def needed_blobs(repository: Repository) -> set[int]:
    """The keys of the blobs that the repository needs, as things stand in this moment."""
    return _keys(
        _NEEDED,
        {
            "repository": repository.pk,
            "lives": repository.deleted_at is None,
            "quarantine": RevisionState.QUARANTINE,
            "released": list(WAS_RELEASED),
            "open": list(OPEN),
            "live": list(LIVE),
        },
    )


def released_blobs(repository: Repository) -> set[int]:
    """The keys of the blobs that are in what is or was released, or is under review."""
    return _keys(
        _RELEASED,
        {
            "repository": repository.pk,
            "quarantine": RevisionState.QUARANTINE,
            "kept": [*WAS_RELEASED, *OPEN],
        },
    )


def _keys(query: str, values: dict[str, Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return {key for (key,) in cursor.fetchall()}
