"""What the checks say of the safety of files, in the words of the wire."""

from collections.abc import Iterable
from typing import Any

from registry.catalog.models import Revision
from registry.checks import catalogue, runs
from registry.checks.findings import Severity, escaped
from registry.checks.models import FindingRow, RunState, Verdict

# What these stages look for can do harm; what the others look for makes a poor model
STAGES = {"upload", "scan"}
LEVELS = {Severity.BLOCK: "unsafe", Severity.WARN: "suspicious"}


def of_repository(revision: Revision) -> dict[str, Any]:
    """`securityRepoStatus`: whether the checks are through, and which files they have found."""
    levels = _levels(revision)
    issues = [{"path": path, "level": level} for path, level in sorted((levels or {}).items())]
    return {"scansDone": levels is not None, "filesWithIssues": issues}


def of_files(revision: Revision, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`securityFileStatus` of each file; none of them where the checks are not through."""
    levels = _levels(revision)
    if levels is None:
        return {}
    return {
        path: {
            "status": levels.get(escaped(path, limit=1024), "safe"),
            "avScan": None,
            "pickleImportScan": None,
        }
        for path in paths
    }


def _levels(revision: Revision) -> dict[str, str] | None:
    run = runs.latest(revision)
    if run is None or run.state != RunState.FINISHED or run.verdict == Verdict.ERROR:
        return None
    ids = [check.id for check in catalogue.CHECKS.values() if check.stage in STAGES]
    rows = FindingRow.objects.filter(run=run, check_id__in=ids, severity__in=LEVELS).exclude(
        file=""
    )
    found: dict[str, str] = {}
    for row in rows:
        if found.get(row.file) != LEVELS[Severity.BLOCK]:
            found[row.file] = LEVELS[Severity(row.severity)]
    return found
