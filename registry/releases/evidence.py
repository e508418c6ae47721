"""What of a check report somebody may see: the hashes of files only where the gate is open."""

import re
from typing import Any

from registry.accounts.callers import Caller
from registry.checks import reports
from registry.checks.models import CheckRun
from registry.releases import gate

MASK = "*" * 64
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def report_for(run: CheckRun, *, caller: Caller) -> dict[str, Any]:
    """The report of a run as this caller may see it. They have been shown to know of the revision.

    A hash proves possession of the bytes, and in a list of known files names them.
    """
    revision = run.revision
    report = reports.report_of(run)
    if gate.decide(revision.repository, revision, caller=caller).is_open:
        return report
    masked: dict[str, Any] = _masked(report)
    return masked


def _masked(value: Any) -> Any:
    """The value with every SHA-256 in it masked, wherever a check wrote one."""
    if isinstance(value, str):
        return _SHA256.sub(MASK, value)
    if isinstance(value, dict):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
