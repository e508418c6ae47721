"""The runs of a repository's checks that a visitor may know of, the newest first."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from registry.accounts.callers import Caller
from registry.catalog.models import Repository, Revision
from registry.checks.models import CheckRun, RunState

SHOWN = 20


def of(repository: Repository, caller: Caller) -> list[CheckRun]:
    """The latest of them, each with whether it is the newest of its revision."""
    told = _known(repository, caller).select_related("revision")
    newer = _known(repository, caller).filter(revision=OuterRef("revision"), pk__gt=OuterRef("pk"))
    told = told.annotate(is_earlier=Exists(newer)).defer("report", "attestation")
    return list(told.order_by("-pk")[:SHOWN])


def find(run_id: str, revision: Revision, caller: Caller) -> CheckRun | None:
    """This run of the revision, where the visitor may know of it."""
    found = _known(revision.repository, caller).filter(revision=revision, public_id=run_id)
    return found.first()


def _known(repository: Repository, caller: Caller) -> QuerySet[CheckRun]:
    """Those that count or counted: of a rescan only once it is adopted."""
    counted = Q(rescan=None) | Q(rescan__adopted_at__isnull=False)
    seen = Revision.objects.visible_to(caller).filter(repository=repository)
    found = CheckRun.objects.filter(counted, revision__in=seen)
    return found.exclude(state=RunState.SUPERSEDED)
