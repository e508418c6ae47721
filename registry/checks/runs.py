"""The life of a check run: queued, claimed, finished; and what it means for a release.

Rows are the truth. A message only wakes a worker: it may be lost or come twice.
Locks are taken in one order: jobs, then their run, then the audit chain.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.audit import canonical, log
from registry.catalog.models import Ref, RepositoryType, Revision
from registry.checks import (
    attestations,
    findings,
    hosts,
    overrides,
    profiles,
    queues,
    reports,
    results,
)
from registry.checks.findings import Finding, Severity
from registry.checks.models import (
    LIVE,
    CheckRun,
    FindingRow,
    Fingerprint,
    Host,
    Job,
    JobKind,
    JobState,
    Priority,
    Profile,
    Queue,
    RunState,
    Verdict,
)
from registry.checks.slots import Slot
from registry.errors import NotAllowed, NotNow
from registry.prepared import Prepared

MAX_ATTEMPTS = 3
RETRY_SECONDS = (15, 60)
LOST = "The worker was lost"
LONGEST_REASON = 500
SHOWN_HOLDS = 20


@dataclass(frozen=True)
class Outcome:
    """What a job found, the parts of the report that it adds, and what is kept of the models."""

    findings: list[Finding]
    result: dict[str, Any] = field(default_factory=dict)
    fingerprints: list[Fingerprint] = field(default_factory=list)


@transaction.atomic
def queue(revision: Revision) -> CheckRun | None:
    """Queue a run of a revision; runs of revisions that no branch is at any more are superseded,
    if they have not begun. None where the revision has a verdict or a live run already. A run of
    the same files, just checked, ends at once."""
    if CheckRun.objects.filter(revision=revision).exclude(state=RunState.SUPERSEDED).exists():
        return None
    _supersede(revision)
    run = _open(revision, wait=settings.CHECK_QUIET_SECONDS)
    now = timezone.now()
    device = str(hosts.queue_for_smoke(now=now))
    source = results.earlier(revision, profile=run.profile, device=device, now=now)
    if source is not None:
        results.take_over(run, source, now)
        _close(run.pk)
    return run


@transaction.atomic
def rerun(revision: Revision, *, by: Caller) -> CheckRun:
    """Run all checks of a revision anew. Contributors may where checks could not be completed;
    a maintainer may whatever the verdict was."""
    revision = (
        Revision.objects.select_for_update(of=("self",), no_key=True)
        .select_related("repository__namespace")
        .get(pk=revision.pk)
    )
    before = latest(revision)
    _check_may_rerun(revision, before, by)
    asked = permissions.may(by, Permission.REVIEW, revision.repository.namespace)
    run = _open(revision, wait=0, priority=Priority.REVIEW if asked else Priority.UPLOAD)
    log.record(
        "checks.rerun",
        actor=by.public_id,
        subject=run,
        revision=revision.oid,
        before=before.public_id if before else "",
    )
    return run


@transaction.atomic
def cancel(run: CheckRun, *, by: Caller, reason: str = "") -> None:
    """End a run that waits or runs, as one that could not be completed. Whoever may write the
    repository may do it, and site maintainers."""
    # Its jobs first, as everybody does who ends one
    jobs = list(Job.objects.select_for_update().filter(run=run).order_by("pk"))
    run = CheckRun.objects.select_related("revision__repository__namespace").get(pk=run.pk)
    _check_may_cancel(run, by)
    who = "a site maintainer" if by.is_maintainer else "somebody who may write the repository"
    words = " ".join(reason.split())[:LONGEST_REASON].rstrip(".")
    ended = f"Cancelled by {who}{f': {words}' if words else ''}."
    for job in jobs:
        if job.state in (JobState.WAITING, JobState.QUEUED):
            _leave(job, JobState.SKIPPED, note="Not run: the checks were cancelled.")
        elif job.state == JobState.RUNNING:
            _leave(job, JobState.FAILED, note=ended)
    log.record("checks.cancel", actor=by.public_id, subject=run, revision=run.revision.oid)
    _close(run.pk, error=ended)


@transaction.atomic
def claim_next(queue: Queue, *, worker: str, slot: Slot) -> Job | None:
    """Give this worker the job of the queue whose turn it is, or None: there is none, or its
    machine takes nothing at present."""
    now = timezone.now()
    if not slot.may_work or (queue == Queue.SMOKE_GPU and not slot.device.startswith("cuda")):
        return None
    host = hosts.known(slot.host)
    if host.is_draining or not hosts.is_healthy(host, slot.device):
        return None
    queues.take_turns(queue)
    next_job = queues.next_in(queue, now=now)
    if next_job is None:
        return None
    return claim(next_job, worker=worker, host=host, device=slot.device)


@transaction.atomic
def claim(job_id: int, *, worker: str, host: Host | None = None, device: str = "") -> Job | None:
    """Give a job to this worker for the time of a lease, or None: it is not due, or not free, or
    the device has one.

    One UPDATE decides, so that of many workers one wins. The attempt of the job returned is what
    entitles to write its outcome.
    """
    now = timezone.now()
    lost = Q(state=JobState.RUNNING, lease_until__lte=now)
    free = Job.objects.filter(pk=job_id, attempt__lt=MAX_ATTEMPTS).filter(
        Q(state=JobState.QUEUED, due_at__lte=now) | lost
    )
    try:
        with transaction.atomic():
            taken = free.update(
                note=Case(When(lost, then=_LOST_NOTE), default=F("note")),
                state=JobState.RUNNING,
                attempt=F("attempt") + 1,
                worker=worker[:200],
                host=host,
                device=device,
                lease_until=now + _lease(),
                started_at=now,
                finished_at=None,
                progress=[],
            )
    except IntegrityError:  # one_job_at_a_time_on_a_device
        return None
    if not taken:
        return None
    CheckRun.objects.filter(jobs=job_id, state=RunState.QUEUED).update(
        state=RunState.RUNNING, started_at=now
    )
    [job] = _CLAIMED.rows(job=job_id)
    return job


_CLAIMED = Prepared(
    lambda job: Job.objects.select_related("run__revision__repository__namespace", "host").filter(
        pk=job
    )
)


def renew(job: Job) -> bool:
    """Make the lease last again; False when the job is not this attempt's any more."""
    return bool(_of_attempt(job).update(lease_until=timezone.now() + _lease()))


def write_progress(job: Job, progress: list[dict[str, Any]]) -> bool:
    """Show how far the job is; False as with `renew`."""
    return bool(_of_attempt(job).update(progress=progress))


@transaction.atomic
def finish(job: Job, outcome: Outcome) -> bool:
    """Write what the job found, and let the run go on or end. False, and nothing is written, when
    the job is not this attempt's any more."""
    held = _of_attempt(job).select_for_update().first()
    if held is None:
        return False
    held.result = reports.plain(outcome.result)
    _leave(held, JobState.DONE)
    FindingRow.objects.bulk_create(_row(held.run_id, found) for found in outcome.findings)
    Fingerprint.objects.bulk_create(outcome.fingerprints)
    if held.kind == JobKind.SMOKE:
        _close(held.run_id)
        return True
    smoke = Job.objects.select_for_update().get(run=held.run_id, kind=JobKind.SMOKE)
    if job.run.revision.repository.type != RepositoryType.MODEL:
        _leave(smoke, JobState.SKIPPED, note="Not run: there is no model in it to load.")
        _close(held.run_id)
    elif blocks := findings.that_stop(outcome.findings):
        _leave(
            smoke, JobState.SKIPPED, note=f"Not run: {', '.join(blocks)} has to be mended first."
        )
        _close(held.run_id)
    else:
        _put_back(smoke, note="")
    return True


@transaction.atomic
def fail(job: Job, *, reason: str) -> bool:
    """The job failed for a reason of ours: it is tried again after a while, and the last time the
    run ends as an error. `reason` is the beginning of a sentence. False as with `finish`."""
    held = _of_attempt(job).select_for_update().first()
    if held is None:
        return False
    wait = RETRY_SECONDS[min(held.attempt, len(RETRY_SECONDS)) - 1]
    _again_or_never(held, reason=reason, wait=wait)
    return True


def take_back_lost() -> int:
    """Requeue the jobs whose lease ended: their worker is gone. Returns how many there were."""
    return _take_back(Q(lease_until__lte=timezone.now()))


def take_back_of(slot: Slot) -> int:
    """Requeue what runs in this slot: who has it now knows that the worker before is gone."""
    return _take_back(Q(host__name=slot.host, device=slot.device)) if slot.device else 0


def latest(revision: Revision) -> CheckRun | None:
    """The run that counts: the newest that was not superseded, and of no rescan that is only
    compared yet."""
    return next(iter(_LATEST.rows(revision=revision.pk)), None)


def _counted(revision: Any) -> QuerySet[CheckRun]:
    counted = Q(rescan=None) | Q(rescan__adopted_at__isnull=False)
    runs = CheckRun.objects.filter(counted, revision=revision)
    return runs.exclude(state=RunState.SUPERSEDED)[:1]


_LATEST = Prepared(_counted)


def holds(revision: Revision) -> list[str]:
    """What the checks have against a release, one sentence each."""
    return holds_of(latest(revision), revision)


def holds_of(run: CheckRun | None, revision: Revision) -> list[str]:
    """As `holds`, of the run of the revision that counts."""
    if run is None:
        return [_("The checks of this revision have not started.")]
    if run.state in LIVE:
        return [_("The checks of this revision are still running; they have to finish first.")]
    found = []
    if run.verdict == Verdict.ERROR:
        found.append(_("The checks could not be completed, which is not a pass; run them again."))
    if run.profile != Profile.FULL and run.profile != profiles.of(revision.repository):
        found.append(
            _(
                "The checks ran in the profile %(profile)s, which is not the repository's any "
                "more; run them again."
            )
            % {"profile": run.profile}
        )
    blocking = run.findings.filter(severity=Severity.BLOCK)
    blocking = blocking.exclude(check_id__in=overrides.lifted(revision))[:SHOWN_HOLDS]
    return found + [f"{finding.check_id}: {finding.message}" for finding in blocking]


def may_rerun(revision: Revision, *, by: Caller) -> bool:
    """Whether `rerun` would do it, for the button."""
    try:
        _check_may_rerun(revision, latest(revision), by)
    except (NotAllowed, NotNow):
        return False
    return True


def _check_may_rerun(revision: Revision, run: CheckRun | None, by: Caller) -> None:
    namespace = revision.repository.namespace
    is_maintainer = permissions.may(by, Permission.REVIEW, namespace)
    if not is_maintainer and not permissions.may(by, Permission.PROPOSE, namespace):
        raise NotAllowed(
            _("Only those who may write the repository and site maintainers can run checks again.")
        )
    if not by.reaches(revision.repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))
    if run is None:
        return
    if run.state in LIVE:
        raise NotNow(_("The checks of this revision are queued or running already."))
    if CheckRun.objects.filter(revision=revision, state__in=LIVE).exists():
        raise NotNow(_("This revision is checked in a rescan just now; wait until that has ended."))
    if run.verdict != Verdict.ERROR and not is_maintainer:
        raise NotNow(
            _(
                "The checks of this revision have a verdict, and only a site maintainer can "
                "have them run again. Push a new revision to have that one checked."
            )
        )


def may_cancel(run: CheckRun, *, by: Caller) -> bool:
    """Whether `cancel` would do it, for the button."""
    try:
        _check_may_cancel(run, by)
    except (NotAllowed, NotNow):
        return False
    return True


def _check_may_cancel(run: CheckRun, by: Caller) -> None:
    namespace = run.revision.repository.namespace
    may = (permissions.may(by, Permission.REVIEW, namespace)) or (
        permissions.may(by, Permission.PROPOSE, namespace)
    )
    if not may:
        raise NotAllowed(
            _("Only those who may write the repository and site maintainers can cancel its checks.")
        )
    if not by.reaches(run.revision.repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))
    if run.state not in LIVE:
        raise NotNow(_("These checks have ended already."))


def _open(revision: Revision, *, wait: float, priority: Priority = Priority.UPLOAD) -> CheckRun:
    now = timezone.now()
    run = CheckRun.objects.create(
        revision=revision, profile=profiles.of(revision.repository), queued_at=now
    )
    due_at = now + timedelta(seconds=wait)
    scan = Job(run=run, kind=JobKind.SCAN, state=JobState.QUEUED, due_at=due_at)
    smoke = Job(run=run, kind=JobKind.SMOKE, state=JobState.WAITING, queue=Queue.SMOKE_CPU)
    for job in (scan, smoke):
        job.priority = priority
        job.save()
    return run


@transaction.atomic
def _take_back(where: Q) -> int:
    lost = Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        where, state=JobState.RUNNING
    )
    for job in (taken := list(lost.order_by("pk"))):
        _again_or_never(job, reason=LOST, wait=0)
    return len(taken)


def _supersede(revision: Revision) -> None:
    heads = Ref.objects.filter(repository=revision.repository_id).values("head")
    # A job whose row is locked is being claimed: it begins, and an upload never waits for it.
    stale = (
        Job.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(
            kind=JobKind.SCAN,
            state=JobState.QUEUED,
            attempt=0,
            run__revision__repository=revision.repository_id,
            run__rescan=None,
        )
        .exclude(run__revision__in=heads)
    )
    gone = [job.run_id for job in stale]
    Job.objects.filter(run__in=gone).update(
        state=JobState.SKIPPED, note="Not run: a newer revision took its place."
    )
    CheckRun.objects.filter(pk__in=gone).update(state=RunState.SUPERSEDED)


def _of_attempt(job: Job) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.pk, attempt=job.attempt, state=JobState.RUNNING)


def _again_or_never(job: Job, *, reason: str, wait: float) -> None:
    if job.attempt < MAX_ATTEMPTS:
        _put_back(
            job, note=f"{reason}; the test runs again (attempt {job.attempt + 1}).", wait=wait
        )
        return
    ended = f"{reason} (attempt {job.attempt} of {MAX_ATTEMPTS})."
    _leave(job, JobState.FAILED, note=ended)
    for waiting in Job.objects.select_for_update().filter(run=job.run_id, state=JobState.WAITING):
        _leave(waiting, JobState.SKIPPED, note=f"Not run: the {job.get_kind_display()} failed.")
    _close(job.run_id, error=ended)


def _put_back(job: Job, *, note: str, wait: float = 0) -> None:
    now = timezone.now()
    job.state, job.lease_until, job.note = JobState.QUEUED, None, note
    job.due_at = now + timedelta(seconds=wait)
    if job.kind == JobKind.SMOKE:
        job.queue = hosts.queue_for_smoke(now=now)
    job.save(update_fields=["state", "lease_until", "note", "due_at", "queue"])


def _leave(job: Job, state: JobState, *, note: str | None = None) -> None:
    job.state, job.lease_until, job.finished_at = state, None, timezone.now()
    job.note = job.note if note is None else note
    job.save(update_fields=["state", "lease_until", "finished_at", "note", "result"])


def _close(run_id: int, *, error: str = "") -> None:
    """End a run: its verdict, its report, and the entry in the audit log."""
    run = (
        CheckRun.objects.select_for_update(of=("self",))
        .select_related("revision__repository__namespace")
        .get(pk=run_id)
    )
    run.state, run.finished_at, run.reason = RunState.FINISHED, timezone.now(), error
    run.verdict = Verdict.ERROR if error else _verdict(run)
    run.report = reports.build(run)
    run.attestation = attestations.made_of(run)
    run.save(update_fields=["state", "finished_at", "reason", "verdict", "report", "attestation"])
    log.record(
        "checks.finish",
        actor="",
        subject=run,
        verdict=str(run.verdict),
        revision=run.revision.oid,
        manifest=run.revision.manifest_digest,
        report=canonical.digest(run.report),
    )
    results.note(run, run.finished_at)


def _verdict(run: CheckRun) -> str:
    seen = run.findings.all()
    return findings.verdict(
        Finding(row.check_id, Severity(row.severity), row.message) for row in seen
    ).value


def _row(run_id: int, finding: Finding) -> FindingRow:
    shown = reports.plain(finding.as_json())
    return FindingRow(
        run_id=run_id,
        check_id=finding.check,
        severity=finding.severity.value,
        message=shown["message"],
        file=shown["file"],
        where=shown["where"],
        details={name: shown[name] for name in ("value", "threshold", "evidence")},
    )


def _lease() -> timedelta:
    return timedelta(seconds=settings.CHECK_LEASE_SECONDS)


_LOST_NOTE = Concat(
    Value(f"{LOST}; the test runs again (attempt ", output_field=TextField()),
    Cast(F("attempt") + 1, TextField()),
    Value(").", output_field=TextField()),
)
