"""What a run says: the report of schema 1, the findings grouped for reading, the way so far."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from registry.accounts.callers import Caller
from registry.checks import catalogue, document, queues
from registry.checks.document import SMOKE_STAGES, plain, schema
from registry.checks.models import (
    LIVE,
    CheckRun,
    FindingRow,
    Job,
    JobKind,
    JobState,
    Override,
)

__all__ = ["build", "grouped", "instant", "plain", "progress_of", "report_of", "schema"]

STATUS = {
    JobState.WAITING: "queued",
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.SKIPPED: "skipped",
    JobState.FAILED: "failed",
}
ENDED = ("done", "failed", "skipped")
GRAVEST_FIRST = {"block": 0, "warn": 1, "info": 2}
CATALOGUE_ORDER = {check: place for place, check in enumerate(catalogue.CHECKS)}


@dataclass
class Group:
    """All findings of one check, with what the catalogue says of it (None: it left the catalogue)."""

    check: catalogue.Check | None
    check_id: str
    severity: str
    rows: list[FindingRow] = field(default_factory=list)
    overrides: list[Override] = field(default_factory=list)
    is_lifted: bool = False


def report_of(run: CheckRun) -> dict[str, Any]:
    """The report: as it was written when the run finished, or as far as it has come."""
    return build(run) if run.report is None else run.report


def build(run: CheckRun) -> dict[str, Any]:
    """The report of the rows as they are now."""
    jobs = {job.kind: job for job in run.jobs.all()}
    scan, smoke = _result(jobs, JobKind.SCAN), _result(jobs, JobKind.SMOKE)
    return document.document(
        about={
            "repo": run.revision.repository.full_name,
            "revision": run.revision.oid,
            "manifest": run.revision.manifest_digest,
            "profile": run.profile,
            "state": run.state,
            "verdict": run.verdict or None,
            "reason": run.reason or None,
            "started": instant(run.started_at),
            "seconds": _seconds(run.started_at, run.finished_at),
        },
        scan=scan,
        smoke=smoke,
        stages=[stage for job in jobs.values() for stage in _stages(job)],
        findings=[_finding(row) for row in run.findings.all()],
    )


def grouped(run: CheckRun) -> list[Group]:
    """The findings by check and severity, gravest first, then in the catalogue's order."""
    found: dict[tuple[str, str], Group] = {}
    for row in run.findings.all():
        key = (row.check_id, row.severity)
        if key not in found:
            check = catalogue.CHECKS.get(row.check_id)
            found[key] = Group(check, row.check_id, row.severity)
        found[key].rows.append(row)
    return sorted(
        found.values(),
        key=lambda group: (
            GRAVEST_FIRST.get(group.severity, len(GRAVEST_FIRST)),
            CATALOGUE_ORDER.get(group.check_id, len(CATALOGUE_ORDER)),
        ),
    )


def progress_of(
    run: CheckRun, *, by: Caller | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """How far a run is, for pages and programs that watch it.

    Of each job: `done` is a share between 0 and 1 (None: unknown), `events` the steps so far, and
    `note` what a person should know, such as that a worker was lost and the test runs again.
    `behind_until` says until when it comes after the uploads of others, because its author has used
    up the day's budget: to the author and to site maintainers, since it tells of other repositories.
    """
    now = now or timezone.now()
    return {
        "state": run.state,
        "verdict": run.verdict or None,
        "reason": run.reason,
        "is_live": run.state in LIVE,
        "jobs": [
            _progress(job) | {"behind_until": instant(_behind_until(job, by, now))}
            for job in run.jobs.all()
        ],
    }


def _result(jobs: dict[str, Job], kind: JobKind) -> dict[str, Any]:
    return (jobs[kind].result or {}) if kind in jobs else {}


def _stages(job: Job) -> list[dict[str, Any]]:
    """The stages of a finished job as it told them, else what its own state says of them."""
    told = (job.result or {}).get("stages")
    if told:
        return [_told(stage, job.note) for stage in told]
    status = STATUS[JobState(job.state)]
    seconds = _seconds(job.started_at, job.finished_at) if status != "skipped" else None
    if job.kind == JobKind.SCAN:
        names: tuple[str, ...] = ("scan",)
    elif status == "running":
        return _running(job)
    else:
        names = SMOKE_STAGES
    return [document.stage(name, status, seconds, job.note) for name in names]


def _running(job: Job) -> list[dict[str, Any]]:
    """A smoke test at work: the stages that it has told of, in the order in which it did."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for event in job.progress:
        status = event["status"] if event["status"] in ENDED else "running"
        stage = document.stage(event["stage"], status, None, job.note, target=event["target"])
        seen[event["target"], event["stage"]] = stage
    return list(seen.values())


def _told(stage: dict[str, Any], note: str) -> dict[str, Any]:
    return document.stage(
        stage["name"],
        stage["status"],
        stage.get("seconds"),
        stage.get("reason") or note,
        target=stage.get("target", ""),
    )


def _finding(row: FindingRow) -> dict[str, Any]:
    return {
        "id": row.check_id,
        "severity": row.severity,
        "file": row.file,
        "where": row.where,
        "value": row.details.get("value"),
        "threshold": row.details.get("threshold"),
        "message": row.message,
        "help": f"/docs/checks#{row.check_id.lower()}",
        "evidence": row.details.get("evidence") or {},
        "acknowledged_by": None,
    }


def _behind_until(job: Job, by: Caller | None, now: datetime) -> datetime | None:
    if by is None or by.user is None:
        return None
    is_author = by.user.pk == job.run.revision.author_id
    return queues.spent_until(job, now=now) if is_author or by.is_maintainer else None


def _progress(job: Job) -> dict[str, Any]:
    last = job.progress[-1] if job.progress else {}
    return {
        "kind": job.kind,
        "label": job.get_kind_display(),
        "state": job.state,
        "attempt": job.attempt,
        "note": job.note,
        "target": last.get("target", ""),
        "stage": last.get("stage", ""),
        "doing": last.get("note", ""),
        "done": 1.0 if job.state == JobState.DONE else last.get("done"),
        "events": job.progress,
        "started": instant(job.started_at),
        "seconds": _seconds(job.started_at, job.finished_at),
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round(max(0.0, (end - start).total_seconds()), 3)


def instant(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
