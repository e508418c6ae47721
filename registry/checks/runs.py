"""The life of a check run: queued, claimed, finished; and what it means for a release."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from registry.catalog.models import Revision
from registry.checks.models import LIVE, CheckRun, Job, JobKind, JobState, RunState, Verdict


@transaction.atomic
def queue(revision: Revision) -> CheckRun | None:
    """Queue a run of a revision; runs of older revisions of the repository that have not begun are
    superseded. None where the revision has a verdict or a live run already."""
    if CheckRun.objects.filter(revision=revision).exclude(state=RunState.SUPERSEDED).exists():
        return None
    now = timezone.now()
    CheckRun.objects.filter(
        revision__repository=revision.repository_id, state=RunState.QUEUED
    ).update(state=RunState.SUPERSEDED)
    run = CheckRun.objects.create(
        revision=revision,
        queued_at=now,
        starts_at=now + timedelta(seconds=settings.CHECK_QUIET_SECONDS),
    )
    Job.objects.create(run=run, kind=JobKind.SCAN, state=JobState.QUEUED)
    Job.objects.create(run=run, kind=JobKind.SMOKE, state=JobState.WAITING)
    return run


def latest(revision: Revision) -> CheckRun | None:
    """The run that counts: the newest that was not superseded."""
    return CheckRun.objects.filter(revision=revision).exclude(state=RunState.SUPERSEDED).first()


def holds(revision: Revision) -> list[str]:
    """What the checks have against a release, one sentence each."""
    run = latest(revision)
    if run is None:
        return ["The checks of this revision have not started."]
    if run.state in LIVE:
        return ["The checks of this revision are still running; they have to finish first."]
    if run.verdict == Verdict.ERROR:
        return ["The checks could not be completed, which is not a pass; run them again."]
    if run.verdict == Verdict.BLOCKED:
        blocking = run.findings.filter(severity="block")
        return [f"{finding.check_id}: {finding.message}" for finding in blocking[:20]]
    return []
