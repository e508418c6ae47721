"""What of a check report somebody may see: the hashes of files only where the gate is open."""

import re
from typing import Any

from registry.checks import reports
from registry.checks.models import CheckRun
from registry.releases.gate import Answer

MASK = "*" * 64
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def report_for(run: CheckRun, answer: Answer) -> dict[str, Any]:
    """The report of a run as somebody may see it to whom the gate gave this answer on the revision."""
    report = reports.report_of(run)
    if answer.is_open:
        return report
    masked: dict[str, Any] = _masked(report)
    return masked


def attestation_for(run: CheckRun, answer: Answer) -> dict[str, Any] | None:
    """The signed statement, which cannot be masked: whoever may not have every file has none."""
    found: dict[str, Any] | None = run.attestation if answer.is_open else None
    return found


def _masked(value: Any) -> Any:
    """The value with every SHA-256 in it masked, wherever a check wrote one."""
    if isinstance(value, str):
        return _SHA256.sub(MASK, value)
    if isinstance(value, dict):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
