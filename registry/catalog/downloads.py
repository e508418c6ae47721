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

# Whether something is asked for lately: downloads and likes of the last days
TREND = """
UPDATE catalog_repository AS repository
SET trending = coalesce(lately.downloads, 0) + coalesce(liked.likes, 0)
FROM catalog_repository AS each
LEFT JOIN (
    SELECT repository, count(DISTINCT (actor, revision, at::date)) AS downloads
    FROM audit_access
    WHERE at > now() - make_interval(days => %(days)s)
        AND reason <> 'own' AND reason <> 'open-file'
    GROUP BY repository
) AS lately ON lately.repository = each.public_id
LEFT JOIN (
    SELECT repository_id, count(*) AS likes
    FROM catalog_like
    WHERE at > now() - make_interval(days => %(days)s)
    GROUP BY repository_id
) AS liked ON liked.repository_id = each.id
WHERE repository.id = each.id
    AND repository.trending <> coalesce(lately.downloads, 0) + coalesce(liked.likes, 0)
"""
TREND_DAYS = 7


def recount() -> int:
    """Count again: one person, one revision, one day is one download, however many files and
    ranges it took; authors reading their own work back and license texts do not count. Returns how
    many repositories changed."""
    with connection.cursor() as cursor:
        cursor.execute(RECOUNT)
        changed = int(cursor.rowcount)
        cursor.execute(TREND, {"days": TREND_DAYS})
        return changed
