"""A check report arranged for reading: findings by what the author has to do, and the way so far."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from registry.checks import catalogue
from registry.checks.models import LIVE, CheckRun, FindingRow, Job, JobState
from registry.releases.models import Release

ORDER = {"block": 0, "warn": 1, "info": 2}


@dataclass
class Group:
    """All findings of one check, with what it says about itself."""

    check: catalogue.Check | None
    check_id: str
    severity: str
    rows: list[FindingRow] = field(default_factory=list)


def report(run: CheckRun | None) -> dict[str, Any]:
    """What the checks page shows of a run."""
    if run is None:
        return {
            "run": None,
            "groups": [],
            "jobs": [],
            "is_live": False,
            "metrics": {},
            "samples": [],
        }
    document = run.report or {}
    return {
        "run": run,
        "is_live": run.state in LIVE,
        "jobs": [_job(job) for job in run.jobs.all()],
        "groups": groups(run),
        "metrics": document.get("metrics") or {},
        "device": document.get("device") or {},
        "isolation": document.get("isolation") or {},
        "versions": document.get("versions") or {},
        "samples": document.get("samples") or [],
    }


def groups(run: CheckRun) -> list[Group]:
    """Gravest first; within that, in the order of the catalogue."""
    found: dict[tuple[str, str], Group] = {}
    for row in run.findings.all():
        key = (row.check_id, row.severity)
        if key not in found:
            check = catalogue.CHECKS.get(row.check_id)
            found[key] = Group(check, row.check_id, row.severity)
        found[key].rows.append(row)
    rank = {check_id: place for place, check_id in enumerate(catalogue.CHECKS)}
    return sorted(
        found.values(),
        key=lambda group: (ORDER.get(group.severity, 3), rank.get(group.check_id, len(rank))),
    )


def counts(run: CheckRun | None) -> dict[str, int]:
    """How many findings of each severity."""
    found = {"block": 0, "warn": 0, "info": 0}
    if run is not None:
        for severity in run.findings.values_list("severity", flat=True):
            found[severity] = found.get(severity, 0) + 1
    return found


def submitted_sentence(release: Release) -> str:
    return _("%(version)s is in review. You will see here when a maintainer has decided.") % {
        "version": release.version
    }


def _job(job: Job) -> dict[str, Any]:
    progress = job.progress if isinstance(job.progress, list) else []
    return {
        "job": job,
        "last": progress[-1] if progress else None,
        "began_again": job.attempt > 1,
        "is_running": job.state == JobState.RUNNING,
        "look": LOOKS[job.state],
    }


LOOKS: dict[str, str] = {
    JobState.WAITING: "queued",
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "passed",
    JobState.SKIPPED: "superseded",
    JobState.FAILED: "error",
}
