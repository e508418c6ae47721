"""What a run says: the report of schema 1, the findings grouped for reading, the way so far."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from registry.checks import catalogue
from registry.checks.models import (
    LIVE,
    CheckRun,
    FindingRow,
    Job,
    JobKind,
    JobState,
)

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")
MAX_SAFE_INTEGER = 2**53 - 1
MAX_BITS = 1024
SMOKE_STAGES = ("weights", "text", "run")
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


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema that every report meets, of live runs too."""
    found: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    return found


def report_of(run: CheckRun) -> dict[str, Any]:
    """The report: as it was written when the run finished, or as far as it has come."""
    return build(run) if run.report is None else run.report


def build(run: CheckRun) -> dict[str, Any]:
    """The report of the rows as they are now."""
    jobs = {job.kind: job for job in run.jobs.all()}
    scan, smoke = _result(jobs, JobKind.SCAN), _result(jobs, JobKind.SMOKE)
    report = {
        "schema": SCHEMA,
        "catalogue": catalogue.CATALOGUE,
        "repo": run.revision.repository.full_name,
        "revision": run.revision.oid,
        "profile": run.profile,
        "state": run.state,
        "verdict": run.verdict or None,
        "reason": run.reason or None,
        "started": _instant(run.started_at),
        "seconds": _seconds(run.started_at, run.finished_at),
        "device": smoke.get("device") or None,
        "versions": {**scan.get("versions", {}), **smoke.get("versions", {})},
        "isolation": smoke.get("isolation") or None,
        "stages": [stage for job in jobs.values() for stage in _stages(job)],
        "findings": [_finding(row) for row in run.findings.all()],
        "metrics": smoke.get("metrics", {}),
        "lineage": None,
        "samples": smoke.get("samples", []),
        "log_tail": smoke.get("log_tail", ""),
    }
    return {name: plain(value) for name, value in report.items()}


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


def progress_of(run: CheckRun) -> dict[str, Any]:
    """How far a run is, for pages and programs that watch it.

    Of each job: `done` is a share between 0 and 1 (None: unknown), `events` the steps so far, and
    `note` what a person should know, such as that a worker was lost and the test runs again.
    """
    return {
        "state": run.state,
        "verdict": run.verdict or None,
        "reason": run.reason,
        "is_live": run.state in LIVE,
        "jobs": [_progress(job) for job in run.jobs.all()],
    }


def plain(value: Any) -> Any:
    """A value as every JSON reader and PostgreSQL take it: without NaN, NUL, lone surrogates and
    integers that a double cannot hold, which PostgreSQL makes of large floats."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= MAX_SAFE_INTEGER else _large(value)
    if isinstance(value, dict):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _large(value: float) -> str:
    """Python writes no integer of more than 4300 digits, unless by powers of two."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return hex(value)
    return str(value)


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
    return [_stage(name, status, seconds, job.note) for name in names]


def _running(job: Job) -> list[dict[str, Any]]:
    """A smoke test at work: the stages that it has told of, in the order in which it did."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for event in job.progress:
        status = event["status"] if event["status"] in ENDED else "running"
        stage = _stage(event["stage"], status, None, job.note, target=event["target"])
        seen[event["target"], event["stage"]] = stage
    return list(seen.values())


def _told(stage: dict[str, Any], note: str) -> dict[str, Any]:
    return _stage(
        stage["name"],
        stage["status"],
        stage.get("seconds"),
        stage.get("reason") or note,
        target=stage.get("target", ""),
    )


def _stage(
    name: str, status: str, seconds: float | None, reason: str, *, target: str = ""
) -> dict[str, Any]:
    """`target` is which of several models in a revision was tried, where that is said."""
    stage = {"name": name, "status": status, "seconds": seconds, "reason": reason or None}
    return {**stage, "target": target} if target else stage


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
        "started": _instant(job.started_at),
        "seconds": _seconds(job.started_at, job.finished_at),
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round(max(0.0, (end - start).total_seconds()), 3)


def _instant(at: datetime | None) -> str | None:
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
