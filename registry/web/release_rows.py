"""What the tab of releases says of each: what it was approved on, by whom, under which terms, and what
changed since the one before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.accounts.callers import Caller
from registry.catalog.models import Repository
from registry.checks.models import CheckRun
from registry.releases import advisories
from registry.releases.models import (
    WAS_RELEASED,
    Advisory,
    AdvisoryScope,
    Decision,
    DecisionKind,
    Release,
)
from registry.web import getting, listing
from registry.web.getting import Way
from registry.web.standing import Standing

MOST_DOCUMENTS = 12


@dataclass(frozen=True)
class Row:
    """A release with its evidence. `previous` is the label of the one that was released before it,
    `ways` get exactly this one; of the newest (`is_newest`) they are unfolded."""

    release: Release
    run: CheckRun | None
    documents: list[dict[str, Any]]
    ways: list[Way] = field(default_factory=list)
    is_newest: bool = False
    previous: str = ""
    approvals: list[Decision] = field(default_factory=list)
    advisories: list[Advisory] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why it is in its state, unless an advisory below says so."""
        told = {one.reason for one in self.advisories}
        return "" if self.release.status_reason in told else self.release.status_reason


def rows(here: Standing, page: Sequence[Release], *, caller: Caller, address: str) -> list[Row]:
    """In a number of queries that does not grow with the page. Files are named in the lines of the
    release that the page is about: for others the gate was not asked."""
    shown = any(one.revision_id == here.shown.pk for one in page)
    names = getting.names_shown(here, here.shown) if shown else []
    newest = here.public_release
    out = [one for one in page if one.status in WAS_RELEASED]
    runs = listing.latest_runs([one.revision for one in page])
    approvals, told = _approvals(out), _advisories(out, caller)
    before = _before(here.repository, out)
    return [
        Row(
            release=one,
            run=runs.get(one.revision_id),
            documents=_documents(one),
            ways=getting.ways_to(
                one, address=address, names=names if one.revision_id == here.shown.pk else []
            ),
            is_newest=newest is not None and one.pk == newest.pk,
            previous=before.get(one.pk, ""),
            approvals=approvals.get(one.pk, []),
            advisories=told.get(one.pk, []),
        )
        for one in page
    ]


def _documents(release: Release) -> list[dict[str, Any]]:
    """The texts in the terms that were pinned."""
    found = release.terms.get("documents") or []
    return [
        {"title": one.get("title", ""), "version": one.get("version", ""), "slug": one.get("slug")}
        for one in found[:MOST_DOCUMENTS]
    ]


def _approvals(out: Sequence[Release]) -> dict[int, list[Decision]]:
    """Those of exactly what was released. Of a release that is still reviewed nothing is said here:
    reviewers may have to decide apart from each other."""
    digests = {one.pk: one.digest for one in out}
    found: dict[int, list[Decision]] = {}
    kept = Decision.objects.filter(release__in=out, kind=DecisionKind.APPROVE)
    for one in kept.select_related("by"):
        if one.digest == digests[one.release_id]:
            found.setdefault(one.release_id, []).append(one)
    return found


def _advisories(out: Sequence[Release], caller: Caller) -> dict[int, list[Advisory]]:
    """What everybody was told about each, the last first."""
    found: dict[int, list[Advisory]] = {}
    listed = advisories.listed(caller)
    scope = AdvisoryScope.objects.filter(release__in=out, advisory__in=listed)
    for one in scope.select_related("advisory").order_by("-advisory_id"):
        found.setdefault(one.release_id, []).append(one.advisory)
    return found


def _before(repository: Repository, out: Sequence[Release]) -> dict[int, str]:
    """The label of what was released before each, suspended and recalled ones left out."""
    if not out:
        return {}
    known = list(
        Release.objects.filter(repository=repository, status="released")
        .order_by("-released_at", "-pk")
        .values_list("pk", "released_at", "version")
    )
    found = {}
    for one in out:
        found[one.pk] = next(
            (
                label
                for pk, at, label in known
                if pk != one.pk and at and one.released_at and at < one.released_at
            ),
            "",
        )
    return found
