"""What a person's own page gathers: their models and what each waits for, what they have to answer,
and what they asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements.models import Acceptance, AccessRequest, RequestState
from registry.catalog.models import MAIN, Ref, Repository, RevisionState
from registry.checks.models import LIVE, CheckRun, Verdict
from registry.discussions.models import OPEN as OPEN_THREADS
from registry.discussions.models import Discussion
from registry.releases import beginnings
from registry.releases.models import OPEN, Release, Status
from registry.web import listing, trends
from registry.web.trends import Trend

MODELS = 20
FEW = 5
# Tags that a revision with files of weights has
_WEIGHTS = {"safetensors", "gguf", "pytorch"}


@dataclass(frozen=True)
class Step:
    """The state of a model by the name of its verdict, in words, and what comes next: `action` leads
    to `url`. What waits for its owner is `is_theirs`."""

    verdict: str
    words: str | Promise
    action: str | Promise
    url: str
    is_theirs: bool = False


@dataclass(frozen=True)
class Model:
    repository: Repository
    step: Step
    release: Release | None
    trend: Trend


def of(caller: Caller, user: User, *, now: datetime) -> dict[str, Any]:
    """All of the page, in a number of queries that does not grow with what there is."""
    mine = _own(caller)
    newest = list(
        mine.select_related("namespace").order_by(F("main_at").desc(nulls_last=True))[:MODELS]
    )
    models = _models(newest, now)
    asked, accepted = _asked(user), _accepted(user)
    return {
        "groups": _by_owner(models, user),
        "figures": sorted(models, key=_use),
        "shown": len(models),
        "count": mine.count(),
        "to_answer": _to_answer(mine)[:FEW],
        "to_answer_count": _to_answer(mine).count(),
        "asked": asked,
        "accepted": accepted,
        "seen": _seen(caller, [*asked, *accepted]),
        "threads": _threads(caller, user, mine)[:FEW],
        "trend": trends.of_all(mine, now=now),
        "owners": beginnings.owners(caller),
    }


def _use(one: Model) -> tuple[int, int, str]:
    """What is used most lately comes first."""
    return -one.trend.total, -one.repository.downloads, one.repository.full_name


def _by_owner(models: list[Model], user: User) -> list[tuple[str, list[Model]]]:
    """By namespace, the person's own first; in each, what waits for its owner first."""
    groups: dict[str, list[Model]] = {}
    for one in sorted(models, key=lambda one: not one.step.is_theirs):
        groups.setdefault(one.repository.place, []).append(one)
    return sorted(groups.items(), key=lambda one: (one[0] != user.username, one[0].lower()))


def _own(caller: Caller) -> QuerySet[Repository]:
    """What the caller may write, in all their namespaces."""
    head_at = Ref.objects.filter(name=MAIN).values("head__committed_at")
    found = Repository.objects.writable_by(caller).filter(deleted_at__isnull=True)
    return found.annotate(main_at=Subquery(head_at.filter(repository=OuterRef("pk"))[:1]))


def _models(found: list[Repository], now: datetime) -> list[Model]:
    refs = {
        ref.repository_id: ref
        for ref in Ref.objects.filter(repository__in=found, name=MAIN).select_related("head")
    }
    runs = listing.latest_runs([ref.head for ref in refs.values()])
    releases = _of_heads(found, refs.values())
    drawn = trends.of_each([one.pk for one in found], now=now)
    return [
        Model(
            repository=one,
            step=_step(one, refs.get(one.pk), runs, releases.get(one.pk)),
            release=releases.get(one.pk),
            trend=drawn[one.pk],
        )
        for one in found
    ]


def _of_heads(found: list[Repository], refs: Iterable[Ref]) -> dict[int, Release]:
    """By repository: its open release, else that of its head."""
    heads = [ref.head_id for ref in refs]
    rows = Release.objects.filter(repository__in=found).filter(
        Q(status__in=OPEN, branch=MAIN) | Q(revision__in=heads)
    )
    told = rows.exclude(status__in=[Status.REJECTED, Status.WITHDRAWN]).order_by("pk")
    by_repository: dict[int, Release] = {}
    for release in told:
        known = by_repository.get(release.repository_id)
        if known is None or known.status not in OPEN:
            by_repository[release.repository_id] = release
    return by_repository


def _step(
    repository: Repository, ref: Ref | None, runs: dict[int, CheckRun], release: Release | None
) -> Step:
    place, name = repository.place, repository.name
    checks = reverse("repository-checks", args=[place, name])
    if release is not None:
        return _step_of_release(release)
    if ref is None or not _WEIGHTS & set(ref.head.tags):
        to = reverse("upload", args=[place, name, "main"])
        return Step("unknown", _("There are no weights in it yet."), _("Upload files"), to, True)
    run = runs.get(ref.head_id)
    if ref.head.state == RevisionState.RELEASED:
        to = repository.get_absolute_url()
        return Step("passed", _("What is on main is out."), _("Look at it"), to)
    if run is None or run.state in LIVE:
        return Step("running", _("Its checks are on their way."), _("Follow them"), checks)
    if run.verdict == Verdict.BLOCKED:
        words = _("Checks found what holds a release.")
        return Step("blocked", words, _("See what to change"), checks, True)
    if run.verdict not in {Verdict.PASSED, Verdict.WARNED}:
        words = _("Its checks could not be completed.")
        return Step("unknown", words, _("See why"), checks, True)
    to = reverse("repository-releases", args=[place, name])
    return Step(
        str(run.verdict), _("Checked, and nobody has asked for its release."), _("Ask"), to, True
    )


def _step_of_release(release: Release) -> Step:
    to = release.get_absolute_url()
    words: dict[str, tuple[str, Any, Any, bool]] = {
        Status.DRAFT: ("unknown", _("A release is prepared."), _("Go on with it"), True),
        Status.IN_REVIEW: ("running", _("In review."), _("Follow it"), False),
        Status.CHANGES_REQUESTED: ("warned", _("A reviewer asks for changes."), _("Read"), True),
        Status.RELEASED: ("passed", _("What is on main is out."), _("Look at it"), False),
        Status.SUSPENDED: ("blocked", _("Suspended."), _("Read why"), True),
        Status.RECALLED: ("blocked", _("Recalled."), _("Read why"), True),
    }
    verdict, said, action, is_theirs = words[Status(release.status)]
    return Step(verdict, said, action, to, is_theirs)


def _to_answer(mine: QuerySet[Repository]) -> QuerySet[AccessRequest]:
    """Who waits to be let in by the caller, the oldest first."""
    waiting = AccessRequest.objects.filter(
        repository__in=mine.exclude(gated="").values("pk"), state=RequestState.PENDING
    )
    return waiting.select_related("repository__namespace", "user").order_by("pk")


def _asked(user: User) -> list[AccessRequest]:
    found = AccessRequest.objects.filter(user=user).exclude(state=RequestState.WITHDRAWN)
    return list(found.select_related("repository__namespace").order_by("-pk")[:FEW])


def _accepted(user: User) -> list[Acceptance]:
    found = Acceptance.objects.filter(user=user).select_related("repository__namespace")
    return list(found.order_by("-pk")[:FEW])


def _seen(caller: Caller, found: Iterable[AccessRequest | Acceptance]) -> set[int]:
    """The repositories of these, by key, that the caller may still know of. Another may be called
    otherwise by now, so it is named by its id."""
    keys = [one.repository_id for one in found]
    visible = Repository.objects.visible_to(caller).filter(pk__in=keys)
    return set(visible.values_list("pk", flat=True)) if keys else set()


def _threads(caller: Caller, user: User, mine: QuerySet[Repository]) -> QuerySet[Discussion]:
    concerned = Q(author=user) | Q(repository__in=mine.values("pk"))
    found = Discussion.objects.visible_to(caller).filter(concerned, status__in=OPEN_THREADS)
    return found.select_related("repository__namespace", "author").order_by("-pk")
