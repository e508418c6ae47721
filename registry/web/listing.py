"""What stands behind the rows of a list for one visitor: the revision shown, its release and run."""

from dataclasses import dataclass

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.catalog import cards
from registry.catalog.models import MAIN, Ref, Repository, Revision
from registry.checks.models import CheckRun, RunState
from registry.releases.models import WAS_RELEASED, Release


@dataclass(frozen=True)
class Row:
    """One model in a list. Without a release it is there only for those who see quarantine."""

    repository: Repository
    revision: Revision | None
    release: Release | None
    run: CheckRun | None
    is_plain: bool = False

    @property
    def licenses(self) -> list[str]:
        if self.revision is None:
            return []
        card = self.revision.card
        names = [str(name) for name in cards.as_list(card.get("license"))]
        return [
            str(card.get("license_name") or name) if name == "other" else name for name in names
        ]

    @property
    def task(self) -> str:
        return str(self.revision.card.get("pipeline_tag") or "") if self.revision else ""


def rows(page: list[Repository], caller: Caller) -> list[Row]:
    """What the list says of each, in a number of queries that does not grow with the page."""
    refs = {
        ref.repository_id: ref
        for ref in Ref.objects.filter(repository__in=page, name=MAIN).select_related(
            "public", "head", "withdrawn"
        )
    }
    insiders = set(
        Repository.objects.quarantine_seen_by(caller)
        .filter(pk__in=[repository.pk for repository in page])
        .values_list("pk", flat=True)
    )
    plain = {one.pk for one in page if plain_hub.is_on(one.namespace)}
    shown = {
        pk: ref.head if pk in plain else _shown(ref, insider=pk in insiders)
        for pk, ref in refs.items()
    }
    revisions = [revision for revision in shown.values() if revision is not None]
    releases = {
        release.revision_id: release
        for release in Release.objects.filter(revision__in=revisions, status__in=WAS_RELEASED)
    }
    checks = latest_runs(revisions)
    return [
        Row(
            repository=repository,
            revision=(revision := shown.get(repository.pk)),
            release=releases.get(revision.pk) if revision else None,
            run=checks.get(revision.pk) if revision else None,
            is_plain=repository.pk in plain,
        )
        for repository in page
    ]


def _shown(ref: Ref, *, insider: bool) -> Revision | None:
    return ref.public or ref.withdrawn or (ref.head if insider else None)


def latest_runs(revisions: list[Revision]) -> dict[int, CheckRun]:
    """Of each revision the newest run that counts; see `checks.runs.latest`."""
    runs = (
        CheckRun.objects.filter(revision__in=revisions)
        .exclude(state=RunState.SUPERSEDED)
        .exclude(rescan__isnull=False, rescan__adopted_at=None)
        .order_by("revision_id", "-pk")
        .distinct("revision_id")
        .defer("report")
    )
    return {run.revision_id: run for run in runs}
