"""What of a check report somebody may see: the hashes of files only where the gate is open, and names
of other models only where they may know of these."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from registry.accounts.callers import Caller
from registry.catalog import known_models
from registry.checks import reports
from registry.checks.models import CheckRun, FindingRow
from registry.releases.gate import Answer

MASK = "*" * 64
UNNAMED = "another model"
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def report_for(run: CheckRun, answer: Answer, *, by: Caller) -> dict[str, Any]:
    """The report of a run as this caller may see it, to whom the gate gave this answer on the
    revision."""
    report = named_for(run, by=by)
    if answer.is_open:
        return report
    masked: dict[str, Any] = _masked(report)
    return masked


def named_for(run: CheckRun, *, by: Caller) -> dict[str, Any]:
    """The report with the names that this caller may know, and hashes still in it."""
    report = reports.report_of(run)
    if names := _unknown(report, by):
        report = _unnamed(_without_nearest(report, names), _pattern(names))
    return report


def attestation_for(run: CheckRun, answer: Answer) -> dict[str, Any] | None:
    """The signed statement, which cannot be masked: whoever may not have every file has none."""
    found: dict[str, Any] | None = run.attestation if answer.is_open else None
    return found


def told(rows: Sequence[FindingRow], run: CheckRun, *, by: Caller) -> list[FindingRow]:
    """These findings of the run, without the names of models that the caller may not know of."""
    is_of_lineage = any(row.check_id.startswith("LIN-") for row in rows)
    if is_of_lineage and (names := _unknown(reports.report_of(run), by)):
        for row in rows:
            row.message = _pattern(names).sub(UNNAMED, row.message)
    return list(rows)


def _unknown(report: dict[str, Any], by: Caller) -> list[str]:
    """The models that the weights were found to be like, which this caller may not know of. Those
    that the card itself names are no secret."""
    measured = report.get("lineage") or {}
    names: set[str] = set()
    declared: set[str] = set()
    for part in [measured, *(measured.get("targets") or {}).values()]:
        names |= {str(one.get("model") or "") for one in part.get("nearest") or []}
        names.add(str(part.get("compared_with") or ""))
        declared |= {str(one.get("model") or "") for one in part.get("bases") or []}
        declared.add(str(part.get("declared") or ""))
    asked = {name for name in names - declared if name}
    if not asked:
        return []
    known = known_models.addresses_of(asked, by)
    return sorted(name for name in asked if name.lower() not in known)


def _without_nearest(report: dict[str, Any], names: list[str]) -> dict[str, Any]:
    def cut(part: dict[str, Any]) -> dict[str, Any]:
        near = [one for one in part.get("nearest") or [] if one.get("model") not in names]
        return part | {"nearest": near}

    measured = cut(report["lineage"])
    if targets := measured.get("targets"):
        measured["targets"] = {target: cut(part) for target, part in targets.items()}
    return report | {"lineage": measured}


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Only whole names: one may begin like another."""
    return re.compile(f"(?<![\\w./-])(?:{'|'.join(map(re.escape, names))})(?![\\w-])")


def _unnamed(value: Any, names: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return names.sub(UNNAMED, value)
    if isinstance(value, dict):
        return {key: _unnamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_unnamed(item, names) for item in value]
    return value


def _masked(value: Any) -> Any:
    """The value with every SHA-256 in it masked, wherever a check wrote one."""
    if isinstance(value, str):
        return _SHA256.sub(MASK, value)
    if isinstance(value, dict):
        return {_masked(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
