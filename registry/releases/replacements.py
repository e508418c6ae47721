"""Which releases come under other terms once a version of a text takes the place of another, and
under which: the one computation behind what a steward is shown and what is written."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate

from registry.agreements import grants
from registry.agreements import terms as terms_of
from registry.agreements.models import (
    Acceptance,
    AccessGroupEntry,
    Document,
    DocumentVersion,
    Ending,
    Grant,
)
from registry.releases.models import Campaign, CampaignKind, Release, Status, TermsChange

LASTING = [Status.RELEASED, Status.SUSPENDED]


@dataclass(frozen=True)
class Replacement:
    """A release, the hashes that open it until then, and the set that it is under afterwards with
    the hashes that open it."""

    release: Release
    opened_by: tuple[str, ...]
    terms: dict[str, Any]
    hash: str
    counts: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """Who and what is affected. `acceptances` are those whose set is replaced; `people` gave them
    for themselves, `organisations` through a signatory. `grants` are in force then and stay."""

    releases: int
    repositories: int
    acceptances: int
    people: int
    organisations: int
    grants: int


def naming(document: Document) -> QuerySet[Release]:
    """The releases whose terms hold the document: no campaign adds one or takes one away."""
    return Release.objects.filter(
        status__in=LASTING,
        repository__deleted_at=None,
        terms__documents__contains=[{"document": document.public_id}],
    ).select_related("repository")


def of_version(
    version: DocumentVersion, *, kind: str, at: datetime, among: QuerySet[Release] | None = None
) -> list[Replacement]:
    """What the version replaces at that moment, in the sets that will be in force just then."""
    releases = list((naming(version.document) if among is None else among).order_by("pk"))
    changed = _in_force(releases, at)
    older = _older(version)
    found = []
    for release in releases:
        change = changed.get(release.pk)
        terms = change.terms if change else release.terms
        opened_by = tuple(change.counts) if change else (release.terms_hash,)
        replaced = _with_version(terms, version, older)
        if replaced is None:
            continue
        made = terms_of.hash_of(replaced)
        carried = opened_by if kind == CampaignKind.EDITORIAL else ()
        found.append(Replacement(release, opened_by, replaced, made, (*carried, made)))
    return found


def of_campaign(campaign: Campaign) -> list[Replacement]:
    """What a confirmed campaign wrote."""
    rows = list(campaign.changes.select_related("release__repository").order_by("pk"))
    before = _before(rows)
    return [
        Replacement(row.release, before[row.pk], row.terms, row.terms_hash, tuple(row.counts))
        for row in rows
    ]


def versions_replaced(version: DocumentVersion, *, before: datetime) -> list[DocumentVersion]:
    """The older versions of the document under which releases are just before that moment."""
    releases = list(naming(version.document))
    changed = _in_force(releases, before - timedelta(microseconds=1))
    named = {
        item["sha256"]
        for release in releases
        for item in (changed[release.pk].terms if release.pk in changed else release.terms)[
            "documents"
        ]
        if item["document"] == version.document.public_id
    }
    return list(version.document.versions.filter(sha256__in=sorted(named & _older(version))))


def count(replacements: list[Replacement], *, now: datetime, at: datetime) -> Counts:
    """The exact numbers, as they are now, of a change that comes at that moment."""
    acceptances = acceptances_of(replacements, now=now)
    return Counts(
        releases=len(replacements),
        repositories=len(_repositories(replacements)),
        acceptances=acceptances.count(),
        people=acceptances.filter(organisation=None).values("user").distinct().count(),
        organisations=acceptances.exclude(organisation=None)
        .values("organisation")
        .distinct()
        .count(),
        grants=_grants(replacements, at=at).count(),
    )


def acceptances_of(replacements: list[Replacement], *, now: datetime) -> QuerySet[Acceptance]:
    """The acceptances, not ended, of the sets that are replaced. A set names its repository, so
    that its hash is of that repository alone."""
    opened_by = {one for each in replacements for one in each.opened_by}
    return acceptances_with(opened_by, replacements, now=now)


def acceptances_after(replacements: list[Replacement], *, now: datetime) -> QuerySet[Acceptance]:
    """The acceptances, not ended, of the sets that take their place."""
    return acceptances_with({one.hash for one in replacements}, replacements, now=now)


def acceptances_with(
    hashes: set[str], replacements: list[Replacement], *, now: datetime
) -> QuerySet[Acceptance]:
    """The acceptances, not ended, of sets with these hashes in the repositories concerned."""
    ended = Ending.objects.filter(acceptance=OuterRef("pk"), at__lte=now)
    return Acceptance.objects.filter(
        ~Exists(ended),
        repository__any_of=_repositories(replacements),
        terms_hash__in=sorted(hashes),
        accepted_at__lte=now,
    )


def _grants(replacements: list[Replacement], *, at: datetime) -> QuerySet[Grant]:
    repositories = _repositories(replacements)
    entries = AccessGroupEntry.objects.filter(
        Q(until=None) | Q(until__gt=at),
        group=OuterRef("group"),
        repository__any_of=repositories,
        since__lte=at,
    )
    return Grant.objects.filter(
        grants.at(at), Q(group=None, repository__any_of=repositories) | Exists(entries)
    )


def _repositories(replacements: list[Replacement]) -> list[int]:
    return sorted({one.release.repository_id for one in replacements})


def _older(version: DocumentVersion) -> set[str]:
    """The hashes of the versions that this one may replace: those that took effect before it, in the
    order of `documents.current`. What is newer is never replaced."""
    begun = version.effective_date or version.loaded_at.astimezone(UTC).date()
    others = version.document.versions.exclude(pk=version.pk).annotate(
        begun=Coalesce("effective_date", TruncDate("loaded_at", tzinfo=UTC))
    )
    if version.has_text:
        older = Q(text=None) | Q(begun__lt=begun) | Q(begun=begun, pk__lt=version.pk)
    else:
        older = Q(text=None)
    return set(others.filter(older).values_list("sha256", flat=True))


def _with_version(
    terms: dict[str, Any], version: DocumentVersion, older: set[str]
) -> dict[str, Any] | None:
    """The set with this version of the document in the place of an older one, None where it holds
    no older one. Why the document is there stays."""
    document = version.document
    replaced = {
        item["sha256"]
        for item in terms["documents"]
        if item["document"] == document.public_id and item["sha256"] in older
    }
    if not replaced:
        return None
    now_named = {
        "version": version.version,
        "sha256": version.sha256,
        "text": version.has_text,
        "official_url": document.official_url,
    }
    made = dict(terms)
    made["documents"] = [
        item | now_named
        if item["document"] == document.public_id and item["sha256"] in replaced
        else item
        for item in terms["documents"]
    ]
    if "attestations" in terms:
        made["attestations"] = [
            one | {"version_sha256": version.sha256}
            if one["license"] == document.slug and one["version_sha256"] in replaced
            else one
            for one in terms["attestations"]
        ]
    return made


def _in_force(releases: list[Release], at: datetime) -> dict[int, TermsChange]:
    """The change in force then of each release that has one, by its key."""
    return {row.release_id: row for row in _standing(releases).filter(from_at__lte=at)}


def _before(rows: list[TermsChange]) -> dict[int, tuple[str, ...]]:
    """The hashes that opened the release just before each of these changes, by its key."""
    opened: dict[int, tuple[str, ...]] = {row.release_id: (row.release.terms_hash,) for row in rows}
    found = {}
    for change in _standing([row.release for row in rows]).defer("terms"):
        found[change.pk] = opened[change.release_id]
        opened[change.release_id] = tuple(change.counts)
    return {row.pk: found.get(row.pk, opened[row.release_id]) for row in rows}


def _standing(releases: list[Release]) -> QuerySet[TermsChange]:
    """The changes of these releases that no cancellation took away, in the order of their effect."""
    return TermsChange.objects.filter(
        release__any_of=[release.pk for release in releases], campaign__cancelled_at=None
    ).order_by("from_at", "pk")
