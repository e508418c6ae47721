"""Running the present edition of the checks over all that is released, and comparing its verdicts
before they count."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog.models import Revision, RevisionState
from registry.checks import catalogue, document
from registry.checks.findings import Severity
from registry.checks.models import (
    LIVE,
    CheckProfile,
    CheckRun,
    FindingRow,
    Job,
    JobKind,
    JobState,
    Priority,
    Profile,
    Queue,
    Rescan,
    RunState,
    Verdict,
)
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow

START_LOCK = 0x63_11
LONGEST_REASON = 500
AT_ONCE = 500
NOT_RUN = "Not run: the rescan was given up."
BY_ITSELF = "The checks were upgraded."


@dataclass(frozen=True)
class Progress:
    """How many runs there are, how many of them wait or run, and how many could not be completed."""

    runs: int
    live: int
    failed: int

    @property
    def done(self) -> int:
        return self.runs - self.live


@dataclass(frozen=True)
class Change:
    """A revision that is judged otherwise now. `appeared` and `gone` name checks with severities."""

    run: CheckRun
    before: str
    after: str
    appeared: list[str]
    gone: list[str]

    @property
    def would_block(self) -> bool:
        return self.after == Verdict.BLOCKED != self.before


@transaction.atomic
def start(*, reason: str, by: Caller, now: datetime | None = None) -> Rescan:
    """Queue a run for each released revision, behind all other work."""
    _check_may(by)
    words = " ".join(reason.replace("\0", "").split())
    if not words or len(words) > LONGEST_REASON:
        raise Invalid(_("Say why, in at most %(most)s characters.") % {"most": LONGEST_REASON})
    _one_at_a_time()
    if _open_ones().exists():
        raise NotNow(_("A rescan is open already: adopt it or give it up first."))
    return _begin(words, cast(User, by.user), now or timezone.now())


@transaction.atomic
def start_by_itself(*, now: datetime) -> Rescan | None:
    """Start one where what is released was judged by other checks than these. Never twice for the
    same checks: once they were compared, a person decides."""
    _one_at_a_time()
    done = Rescan.objects.filter(checks=document.CHECKS)
    if _open_ones().exists() or done.exists() or not outdated().exists():
        return None
    return _begin(BY_ITSELF, None, now)


def outdated() -> QuerySet[Revision]:
    """What is released under a verdict of other checks than these, or of these in other versions."""
    counted = (
        CheckRun.objects.filter(
            Q(rescan=None) | Q(rescan__adopted_at__isnull=False),
            revision=OuterRef("pk"),
            state=RunState.FINISHED,
        )
        .order_by("-pk")
        .values("pk")[:1]
    )
    of_these = Job.objects.filter(
        run=OuterRef("counted"), kind=JobKind.SCAN, result__versions__checks=document.CHECKS
    )
    return _all_released().annotate(counted=Subquery(counted)).exclude(Exists(of_these))


def to_offer() -> int:
    """Of how many releases a rescan could tell something new; none while one is open."""
    return 0 if _open_ones().exists() else outdated().count()


def visible(*, by: Caller) -> QuerySet[Rescan]:
    """All of them, for those who run them; for everybody else there are none."""
    if not may(by):
        raise Missing(_("There is no such address."))
    return Rescan.objects.select_related("started_by", "adopted_by")


def find(public_id: str, *, by: Caller) -> Rescan:
    found = visible(by=by).filter(public_id=public_id).first()
    if found is None:
        raise Missing(_("There is no such rescan."))
    return found


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [START_LOCK])


def _open_ones() -> QuerySet[Rescan]:
    return Rescan.objects.filter(adopted_at=None, given_up_at=None)


def _begin(reason: str, by: User | None, now: datetime) -> Rescan:
    rescan = Rescan.objects.create(
        catalogue=catalogue.CATALOGUE,
        checks=document.CHECKS,
        reason=reason,
        started_by=by,
        started_at=now,
    )
    try:
        with transaction.atomic():
            opened = _open_runs(rescan, now)
    except IntegrityError as error:  # one_live_run_of_a_revision
        raise Conflict(_("Checks of a released revision began meanwhile; try again.")) from error
    if not opened:
        raise NotNow(_("Nothing is released that could be checked again."))
    log.record(
        "rescan.start",
        actor=by.public_id if by else "",
        subject=rescan,
        catalogue=rescan.catalogue,
        runs=opened,
    )
    return rescan


def progress(rescan: Rescan) -> Progress:
    counts = rescan.runs.aggregate(
        runs=Count("pk"),
        live=Count("pk", filter=Q(state__in=LIVE)),
        failed=Count("pk", filter=Q(verdict=Verdict.ERROR)),
    )
    return Progress(**counts)


def changes(rescan: Rescan) -> list[Change]:
    """The revisions whose verdict or findings differ, those that would be blocked first."""
    before = (
        CheckRun.objects.filter(
            Q(rescan=None) | Q(rescan__adopted_at__lt=rescan.started_at),
            revision=OuterRef("revision"),
            state=RunState.FINISHED,
            pk__lt=OuterRef("pk"),
        )
        .order_by("-pk")
        .values("pk")[:1]
    )
    runs = list(
        rescan.runs.filter(state=RunState.FINISHED)
        .exclude(verdict=Verdict.ERROR)
        .select_related("revision__repository__namespace")
        .defer("report", "attestation")
        .annotate(before=Subquery(before))
    )
    earlier = dict(
        CheckRun.objects.filter(pk__in=[run.before for run in runs]).values_list("pk", "verdict")
    )
    seen = _findings_of([*earlier, *(run.pk for run in runs)])
    found = [_change(run, earlier.get(run.before, ""), seen) for run in runs]
    changed = [one for one in found if one.appeared or one.gone or one.before != one.after]
    return sorted(changed, key=lambda one: (not one.would_block, one.run.pk))


@transaction.atomic
def adopt(rescan: Rescan, *, by: Caller, now: datetime | None = None) -> None:
    """Let its verdicts count. Runs that could not be completed replace nothing."""
    _check_may(by)
    rescan = _open_rescan(rescan)
    if progress(rescan).live:
        raise NotNow(_("Its runs have to end before their verdicts can count."))
    rescan.runs.filter(verdict=Verdict.ERROR).update(
        state=RunState.SUPERSEDED, verdict=Verdict.NONE
    )
    rescan.adopted_by, rescan.adopted_at = cast(User, by.user), now or timezone.now()
    rescan.save(update_fields=["adopted_by", "adopted_at"])
    log.record("rescan.adopt", actor=by.public_id, subject=rescan, catalogue=rescan.catalogue)


@transaction.atomic
def give_up(rescan: Rescan, *, by: Caller, now: datetime | None = None) -> None:
    """Have its verdicts never count. What has not begun is not run any more."""
    _check_may(by)
    # Jobs first, as everybody locks; one that is being claimed begins, and its run counts for nothing
    waiting = Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        run__rescan=rescan, run__state=RunState.QUEUED, kind=JobKind.SCAN, state=JobState.QUEUED
    )
    gone = [job.run_id for job in waiting.order_by("pk")]
    rescan = _open_rescan(rescan)
    Job.objects.filter(run__in=gone).update(state=JobState.SKIPPED, note=NOT_RUN)
    CheckRun.objects.filter(pk__in=gone).update(state=RunState.SUPERSEDED)
    rescan.given_up_at = now or timezone.now()
    rescan.save(update_fields=["given_up_at"])
    log.record("rescan.give_up", actor=by.public_id, subject=rescan, catalogue=rescan.catalogue)


def may(by: Caller) -> bool:
    """Whether this person runs rescans. A token for listed repositories is not for what is of all."""
    return by.is_maintainer and by.can_administer and by.repositories is None


def _check_may(by: Caller) -> None:
    if by.repositories is not None:
        raise NotAllowed(_("This token is for listed repositories; a rescan is of all."))
    if not may(by):
        raise NotAllowed(_("Only site maintainers rescan what is released."))


def _open_rescan(rescan: Rescan) -> Rescan:
    row = Rescan.objects.select_for_update(of=("self",)).get(pk=rescan.pk)
    if row.adopted_at or row.given_up_at:
        raise NotNow(_("This rescan was adopted or given up already."))
    return row


def _open_runs(rescan: Rescan, now: datetime) -> int:
    """A run with its jobs for each released revision that has none under way."""
    opened = 0
    released = list(_released().values_list("pk", "repository_id"))
    profiles = dict(CheckProfile.objects.values_list("repository_id", "profile"))
    for start_at in range(0, len(released), AT_ONCE):
        batch = released[start_at : start_at + AT_ONCE]
        runs = CheckRun.objects.bulk_create(
            CheckRun(
                revision_id=revision,
                profile=profiles.get(repository, Profile.FULL),
                queued_at=now,
                rescan=rescan,
            )
            for revision, repository in batch
        )
        Job.objects.bulk_create(job for run in runs for job in _jobs(run, now))
        opened += len(runs)
    return opened


def _released() -> QuerySet[Revision]:
    busy = CheckRun.objects.filter(state__in=LIVE).values("revision")
    return _all_released().exclude(pk__in=busy).order_by("pk")


def _all_released() -> QuerySet[Revision]:
    return Revision.objects.filter(state=RevisionState.RELEASED, repository__deleted_at=None)


def _jobs(run: CheckRun, now: datetime) -> Iterable[Job]:
    yield Job(
        run=run,
        kind=JobKind.SCAN,
        state=JobState.QUEUED,
        due_at=now,
        priority=Priority.RESCAN,
    )
    yield Job(run=run, kind=JobKind.SMOKE, queue=Queue.SMOKE_CPU, priority=Priority.RESCAN)


def _findings_of(runs: list[int]) -> dict[int, set[str]]:
    """Of each run the checks that blocked or warned, with the severity."""
    rows = (
        FindingRow.objects.filter(run__in=runs, severity__in=[Severity.BLOCK, Severity.WARN])
        .values_list("run", "check_id", "severity")
        .distinct()
        .order_by()
    )
    found: dict[int, set[str]] = defaultdict(set)
    for run, check_id, severity in rows:
        found[run].add(f"{check_id} ({severity})")
    return found


def _change(run: CheckRun, before: str, seen: dict[int, set[str]]) -> Change:
    then = seen.get(run.before, set())  # type: ignore[attr-defined]
    now = seen.get(run.pk, set())
    return Change(run, before, str(run.verdict), sorted(now - then), sorted(then - now))
