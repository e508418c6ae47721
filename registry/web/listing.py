"""The lists of models and datasets as one visitor sees it: search, filters, and what each row says."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.catalog import cards
from registry.catalog.models import MAIN, Ref, Repository, Revision
from registry.checks.models import CheckRun, RunState, Verdict
from registry.releases.models import WAS_RELEASED, Release

SORTS = {"updated": "-moved_at", "name": "name", "downloads": "-downloads"}


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


def select(
    caller: Caller,
    *,
    kind: str = "",
    query: str = "",
    license: str = "",
    verdict: str = "",
    sort: str = "updated",  # noqa: A002
) -> QuerySet[Repository]:
    """Repositories that the caller may know of. Search and filters look only at what is public,
    so that nobody learns from a hit what is in quarantine."""
    found = Repository.objects.visible_to(caller).select_related("namespace")
    found = found.annotate(moved_at=_moved_at(caller))
    if kind:
        found = found.filter(type=kind)
    for word in query.split()[:8]:
        found = found.filter(
            Q(name__icontains=word)
            | Q(namespace__name__icontains=word)
            | Exists(_outside(tags__contains=[word.lower()]))
        )
    if license:
        found = found.filter(Exists(_outside(tags__contains=[f"license:{license}"])))
    if verdict in {Verdict.PASSED, Verdict.WARNED}:
        checked = CheckRun.objects.filter(verdict=verdict, revision=OuterRef("pk"))
        found = found.filter(Exists(_outside().filter(Exists(checked))))
    return found.order_by(SORTS.get(sort, SORTS["updated"]), "pk")


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


def licenses_in_use(caller: Caller, kind: str) -> list[str]:
    """The licenses of what the public gets, for the filter."""
    visible = Repository.objects.visible_to(caller).filter(type=kind)
    outside = Ref.objects.filter(repository__in=visible, name=MAIN).annotate(outside=_outside_key())
    named = (
        Revision.objects.filter(pk__in=outside.values("outside"))
        .values_list("card__license", flat=True)
        .distinct()
    )
    return sorted({str(name) for value in named for name in cards.as_list(value)})


def _moved_at(caller: Caller) -> Case:
    """When something last happened that this caller may know of: a release, or for those who see
    quarantine, and in plain hubs, a commit. Otherwise the order of the list would tell of hidden
    uploads."""
    releases = Release.objects.filter(repository=OuterRef("pk"), status__in=WAS_RELEASED)
    newest = Subquery(releases.order_by("-released_at").values("released_at")[:1])
    insiders = Repository.objects.quarantine_seen_by(caller)
    return Case(
        When(Q(pk__in=insiders.values("pk")) | plain_hub.where(), then=F("updated_at")),
        default=Coalesce(newest, F("created_at")),
    )


def _outside_key() -> Case:
    """Where a branch stands for everybody: in a plain hub that is its head."""
    return Case(When(plain_hub.where("repository__namespace"), then=F("head")), default=F("public"))


def _outside(**conditions: Any) -> QuerySet[Revision]:
    """What everybody gets from the `main` of a repository, where it fulfils this."""
    main = Ref.objects.filter(repository=OuterRef(OuterRef("pk")), name=MAIN)
    return Revision.objects.filter(
        pk=Subquery(main.annotate(outside=_outside_key()).values("outside")), **conditions
    )


def _shown(ref: Ref, *, insider: bool) -> Revision | None:
    return ref.public or ref.withdrawn or (ref.head if insider else None)


def latest_runs(revisions: list[Revision]) -> dict[int, CheckRun]:
    runs = (
        CheckRun.objects.filter(revision__in=revisions)
        .exclude(state=RunState.SUPERSEDED)
        .order_by("revision_id", "-pk")
        .distinct("revision_id")
        .defer("report")
    )
    return {run.revision_id: run for run in runs}
