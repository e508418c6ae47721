"""What a repository holds of the bytes: taking hold of them, and what garbage collection waits for.

Whoever makes bytes needed (holds them, commits them, puts a branch or tag on an old revision) shares
the repository; garbage collection is alone with it. So it sees every need, or the need sees what it
took. Moves are alone with it too, so that what it holds counts where it is.
"""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q

from registry.accounts.callers import Caller
from registry.accounts.models import Scope, User
from registry.catalog import quotas
from registry.catalog.models import GitBlob, Holding, Repository
from registry.storage import blobs
from registry.storage.models import Blob

COLLECTION = 0x636F6C6C  # the first of two keys of the lock; the second is the repository's


def share(repository: Repository) -> None:
    """Keep garbage collection out of the repository until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", _lock(repository.pk))


def be_alone(repository_id: int) -> None:
    """Wait until nobody shares the repository, and keep all out until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _lock(repository_id))


def require_room(repository: Repository, found: Iterable[Blob]) -> None:
    """Raise QuotaExceeded unless the namespace may hold what of these it does not hold yet. Asked by
    who shares the repository, which so does not move: it may have moved before."""
    quotas.require_room_for(Q(repositories=repository.pk), found)


def keep(repository: Repository, found: Iterable[Blob], *, by: User | None) -> None:
    """The repository holds these from now on: take the marks off, and have files of this content
    that it had given up be there again, where somebody sends it who writes the repository: who
    proposes a change brings nothing back. Raises NotNow where the bytes are gone."""
    held = list(found)
    blobs.claim(held)
    marked = Holding.objects.filter(
        repository=repository, blob__in=held, unneeded_since__isnull=False
    )
    # In one order, so that two of these never wait for each other
    keys = list(marked.select_for_update().order_by("pk").values_list("pk", flat=True))
    if keys:
        Holding.objects.filter(pk__in=keys).update(unneeded_since=None)
    writes = Repository.objects.writable_by(Caller(user=by, scope=Scope.WRITE))
    given_up = GitBlob.objects.filter(blob__in=held, removed_at__isnull=False)
    given_up.filter(repository__in=writes.filter(pk=repository.pk)).update(removed_at=None)


def _lock(repository_id: int) -> list[int]:
    return [COLLECTION, repository_id % 2**31]
