"""Which revision last changed a path, as far as the caller may know."""

from collections.abc import Collection

from registry.accounts.callers import Caller
from registry.catalog import files, revisions
from registry.catalog.models import Repository, Revision

MAX_REVISIONS = 500


def last_changes(
    repository: Repository, start: Revision, paths: Collection[str], *, caller: Caller
) -> dict[str, Revision]:
    """For each path the newest revision that the caller may know of and that changed it.

    Looks back over a limited number of revisions; what none of them changed is attributed to the
    oldest one looked at.
    """
    seen = revisions.history(repository, start, caller=caller)[:MAX_REVISIONS]
    found: dict[str, Revision] = {}
    newer = _ids(start, paths)
    total = len(newer)
    for revision, older in zip(seen, [*seen[1:], None], strict=True):
        before = _ids(older, paths) if older else {}
        for path, oid in newer.items():
            if path not in found and before.get(path) != oid:
                found[path] = revision
        if len(found) == total:
            break
        newer = before
    return found


def _ids(revision: Revision, paths: Collection[str]) -> dict[str, str]:
    wanted = set(paths)
    return {entry.path: entry.oid for entry in files.walk(revision) if entry.path in wanted}
