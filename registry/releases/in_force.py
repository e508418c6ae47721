"""Which terms a release is under at one moment: those pinned with it, until a campaign replaces them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Func, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from registry.agreements.coverage import HASHES
from registry.releases.models import Release, TermsChange


@dataclass(frozen=True)
class InForce:
    """The set, its hash, and the hashes of the sets whose acceptance opens the release; `since` is
    None for the set that was pinned."""

    terms: dict[str, Any]
    hash: str
    counts: tuple[str, ...]
    since: datetime | None = None

    @property
    def needs_acceptance(self) -> bool:
        return bool(self.terms["needs_acceptance"])


def of(release: Release, now: datetime | None = None) -> InForce:
    """What the release is under now."""
    change = changes(release.pk, now or timezone.now()).first()
    if change is None:
        return InForce(release.terms, release.terms_hash, (release.terms_hash,))
    return InForce(change.terms, change.terms_hash, tuple(change.counts), change.from_at)


def named(release: Release, shown_hash: str, now: datetime | None = None) -> InForce:
    """The set in force, or where its hash is another one, that of the coming set of this hash: in a
    grace people may agree early."""
    now = now or timezone.now()
    present = of(release, now)
    if shown_hash == present.hash:
        return present
    coming = TermsChange.objects.filter(
        release=release, terms_hash=shown_hash, from_at__gt=now, campaign__cancelled_at=None
    ).first()
    if coming is None:
        return present
    return InForce(coming.terms, coming.terms_hash, tuple(coming.counts), coming.from_at)


def changes(release: Any, now: Any) -> QuerySet[TermsChange]:
    """The changes that have taken effect, the one in force first. Key and moment may be
    expressions. A campaign is cancelled only before it takes effect."""
    return TermsChange.objects.filter(
        release_id=release, from_at__lte=now, campaign__cancelled_at=None
    ).order_by("-from_at", "-pk")


def hash_then(now: Any) -> Coalesce:
    """For a query of releases: the hash of the set in force."""
    return Coalesce(
        Subquery(changes(OuterRef("pk"), now).values("terms_hash")[:1]), F("terms_hash")
    )


def counting_then(now: Any) -> Coalesce:
    """For a query of releases: the hashes of the sets whose acceptance opens the release."""
    pinned = Func(
        F("terms_hash"), template="ARRAY[%(expressions)s]::varchar[]", output_field=HASHES
    )
    changed = Subquery(changes(OuterRef("pk"), now).values("counts")[:1], output_field=HASHES)
    return Coalesce(changed, pinned, output_field=HASHES)
