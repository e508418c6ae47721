"""Whether a person has been let in by the publisher, at one moment."""

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements.models import AccessRequest, Grant
from registry.catalog.models import Repository


def in_force(
    repository: Repository, *, caller: Caller, now: datetime | None = None
) -> Grant | None:
    """The grant by which the caller is let in now. Starts are inclusive, ends exclusive."""
    if caller.user is None:
        return None
    return (
        Grant.objects.filter(_at(now or timezone.now()), repository=repository, user=caller.user)
        .order_by("-pk")
        .first()
    )


def of_request(request: AccessRequest, *, now: datetime) -> QuerySet[Grant]:
    """The grants of a request that have not ended."""
    return request.grants.filter(Q(ends_at=None) | Q(ends_at__gt=now))


def _at(now: datetime) -> Q:
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))
