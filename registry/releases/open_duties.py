"""How many duties of each open release are still open, kept so that the queue need not work them out.

A count is of one release digest: of another it says nothing. It is made anew after a steward decided
and every hour, because what other models and texts say can change without the release.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from registry.releases import duties
from registry.releases.models import OPEN, DutyDecision, Release

FRESH = timedelta(hours=1)
# For one run: the next one goes on
MOST = 20


def recount(now: datetime) -> int:
    """Count those that were not counted as they are now. Returns how many there were."""
    decided = DutyDecision.objects.filter(
        revision=OuterRef("revision"), at__gt=OuterRef("duties_counted_at")
    )
    due = Release.objects.filter(
        Q(duties_counted_at=None)
        | Q(duties_counted_at__lte=now - FRESH)
        | ~Q(duties_counted_of=F("digest"))
        | Exists(decided),
        status__in=OPEN,
    )
    releases = due.select_related("repository__namespace", "revision__repository__namespace")
    found = list(releases.order_by(F("duties_counted_at").asc(nulls_first=True), "pk")[:MOST])
    for release in found:
        _count(release, now)
    return len(found)


@transaction.atomic
def _count(release: Release, now: datetime) -> None:
    """A release that changed meanwhile has another digest, and is counted again."""
    results = duties.of_revision(release.revision, now)
    Release.objects.filter(pk=release.pk).update(
        open_duties=sum(one.holds or one.warns for one in results),
        duties_counted_of=release.digest,
        duties_counted_at=now,
    )
