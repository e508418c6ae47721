"""How often a repository was downloaded, counted from the access log."""

from django.db import connection

RECOUNT = """
UPDATE catalog_repository AS repository
SET downloads = counted.downloads
FROM (
    SELECT repository, count(DISTINCT (actor, revision, at::date)) AS downloads
    FROM audit_access
    WHERE reason <> 'own' AND reason <> 'open-file'
    GROUP BY repository
) AS counted
WHERE repository.public_id = counted.repository AND repository.downloads <> counted.downloads
"""


def recount() -> int:
    """Count again: one person, one revision, one day is one download, however many files and
    ranges it took; authors reading their own work back and license texts do not count. Returns how
    many repositories changed."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
        return int(cursor.rowcount)
