"""Taking turns at a repository, and the order in which everybody locks.

An act takes what it needs of these from the top down, so that no two ever wait for each other:

1. the row of an upload, a person, or a webhook that it is about
2. the repository against garbage collection and moves (`holdings.share`, `holdings.be_alone`)
3. the namespace, where what it may hold is bounded (`quotas.require_room`); moves, of which there is
   one at a time, lock that where they go to after the repository
4. the repository (`take`)
5. discussion, branch, release and revision; a campaign
6. campaigns as a whole: confirming one alone, a release that comes out together with others
7. the end of the audit log (`audit.log.record`), which one transaction has at a time

Rows are locked so that those who only refer to them do not wait (`no_key`): references are checked
when a transaction ends, and by then it has the end of the audit log.
"""

from registry.catalog.models import Repository
from registry.errors import RepositoryMissing


def take(repository: Repository) -> Repository:
    """Wait until nobody else changes the repository, until the transaction ends; the row as it is
    then. RepositoryMissing where it was deleted meanwhile."""
    row = Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
    if row.deleted_at is not None:
        raise RepositoryMissing("Repository not found")
    return row
