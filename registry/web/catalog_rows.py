"""What a row of the catalog says of a model: facts, state, and what it still asks of this visitor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Value
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import coverage
from registry.catalog import cards
from registry.catalog.models import Deprecation, Repository, Revision, SearchEntry
from registry.checks.models import CheckRun
from registry.releases import in_force
from registry.releases.models import Release, Status
from registry.web import listing

# Names of bases that a row has room for
BASES = 2


@dataclass(frozen=True)
class Row:
    """One model. Without an entry it says what its name and its revision do."""

    repository: Repository
    revision: Revision | None
    release: Release | None
    run: CheckRun | None
    is_plain: bool
    entry: SearchEntry | None
    asks: str
    deprecation: Deprecation | None
    licenses: list[str] = field(default_factory=list)

    @property
    def task(self) -> str:
        return str(self.revision.card.get("pipeline_tag") or "") if self.revision else ""

    @property
    def parameters(self) -> int | None:
        if self.entry is not None and self.entry.parameters is not None:
            return self.entry.parameters
        return self.revision.parameters if self.revision else None

    @property
    def context_length(self) -> int | None:
        return self.entry.context_length if self.entry else None

    @property
    def is_official(self) -> bool:
        return bool(self.entry and self.entry.is_official)

    @property
    def relation(self) -> str:
        return _relation(self.entry)

    @property
    def bases(self) -> list[str]:
        if self.revision is None:
            return []
        found = [str(base) for base in cards.as_list(self.revision.card.get("base_model"))]
        return found[:BASES]


def rows(
    entries: Iterable[SearchEntry], caller: Caller, *, now: datetime | None = None
) -> list[Row]:
    """A row for each, in a number of queries that does not grow with the page."""
    by_key = {entry.repository_id: entry for entry in entries}
    plain = listing.rows([entry.repository for entry in by_key.values()], caller)
    asks = _asks([row.release for row in plain if row.release], caller, now or timezone.now())
    advised_against = {
        one.repository_id: one
        for one in Deprecation.objects.filter(repository__in=list(by_key)).select_related(
            "successor__namespace"
        )
    }
    return [
        Row(
            repository=row.repository,
            revision=row.revision,
            release=row.release,
            run=row.run,
            is_plain=row.is_plain,
            entry=by_key.get(row.repository.pk),
            asks=asks.get(row.release.pk, "") if row.release else "",
            deprecation=advised_against.get(row.repository.pk),
            licenses=row.licenses,
        )
        for row in plain
    ]


def _asks(releases: list[Release], caller: Caller, now: datetime) -> dict[int, str]:
    """For each release, by key: `open`, `terms` where this visitor still has to accept some,
    `accepted` where they did. Whether somebody lets them in besides is told on its page."""
    living = [one for one in releases if one.status == Status.RELEASED]
    found = {one.pk: "terms" if one.terms["needs_acceptance"] else "open" for one in living}
    if caller.user is not None and living:
        accepted = coverage.of(
            user=Value(caller.user.pk),
            repository=OuterRef("repository_id"),
            hashes=OuterRef("counting"),
            now=Value(now),
        )
        covered = Release.objects.filter(pk__in=found).annotate(
            counting=in_force.counting_then(now)
        )
        for key in covered.filter(Exists(accepted)).values_list("pk", flat=True):
            found[key] = "accepted" if found[key] == "terms" else found[key]
    return found


def _relation(entry: SearchEntry | None) -> str:
    return next(iter(_of(entry, "relation")), "")


def _of(entry: SearchEntry | None, key: str) -> Iterator[str]:
    for facet in entry.facets if entry else ():
        name, _, value = str(facet).partition(":")
        if name == key:
            yield value


def as_record(row: Row) -> dict[str, Any]:
    """The row as a line of a table for programs, without markup or translation."""
    return {
        "name": row.repository.full_name,
        "version": row.release.version if row.release else "",
        "released_at": row.release.released_at.isoformat()
        if row.release and row.release.released_at
        else "",
        "license": " ".join(row.licenses),
        "task": row.task,
        "parameters": row.parameters or "",
        "context_length": row.context_length or "",
        "base": " ".join(row.bases),
        "relation": row.relation,
        "verdict": row.run.verdict if row.run else "",
        "access": row.asks,
        "bytes": row.revision.total_size if row.revision else "",
        "downloads": row.repository.downloads,
        "likes": row.repository.likes,
    }
