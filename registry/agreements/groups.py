"""Groups of repositories that are asked for together: who makes them, and what is in them when."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.accounts.permissions import Permission
from registry.agreements import locks
from registry.agreements.models import AccessGroup, AccessGroupEntry, AccessRequest
from registry.audit import log
from registry.catalog import rights, turns
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, NotAllowed, NotNow

MAX_NAME = 100
MOST = 500


def of(repository: Repository) -> AccessGroup | None:
    """The group that the repository is in now."""
    return AccessGroup.objects.filter(_holding(repository)).first()


def counting_for(repository: Repository) -> Q:
    """The condition that a request counts for a repository: for itself, or the group it is in."""
    entries = _entries(repository).values("group")
    return Q(group=None, repository=repository) | Q(group__in=entries)


def of_namespace(namespace: Namespace) -> QuerySet[AccessGroup]:
    return AccessGroup.objects.filter(namespace=namespace, closed_at=None)


def repositories_in(group: AccessGroup) -> QuerySet[Repository]:
    """What is in it now."""
    entries = AccessGroupEntry.objects.filter(group=group, until=None)
    return (
        Repository.objects.filter(
            pk__in=entries.values("repository"), namespace=group.namespace_id, deleted_at=None
        )
        .select_related("namespace")
        .order_by("name")
    )


def repositories_by_group(groups: Iterable[AccessGroup]) -> dict[int, list[Repository]]:
    """What is in each of these groups now, by the key of the group."""
    found: dict[int, list[Repository]] = {}
    entries = AccessGroupEntry.objects.filter(
        group__in=list(groups),
        until=None,
        repository__namespace=F("group__namespace"),
        repository__deleted_at=None,
    ).select_related("repository__namespace")
    for entry in entries.order_by("repository__name"):
        found.setdefault(entry.group_id, []).append(entry.repository)
    return found


def taken(namespace: Namespace) -> QuerySet[AccessGroupEntry, int]:
    """The keys of the repositories that an open group of the namespace holds."""
    entries = AccessGroupEntry.objects.filter(group__in=of_namespace(namespace), until=None)
    return entries.values_list("repository", flat=True)


def may_manage(namespace: Namespace, by: Caller) -> bool:
    """Whether this caller makes groups here and says what is in them."""
    return by.repositories is None and permissions.may(by, Permission.ADMIN, namespace)


def require_review(request: AccessRequest, by: Caller) -> None:
    """Raise unless the caller may decide on a request: for a group, whoever writes all of it."""
    if request.group is None:
        rights.require_write(request.repository, by)
        return
    for repository in repositories_in(request.group):
        rights.require_write(repository, by)


@transaction.atomic
def make(
    namespace: Namespace, name: str, *, by: Caller, now: datetime | None = None
) -> AccessGroup:
    """A new group, with nothing in it yet."""
    _require_manage(namespace, by)
    name = " ".join(name.replace("\0", " ").split())
    if not name or len(name) > MAX_NAME:
        raise Invalid(_("Write a name of at most %(most)s characters.") % {"most": MAX_NAME})
    try:
        with transaction.atomic():
            made = AccessGroup.objects.create(
                namespace=namespace, name=name, created_at=now or timezone.now()
            )
    except IntegrityError as error:
        raise Conflict(_("There is a group with that name already.")) from error
    log.record("access-group.make", actor=by.public_id, subject=made, namespace=namespace.public_id)
    return made


@transaction.atomic
def put(
    group: AccessGroup, repository: Repository, *, by: Caller, now: datetime | None = None
) -> None:
    """Put a repository in. Whoever was let into the group is let into it too from now on."""
    _require_manage(group.namespace, by)
    repository = turns.take(repository)
    group = _taken(group)
    if repository.namespace_id != group.namespace_id:
        raise Invalid(_("A group holds repositories of its own namespace."))
    if (current := of(repository)) is not None:
        if current.pk == group.pk:
            return
        raise Conflict(
            _("It is in the group %(current)s already; take it out of that first.")
            % {"current": current.name}
        )
    if repositories_in(group).count() >= MOST:
        raise Invalid(_("A group holds %(most)s repositories at most.") % {"most": MOST})
    now = now or timezone.now()
    # What a repository left behind in a namespace that it has moved from
    AccessGroupEntry.objects.filter(repository=repository, until=None).update(until=now)
    AccessGroupEntry.objects.create(group=group, repository=repository, since=now)
    _note("access-group.put", group, by=by, repository=repository.public_id)


@transaction.atomic
def take_out(
    group: AccessGroup, repository: Repository, *, by: Caller, now: datetime | None = None
) -> None:
    """Take a repository out. Grants for the group do not open it from now on."""
    _require_manage(group.namespace, by)
    repository = turns.take(repository)
    entries = AccessGroupEntry.objects.filter(group=group, repository=repository, until=None)
    if entries.update(until=now or timezone.now()):
        _note("access-group.take-out", group, by=by, repository=repository.public_id)


@transaction.atomic
def close(group: AccessGroup, *, by: Caller, now: datetime | None = None) -> None:
    """Close a group that is empty. What was decided about it is kept, and its name is free."""
    _require_manage(group.namespace, by)
    group = _taken(group)
    if repositories_in(group).exists():
        raise NotNow(_("Take its repositories out first."))
    now = now or timezone.now()
    AccessGroupEntry.objects.filter(group=group, until=None).update(until=now)
    AccessGroup.objects.filter(pk=group.pk).update(closed_at=now)
    _note("access-group.close", group, by=by)


@transaction.atomic
def set_mode(group: AccessGroup, mode: str, *, by: Caller) -> None:
    """Set the publisher's lock of everything that is in a group, in one act."""
    _require_manage(group.namespace, by)
    # All of them before the end of the audit log, which each change takes
    found = [turns.take(one) for one in repositories_in(group).order_by("pk")]
    for repository in found:
        locks.set_mode(repository, mode, by=by)
    _note("access-group.set-gated", group, by=by, after=str(mode) or "false")


def _entries(repository: Repository) -> QuerySet[AccessGroupEntry]:
    return AccessGroupEntry.objects.filter(
        repository=repository, until=None, group__namespace=repository.namespace_id
    )


def _holding(repository: Repository) -> Q:
    return Q(pk__in=_entries(repository).values("group"))


def _taken(group: AccessGroup) -> AccessGroup:
    """The group as it is, for nobody else to change until the transaction ends."""
    found = AccessGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
    if found.closed_at is not None:
        raise NotNow(_("This group is closed."))
    return found


def _note(event: str, group: AccessGroup, *, by: Caller, **details: str) -> None:
    log.record(
        event,
        actor=by.public_id,
        subject=group,
        namespace=group.namespace.public_id,
        **details,
    )


def _require_manage(namespace: Namespace, by: Caller) -> None:
    if not may_manage(namespace, by):
        raise NotAllowed(
            _(
                "Groups are made by admins of the namespace, with a token of scope admin that "
                "is not limited to some repositories."
            )
        )
