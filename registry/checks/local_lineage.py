"""Where weights come from, as far as a desk can tell: compared with the base that was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from registry.checks import document
from registry.checks.findings import Finding
from registry.checks.lineage import against, verdicts
from registry.checks.lineage.fingerprints import Malformed, Prints, read

NO_BASE = "Not compared: no base was given by --base. What is published only the site can search."
NOT_MEASURED = "Of the base nothing was measured."


@dataclass
class Judged:
    """`report` is the part of the report, as the site's has it."""

    findings: list[Finding] = field(default_factory=list)
    report: dict[str, Any] | None = None
    stage: dict[str, Any] = field(default_factory=dict)


def judge(
    records: Mapping[str, Any], of_base: Mapping[str, Any], *, base: str, relation: str
) -> Judged:
    """What the smoke tests of both measured, compared. `relation` is how the card names it."""
    started = monotonic()
    judged = Judged()
    theirs = [prints for said in of_base.values() if (prints := _read(said)) is not None]
    parts: dict[str, dict[str, Any]] = {}
    for target, said in records.items():
        if (prints := _read(said)) is not None:
            parts[target] = _part(prints, theirs, base, relation, target, judged.findings)
    if not parts:
        why = "Nothing was measured of the weights."
        judged.stage = document.stage("lineage", "skipped", None, why)
        return judged
    judged.findings = list({(one.check, one.message): one for one in judged.findings}.values())
    judged.stage = document.stage("lineage", "done", round(monotonic() - started, 3), "")
    judged.report = {**next(iter(parts.values())), "targets": parts}
    return judged


def _part(
    prints: Prints,
    theirs: list[Prints],
    base: str,
    relation: str,
    target: str,
    findings: list[Finding],
) -> dict[str, Any]:
    part: dict[str, Any] = {"declared": base, "nearest": []}
    if against.is_adapter(prints):
        return part | {"verdict": verdicts.UNVERIFIED, "reason": against.AN_ADAPTER}
    same = [one for one in theirs if one.shape_key == prints.shape_key] or theirs
    found, said = against.judge(
        base,
        against.best(prints, same),
        relation=relation,
        file=against.file_of(target),
        why_not=NOT_MEASURED,
    )
    findings += found
    return part | {"bases": [said]} | said


def _read(said: Mapping[str, Any]) -> Prints | None:
    try:
        return read(said)
    except Malformed:
        return None
