"""Builds what the catalog is searched by from the rows that it repeats, whenever those change."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from registry.catalog import cards, files, lineage, revisions, search_names, search_words
from registry.catalog.files import FileEntry
from registry.catalog.models import (
    MAIN,
    Ref,
    Repository,
    RepositoryType,
    Revision,
    SearchEntry,
    Variant,
)
from registry.catalog.search_words import Weighted
from registry.checks import catalogue
from registry.checks.models import CheckRun, FindingRow, Job, JobKind, JobState, RunState
from registry.releases import entry_facts, in_force
from registry.releases.entry_facts import Grounds
from registry.releases.models import WAS_RELEASED, Release
from registry.storage import blobs

BATCH = 100
MAX_TEXT = 256 * 1024
# Counted up when entries are read from the same rows in another way; all are then built again
FORMAT = 2
# What a base model is today shows in its descendants after so long at the latest
AT_LEAST_EVERY = timedelta(days=7)
# A verdict is written a while before others see it
LATE = timedelta(minutes=2)
# Each part begins with what is few: what is compared of every entry stands in its row. An entry that
# is older than `since` is built again anyhow, so that what happened before says nothing new.
_STALE = """
WITH stale AS (
    SELECT repository.id
    FROM catalog_repository AS repository
    JOIN accounts_namespace AS namespace ON namespace.id = repository.namespace_id
    LEFT JOIN catalog_searchentry AS entry ON entry.repository_id = repository.id
    LEFT JOIN catalog_ref AS main ON main.repository_id = repository.id AND main.name = %(main)s
    WHERE repository.deleted_at IS NULL AND (
        entry.repository_id IS NULL
        OR entry.built_at < %(since)s
        OR entry.name <> lower(namespace.name || '/' || repository.name)
        OR entry.revision_id IS DISTINCT FROM coalesce(
            CASE WHEN namespace.publishes_on_commit AND %(plain_hub)s THEN (
                SELECT head.id FROM catalog_revision AS head
                WHERE head.id = main.head_id
                    AND NOT (head.proposal_id IS NOT NULL AND head.state = 'quarantine')
            ) END,
            main.public_id
        )
        OR entry.revision_id IS NOT NULL AND (
            entry.facts ->> 'format' IS DISTINCT FROM %(format)s
            OR repository.gated = 'manual' AND entry.facts ->> 'access' <> 'manual'
            OR repository.gated = 'auto' AND entry.facts ->> 'access' <> 'ask'
        )
    )
    UNION
    SELECT entry.repository_id
    FROM catalog_searchentry AS entry
    JOIN catalog_repository AS repository ON repository.id = entry.repository_id
    WHERE entry.facets && ARRAY['access:manual', 'access:ask']::varchar[]
        AND repository.gated = '' AND repository.deleted_at IS NULL
    UNION
    SELECT entry.repository_id
    FROM checks_checkrun AS run
    JOIN catalog_searchentry AS entry ON entry.revision_id = run.revision_id
    JOIN catalog_repository AS repository ON repository.id = entry.repository_id
    WHERE run.finished_at > %(since)s - %(late)s
        AND run.finished_at > entry.built_at - %(late)s
        AND run.verdict <> coalesce(entry.facts ->> 'verdict', '') AND repository.deleted_at IS NULL
    UNION
    SELECT entry.repository_id
    FROM releases_termschange AS change
    JOIN releases_release AS release ON release.id = change.release_id
    JOIN catalog_searchentry AS entry ON entry.revision_id = release.revision_id
    JOIN catalog_repository AS repository ON repository.id = entry.repository_id
    WHERE change.from_at > %(since)s
        AND change.from_at > entry.built_at AND change.from_at <= %(now)s
        AND repository.deleted_at IS NULL
)
SELECT stale.id
FROM stale LEFT JOIN catalog_searchentry AS entry ON entry.repository_id = stale.id
ORDER BY entry.built_at NULLS FIRST, stale.id
LIMIT %(limit)s
"""


@transaction.atomic
def refresh(keys: Iterable[int], *, now: datetime | None = None) -> int:
    """Build the entries of these repositories again, by key. Returns how many.

    The entries are locked before anything is read, so that of two builders the later writes last
    and has seen what the first one saw.
    """
    now = now or timezone.now()
    wanted = sorted(set(keys))
    if missing := set(wanted) - _locked(wanted):
        search_names.enter_all(sorted(missing))
        _locked(wanted)
    built = _built(wanted, now)
    changed = [field.name for field in SearchEntry._meta.concrete_fields if not field.primary_key]
    SearchEntry.objects.bulk_create(
        built,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["repository"],
        update_fields=changed,
    )
    return len(built)


def refresh_stale(*, now: datetime | None = None, limit: int = BATCH) -> int:
    """Build those again that differ from what they repeat, the oldest first. Returns how many."""
    now = now or timezone.now()
    return refresh(stale(now, limit=limit), now=now)


def stale(now: datetime, *, limit: int = BATCH) -> list[int]:
    """The keys of the repositories whose entry is not there, or is not as it would be built now."""
    given: dict[str, Any] = {
        "main": MAIN,
        "plain_hub": settings.ALLOW_PLAIN_HUB,
        "now": now,
        "since": now - AT_LEAST_EVERY,
        "late": LATE,
        "format": str(FORMAT),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STALE, given)
        return [key for (key,) in cursor.fetchall()]


def _locked(keys: list[int]) -> set[int]:
    there = SearchEntry.objects.filter(pk__in=keys).order_by("pk")
    return set(there.select_for_update(no_key=True).values_list("pk", flat=True))


def _built(keys: list[int], now: datetime) -> list[SearchEntry]:
    """The entries as they are to be, with a number of queries for all and a few for each."""
    repositories = Repository.objects.filter(pk__in=keys).select_related("namespace")
    refs = Ref.objects.filter(repository__in=keys, name=MAIN).select_related(
        "repository__namespace", "head__tree", "public__tree"
    )
    outside = {ref.repository_id: _outside(ref) for ref in refs}
    shown = [revision for revision in outside.values() if revision is not None]
    runs = _runs(shown)
    smoke = _smoke(runs.values())
    releases = Release.objects.filter(repository__in=keys, status__in=WAS_RELEASED)
    of_revision: dict[int, Release] = {}
    released_at: dict[int, datetime] = {}
    for release in releases.order_by("released_at"):
        of_revision[release.revision_id] = release
        if release.released_at is not None:
            released_at[release.repository_id] = release.released_at
    official = _official(repositories)
    built = []
    for repository in repositories:
        revision = outside.get(repository.pk)
        if revision is None:
            built.append(_named(repository, released_at.get(repository.pk), official, now))
            continue
        revision.repository = repository
        released = of_revision.get(revision.pk)
        grounds = Grounds(
            repository=repository,
            revision=revision,
            ancestry=_ancestry(revision),
            own=official.get(repository.full_name.lower()),
            run=runs.get(revision.pk),
            smoke=smoke.get(revision.pk, "") if repository.type == RepositoryType.MODEL else "",
            release=released,
            needs_acceptance=released is not None and in_force.of(released, now).needs_acceptance,
            released_at=released_at[repository.pk] if released else revision.committed_at,
            names=_names(revision),
        )
        built.append(_whole(grounds, now))
    return built


def _outside(ref: Ref) -> Revision | None:
    """What everybody gets from a branch."""
    return ref.head if revisions.is_published(ref) else ref.public


def _named(
    repository: Repository,
    released_at: datetime | None,
    official: dict[str, Variant],
    now: datetime,
) -> SearchEntry:
    """Of a repository of which nothing is out."""
    name = repository.full_name.lower()
    return SearchEntry(
        repository=repository,
        name=name,
        words=search_words.vector(search_names.names_of(repository)),
        is_official=name in official,
        released_at=released_at,
        built_at=now,
    )


def _whole(of: Grounds, now: datetime) -> SearchEntry:
    read = _texts(of.revision)
    config = _config(read.get("config.json", ""))
    names = [*search_names.names_of(of.repository), Weighted("B", _belongs_to(of))]
    return SearchEntry(
        repository=of.repository,
        revision=of.revision,
        name=of.repository.full_name.lower(),
        words=search_words.vector(names, cards.split(read.get("README.md", ""))[1]),
        facets=entry_facts.facets(of),
        facts=entry_facts.facts(of) | {"format": FORMAT},
        is_official=of.own is not None,
        parameters=of.revision.parameters or _stated(of),
        context_length=entry_facts.context_length(of, config),
        released_at=of.released_at,
        built_at=now,
    )


def _belongs_to(of: Grounds) -> tuple[str, ...]:
    """Names that the model is found by though they are not its own."""
    families = dict.fromkeys(variant.family.name for variant in of.variants)
    return (*families, *(tag for tag in of.revision.tags if len(tag) <= 100))


def _stated(of: Grounds) -> int | None:
    """How many parameters published facts say, where the files do not."""
    said = (of.own.facts.get("parameters") or {}) if of.own is not None else {}
    found = said.get("computed_from_config")
    return found if type(found) is int else None


def _ancestry(revision: Revision) -> lineage.Ancestry:
    if not revision.card.get("base_model"):
        return lineage.Ancestry()
    return lineage.of_revision(revision)


def _names(revision: Revision) -> tuple[str, ...]:
    """The names of its files, where they say how a model was made small."""
    if "gguf" not in revision.tags:
        return ()
    return tuple(file.path for file in files.files_of(revision))


def _runs(shown: list[Revision]) -> dict[int, CheckRun]:
    found = (
        CheckRun.objects.filter(revision__in=shown)
        .exclude(state=RunState.SUPERSEDED)
        .exclude(rescan__isnull=False, rescan__adopted_at=None)
        .order_by("revision_id", "-pk")
        .distinct("revision_id")
        .defer("report", "attestation")
    )
    return {run.revision_id: run for run in found}


def _smoke(found: Iterable[CheckRun]) -> dict[int, str]:
    """What the smoke tests of these runs found, by the key of the revision."""
    runs = {run.pk: run.revision_id for run in found}
    said = {
        runs[run]: "passed" if state == JobState.DONE else "not-run"
        for run, state in Job.objects.filter(run__in=runs, kind=JobKind.SMOKE).values_list(
            "run", "state"
        )
    }
    asked = [check.id for check in catalogue.of_stage("run")]
    seen = FindingRow.objects.filter(run__in=runs, check_id__in=asked)
    for run, severity in seen.values_list("run", "severity"):
        now = said.get(runs[run], "not-run")
        if severity == "block" or (severity == "warn" and now == "passed"):
            said[runs[run]] = {"block": "blocked", "warn": "warned"}[severity]
    return said


def _official(repositories: Iterable[Repository]) -> dict[str, Variant]:
    """Published models whose names these repositories bear, by name in small letters."""
    known = Variant.objects.exclude(hub_repo_id="").select_related("family")
    by_name = {variant.hub_repo_id.lower(): variant for variant in known}
    names = {repository.full_name.lower() for repository in repositories}
    return {name: variant for name, variant in by_name.items() if name in names}


def _texts(revision: Revision) -> dict[str, str]:
    """The card and the configuration; what cannot be read is for the checks to say."""
    entries = files.at(revision, ["README.md", "config.json"])
    return {
        path: _text(entry)
        for path, entry in entries.items()
        if isinstance(entry, FileEntry) and entry.size <= MAX_TEXT
    }


def _text(file: FileEntry) -> str:
    try:
        text = blobs.read(file.sha256, limit=MAX_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""
    return text.replace("\0", "")


def _config(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
