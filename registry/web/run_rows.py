"""The runs of a repository's checks that a visitor may know of, the newest first."""

from django.db.models import Q

from registry.accounts.callers import Caller
from registry.catalog.models import Repository, Revision
from registry.checks.models import CheckRun, RunState

SHOWN = 20


def of(repository: Repository, caller: Caller) -> list[CheckRun]:
    """The latest of those that count or counted: of a rescan only once it is adopted."""
    counted = Q(rescan=None) | Q(rescan__adopted_at__isnull=False)
    seen = Revision.objects.visible_to(caller).filter(repository=repository)
    found = CheckRun.objects.filter(counted, revision__in=seen)
    told = found.exclude(state=RunState.SUPERSEDED).select_related("revision")
    return list(told.defer("report", "attestation").order_by("-pk")[:SHOWN])
