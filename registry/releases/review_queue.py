"""What waits for reviewers: which releases, in which order, with whom, and at what risk.

Whatever the length of the list, it costs the same number of queries.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from registry.accounts.callers import Caller
from registry.checks.models import CheckRun, FindingRow, RunState
from registry.releases import claims
from registry.releases.models import WAS_RELEASED, Claim, Release, Status

STATES = (Status.IN_REVIEW, Status.CHANGES_REQUESTED)
HOLDERS = ("mine", "unclaimed")
RISKS = ("blocked", "warned", "duties", "code", "newcomer", "first")
SORTS = {
    "due": ("due_at", "pk"),
    "age": ("opened_at", "pk"),
    "size": ("-revision__total_size", "pk"),
    "name": ("repository__namespace__name", "repository__name", "pk"),
}
# Findings that say: this brings its own code
CODE = ("SEC-CODE", "SEC-PICKLE", "SEC-NATIVE")


@dataclass(frozen=True)
class Wanted:
    """What of the queue is asked for. What is not one of the choices asks for nothing."""

    state: str = Status.IN_REVIEW
    holder: str = ""
    overdue: bool = False
    namespace: str = ""
    risk: str = ""
    sort: str = "due"


@dataclass
class Waiting:
    """One release of the queue, with what a reviewer sees at a glance. `open_duties` is None until
    they are counted."""

    release: Release
    run: CheckRun | None
    claims: list[Claim]
    blocked: int = 0
    warned: int = 0
    code: bool = False
    newcomer: bool = False
    first: bool = False
    licenses: list[str] = field(default_factory=list)
    open_duties: int | None = None
    is_mine: bool = False


def find(caller: Caller, wanted: Wanted, *, now: datetime) -> QuerySet[Release]:
    """Those that are asked for, of what this caller may see, in the order asked for."""
    state = wanted.state if wanted.state in STATES else Status.IN_REVIEW
    found = _looked_at(Release.objects.visible_to(caller).filter(status=state))
    held = claims.living(now).filter(release=OuterRef("pk"))
    if wanted.holder == "mine":
        found = found.filter(Exists(held.filter(reviewer=caller.user)))
    elif wanted.holder == "unclaimed":
        found = found.filter(~Exists(held))
    if wanted.overdue:
        found = found.filter(due_at__lt=now)
    if wanted.namespace:
        found = found.filter(repository__namespace__name__iexact=wanted.namespace)
    if wanted.risk in RISKS:
        found = found.filter(_risk(wanted.risk))
    return found.order_by(*SORTS.get(wanted.sort, SORTS["due"]))


def shown(releases: Iterable[Release], *, caller: Caller, now: datetime) -> list[Waiting]:
    """A page of what `find` gave, with what was found out about each."""
    page = list(releases)
    runs = _runs(page)
    severities = _severities(runs.values())
    held: dict[int, list[Claim]] = {release.pk: [] for release in page}
    for claim in claims.living(now).filter(release__in=page).select_related("reviewer"):
        held[claim.release_id].append(claim)
    rows = []
    for release in page:
        run = runs.get(release.revision_id)
        blocked, warned, code = severities.get(run.pk, (0, 0, 0)) if run else (0, 0, 0)
        rows.append(
            Waiting(
                release=release,
                run=run,
                claims=held[release.pk],
                blocked=blocked,
                warned=warned,
                code=bool(code),
                newcomer=release.is_by_newcomer,  # type: ignore[attr-defined]
                first=release.is_first,  # type: ignore[attr-defined]
                licenses=_licenses(release),
                open_duties=_open_duties(release),
                is_mine=any(claim.reviewer == caller.user for claim in held[release.pk]),
            )
        )
    return rows


def counts(caller: Caller, *, now: datetime) -> dict[str, int]:
    """How many wait in each state, and of those in review how many are overdue, the caller's and
    nobody's."""
    in_review = Q(status=Status.IN_REVIEW)
    held = claims.living(now).filter(release=OuterRef("pk"))
    found = Release.objects.visible_to(caller).filter(status__in=STATES)
    told = found.annotate(
        is_held=Exists(held), is_mine=Exists(held.filter(reviewer=caller.user))
    ).aggregate(
        in_review=Count("pk", filter=in_review),
        changes_requested=Count("pk", filter=Q(status=Status.CHANGES_REQUESTED)),
        overdue=Count("pk", filter=in_review & Q(due_at__lt=now)),
        mine=Count("pk", filter=in_review & Q(is_mine=True)),
        unclaimed=Count("pk", filter=in_review & Q(is_held=False)),
    )
    return dict(told)


def _looked_at(releases: QuerySet[Release]) -> QuerySet[Release]:
    earlier = Release.objects.filter(status__in=WAS_RELEASED)
    return releases.annotate(
        is_by_newcomer=~Exists(earlier.filter(opened_by=OuterRef("opened_by"))),
        is_first=~Exists(earlier.filter(repository=OuterRef("repository"))),
        newest_run=Subquery(_newest(OuterRef("revision")).values("pk")[:1]),
    ).select_related("repository__namespace", "revision", "opened_by")


def _newest(revision: OuterRef) -> QuerySet[CheckRun]:
    """The runs that count, as `checks.runs.latest` has it."""
    runs = CheckRun.objects.filter(revision=revision).exclude(state=RunState.SUPERSEDED)
    return runs.exclude(rescan__isnull=False, rescan__adopted_at=None).order_by("-pk")


def _risk(risk: str) -> Q | Exists:
    found = FindingRow.objects.filter(run=OuterRef("newest_run"))
    risks: dict[str, Q | Exists] = {
        "blocked": Exists(found.filter(severity="block")),
        "warned": Exists(found.filter(severity="warn")),
        "duties": Q(open_duties__gt=0, duties_counted_of=F("digest")),
        "code": Exists(found.filter(check_id__in=CODE)),
        "newcomer": Q(is_by_newcomer=True),
        "first": Q(is_first=True),
    }
    return risks[risk]


def _runs(page: list[Release]) -> dict[int, CheckRun]:
    keys = [release.newest_run for release in page]  # type: ignore[attr-defined]
    return {run.revision_id: run for run in CheckRun.objects.filter(pk__in=keys).defer("report")}


def _severities(runs: Iterable[CheckRun]) -> dict[int, tuple[int, int, int]]:
    told = (
        FindingRow.objects.filter(run__in=list(runs))
        .order_by()
        .values(key=F("run"))
        .annotate(
            blocked=Count("pk", filter=Q(severity="block")),
            warned=Count("pk", filter=Q(severity="warn")),
            code=Count("pk", filter=Q(check_id__in=CODE)),
        )
    )
    return {one["key"]: (one["blocked"], one["warned"], one["code"]) for one in told}


def _open_duties(release: Release) -> int | None:
    """What was counted of another digest says nothing of this one."""
    return release.open_duties if release.duties_counted_of == release.digest else None


def _licenses(release: Release) -> list[str]:
    return [one["title"] for one in release.terms["documents"] if one["kind"] == "license"]
