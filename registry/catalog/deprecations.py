"""When a repository is advised against, by whom, and what its owners name in its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.accounts.permissions import Permission
from registry.audit import log
from registry.catalog import announcements, repositories, turns
from registry.catalog.models import Deprecation, Repository
from registry.errors import Invalid, Moved, NotAllowed, RepositoryMissing, SignInRequired

MAX_NOTE = 1000
MAX_STEPS = 20


@dataclass(frozen=True)
class Advice:
    """What is said of a deprecated repository. `successor` is None where there is none that the
    caller may know of."""

    note: str
    at: datetime
    successor: Repository | None


@transaction.atomic
def deprecate(
    repository: Repository,
    *,
    by: Caller,
    successor: str = "",
    note: str = "",
    now: datetime | None = None,
) -> Deprecation:
    """Advise against a repository, naming another by its id or none. Said again, it replaces what
    was said before."""
    user = _require(repository, by)
    note = note.strip()
    if len(note) > MAX_NOTE:
        raise Invalid(_("The note may have at most %(most)s characters.") % {"most": MAX_NOTE})
    turns.take(repository)
    following = _successor(repository, successor.strip(), by)
    row, _is_new = Deprecation.objects.update_or_create(
        repository=repository,
        defaults={
            "successor": following,
            "note": note,
            "by": user,
            "at": now or timezone.now(),
        },
    )
    log.record(
        "repository.deprecate",
        actor=by.public_id,
        subject=repository,
        successor=following.public_id if following else "",
    )
    announcements.announce(repository, "repo.config", "update")
    return row


@transaction.atomic
def take_back(repository: Repository, *, by: Caller) -> None:
    """No longer advise against a repository."""
    _require(repository, by)
    turns.take(repository)
    removed, _each = Deprecation.objects.filter(repository=repository).delete()
    if removed:
        log.record("repository.undeprecate", actor=by.public_id, subject=repository)
        announcements.announce(repository, "repo.config", "update")


def of(repository: Repository, *, caller: Caller) -> Advice | None:
    return of_many([repository], caller=caller).get(repository.pk)


def of_many(found: Iterable[Repository], *, caller: Caller) -> dict[int, Advice]:
    """What is said of those of these repositories that are deprecated, by key; two queries."""
    rows = list(Deprecation.objects.filter(repository__in=[one.pk for one in found]))
    named = [row.successor_id for row in rows if row.successor_id]
    known: dict[int, Repository] = {}
    if named:
        visible = Repository.objects.visible_to(caller).filter(pk__in=named)
        known = {one.pk: one for one in visible.select_related("namespace")}
    return {
        row.repository_id: Advice(row.note, row.at, known.get(row.successor_id or 0))
        for row in rows
    }


def _successor(repository: Repository, name: str, by: Caller) -> Repository | None:
    if not name:
        return None
    try:
        found = repositories.find(name, caller=by, type=repository.type)
    except Moved as moved:
        raise Invalid(
            _("%(name)s is called %(now)s now.") % {"name": name, "now": moved.now}
        ) from moved
    except RepositoryMissing as missing:
        raise Invalid(
            _("There is no %(type)s %(name)r here that you may know of.")
            % {"type": repository.type, "name": name}
        ) from missing
    if found.pk == repository.pk:
        raise Invalid(_("A repository cannot be its own successor."))
    if _leads_to(found, repository):
        raise Invalid(
            _("%(full_name)s names this one as its successor.") % {"full_name": found.full_name}
        )
    return found


def _leads_to(start: Repository, end: Repository) -> bool:
    """Whether who follows the successors of `start` comes to `end`."""
    key: int | None = start.pk
    for _step in range(MAX_STEPS):
        row = Deprecation.objects.filter(repository=key).first()
        key = row.successor_id if row else None
        if key is None or key == end.pk:
            break
    return key == end.pk


def _require(repository: Repository, by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to say this."))
    if not by.reaches(repository.public_id) or not permissions.may(
        by, Permission.MANAGE, repository.namespace
    ):
        raise NotAllowed(_("Deprecating a repository needs the role admin in its namespace."))
    return by.user
