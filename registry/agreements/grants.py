"""Whether a person has been let in by the publisher, at one moment."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements.models import AccessRequest, Grant
from registry.catalog.models import Repository
from registry.prepared import Prepared


def in_force(
    repository: Repository, *, caller: Caller, now: datetime | None = None
) -> Grant | None:
    """The grant by which the caller is let in now. Starts are inclusive, ends exclusive."""
    if caller.user is None:
        return None
    found = _IN_FORCE.rows(user=caller.user.pk, repository=repository.pk, now=now or timezone.now())
    return next(iter(found), None)


_IN_FORCE = Prepared(
    lambda user, repository, now: Grant.objects.filter(
        _at(now), repository_id=repository, user_id=user
    ).order_by("-pk")[:1]
)


def of_request(request: AccessRequest, *, now: datetime) -> QuerySet[Grant]:
    """The grants of a request that have not ended."""
    return request.grants.filter(Q(ends_at=None) | Q(ends_at__gt=now))


def _at(now: datetime) -> Q:
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))
