"""What the checks say of single files: the gravest finding about each, and how many there are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from registry.accounts.callers import Caller
from registry.checks.findings import escaped
from registry.checks.models import CheckRun, FindingRow, RunState, Verdict
from registry.releases import evidence

MAX_FINDINGS = 50
_GRAVITY = {"block": 0, "warn": 1}
_WORDS = {"block": "blocked", "warn": "warned"}


@dataclass(frozen=True)
class FileVerdicts:
    """By path as findings have it. What an ended run found nothing about has passed it."""

    is_over: bool = False
    found: dict[str, list[str]] = field(default_factory=dict)

    def of_file(self, path: str) -> str:
        """`passed`, `warned`, `blocked`, or nothing where the checks are not through."""
        return self._gravest(self.found.get(_key(path), []))

    def of_folder(self, path: str) -> str:
        below = f"{_key(path)}/"
        return self._gravest(
            severity
            for name, severities in self.found.items()
            if name.startswith(below)
            for severity in severities
        )

    def count(self, path: str) -> int:
        return len(self.found.get(_key(path), []))

    def _gravest(self, severities: Iterable[str]) -> str:
        found = sorted(severities, key=lambda severity: _GRAVITY[severity])
        if found:
            return _WORDS[found[0]]
        return "passed" if self.is_over else ""


def of(run: CheckRun | None) -> FileVerdicts:
    if run is None:
        return FileVerdicts()
    rows = FindingRow.objects.filter(run=run, severity__in=_GRAVITY).exclude(file="").order_by("pk")
    found: dict[str, list[str]] = {}
    for path, severity in rows.values_list("file", "severity"):
        found.setdefault(path, []).append(severity)
    is_over = run.state == RunState.FINISHED and run.verdict != Verdict.ERROR
    return FileVerdicts(is_over, found)


def findings(run: CheckRun | None, path: str, *, by: Caller) -> list[FindingRow]:
    """What the checks found about one file, as they may be told to this caller."""
    if run is None:
        return []
    found = FindingRow.objects.filter(run=run, file=_key(path), severity__in=_GRAVITY)
    rows = sorted(found.order_by("pk")[:MAX_FINDINGS], key=lambda row: _GRAVITY[row.severity])
    return evidence.told(rows, run, by=by)


def _key(path: str) -> str:
    return escaped(path, limit=1024)
