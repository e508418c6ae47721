"""Which documents releases stand under: what loading another text of one would touch."""

from dataclasses import dataclass

from django.db import connection

from registry.releases.models import Status

_COUNTS = """
SELECT document->>'document', count(DISTINCT release.id), count(DISTINCT release.repository_id)
FROM releases_release AS release
JOIN catalog_repository AS repository ON repository.id = release.repository_id
CROSS JOIN LATERAL jsonb_array_elements(release.terms->'documents') AS document
WHERE release.status IN (%s, %s) AND repository.deleted_at IS NULL
GROUP BY 1
"""


@dataclass(frozen=True)
class Uses:
    releases: int = 0
    repositories: int = 0


def by_document() -> dict[str, Uses]:
    """How many releases that stand or are suspended were pinned with each document, by public id."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [Status.RELEASED, Status.SUSPENDED])
        return {row[0]: Uses(row[1], row[2]) for row in cursor.fetchall()}
