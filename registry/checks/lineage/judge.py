"""What measured lineage means: the verdict on the declared bases, and what looks derived from whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from registry.catalog import lineage as declared_lineage
from registry.checks.findings import Finding, show, warn
from registry.checks.lineage import against, kept, nearest, references, usual, verdicts
from registry.checks.lineage.compare import Comparison, compare
from registry.checks.lineage.fingerprints import Malformed, Prints, decode, encode, read
from registry.checks.lineage.nearest import Found
from registry.checks.lineage.references import Declared
from registry.checks.models import CheckRun, Fingerprint, Profile

MOST_NEAREST = 5

NOT_HERE = "The base is not in this registry, so that nothing can be compared."
NOT_MEASURED = "Of the base nothing was measured yet."
NO_BASE = "No base is declared."

Records = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


@dataclass
class Judged:
    """`report` is the part of the report, `rows` are to be written with the outcome of the job."""

    findings: list[Finding] = field(default_factory=list)
    report: dict[str, Any] | None = None
    stage: dict[str, Any] = field(default_factory=dict)
    rows: list[Fingerprint] = field(default_factory=list)


def judge(run: CheckRun, records: Records, *, metrics: Mapping[str, Any], now: datetime) -> Judged:
    """Compare what the smoke test measured with the declared bases and with what is published."""
    started = monotonic()
    judged = Judged(stage={"name": "lineage", "status": "skipped", "seconds": None})
    judged.stage["reason"] = "nothing was measured of the weights"
    parts: dict[str, dict[str, Any]] = {}
    for target, said in records.items():
        try:
            prints = read(said)
        except Malformed as error:
            judged.stage |= {
                "status": "failed",
                "reason": f"what was measured is of no use: {error}",
            }
            continue
        if prints is not None:
            figures = metrics.get("targets", {}).get(target) or {}
            judged.rows.append(_row(run, target, prints, _facts(prints, said, figures), now))
            parts[target] = _part(run, target, prints, judged.findings)
            if run.profile == Profile.FULL and not against.is_adapter(prints):
                judged.findings += usual.check(
                    prints, figures, here=run.revision.repository, file=against.file_of(target)
                )
    judged.findings = list({(one.check, one.message): one for one in judged.findings}.values())
    if parts:
        judged.stage |= {"status": "done", "reason": None}
        judged.stage["seconds"] = round(monotonic() - started, 3)
        judged.report = {**next(iter(parts.values())), "targets": parts}
    return judged


def _part(run: CheckRun, target: str, prints: Prints, findings: list[Finding]) -> dict[str, Any]:
    """The part of the report on one model of the revision; what was found is added."""
    revision = run.revision
    file = against.file_of(target)
    declared = references.declared_by(revision)
    part: dict[str, Any] = {"declared": None, "verdict": None, "reason": NO_BASE, "nearest": []}
    if against.is_adapter(prints):
        part["reason"] = against.AN_ADAPTER
        return part | _named(declared) | {"verdict": verdicts.UNVERIFIED if declared else None}
    compared = [(one, _against(prints, one)) for one in declared]
    bases = [_base(one, comparison, file, findings) for one, comparison in compared]
    if bases:
        part |= {"declared": declared[0].name, "bases": bases} | bases[0]
        part["verdict"] = verdicts.gravest([base["verdict"] for base in bases])
    found = _others(run, prints, declared)
    _undeclared(declared, found, file, findings)
    part["nearest"] = [
        {"model": one.name, "revision": one.revision.oid, **one.comparison.figures()}
        for one in found[:MOST_NEAREST]
    ]
    if not bases and found:
        part |= found[0].comparison.figures() | {"layers": found[0].comparison.layers}
        part["compared_with"] = found[0].name
    return part


def _named(declared: list[Declared]) -> dict[str, Any]:
    return {"declared": declared[0].name} if declared else {}


def _against(prints: Prints, declared: Declared) -> Comparison | None:
    """How the model compares with a declared base, where that was measured."""
    rows = references.prints_of(declared.revision) if declared.revision else []
    same = [row for row in rows if row.shape_key == prints.shape_key] or rows
    return against.best(prints, (decode(row.tensors) for row in same))


def _base(
    declared: Declared, one: Comparison | None, file: str, findings: list[Finding]
) -> dict[str, Any]:
    """What is said of one declared base."""
    why_not = NOT_HERE if declared.revision is None else NOT_MEASURED
    found, said = against.judge(
        declared.name, one, relation=declared.relation, file=file, why_not=why_not
    )
    findings += found
    return said


def _others(run: CheckRun, prints: Prints, declared: list[Declared]) -> list[Found]:
    """The published models that are like this one, without those that come from it themselves."""
    here = run.revision.repository
    own = nearest.published().filter(run__revision__repository=here, shape_key=prints.shape_key)
    named = {one.revision.repository_id for one in declared if one.revision is not None}
    found = []
    for one in nearest.search(prints, apart_from=here):
        if not verdicts.is_related(one.comparison) or one.repository.pk in named:
            continue
        above = declared_lineage.of_revision(one.revision).ancestors
        if any(parent.repository == here for parent in above):
            continue
        if _was_first(own.filter(created_at__lt=one.row.created_at).order_by("pk").first(), one):
            continue
        found.append(one)
    return found


def _was_first(own: Fingerprint | None, other: Found) -> bool:
    """Whether this repository had such weights out before the other one was measured."""
    return own is not None and verdicts.is_related(
        compare(decode(own.tensors), decode(other.row.tensors), in_full=False)
    )


def _undeclared(
    declared: list[Declared], found: list[Found], file: str, findings: list[Finding]
) -> None:
    """Copies are named whatever the card says, other likeness only where it names no base: models
    of one parent are alike."""
    if not found:
        return
    best = found[0]
    relations = {one.relation for one in declared}
    name = show(best.name)
    if best.comparison.equal >= verdicts.COPY:
        if "quantized" not in relations:
            findings.append(against.copy(best.name, best.comparison, file))
    elif declared:
        return
    elif verdicts.is_disguised(best.comparison):
        findings.append(against.disguised(best.name, best.comparison, file))
    else:
        said = f"Looks derived from {name} ({verdicts.why(best.comparison)}); declare it."
        figures = best.comparison.figures()
        findings.append(
            warn(
                "LIN-UNDECLARED",
                said,
                file=file,
                value=figures["cosine"],
                threshold=verdicts.DERIVED,
                evidence=figures,
            )
        )


def _row(
    run: CheckRun, target: str, prints: Prints, facts: dict[str, Any], now: datetime
) -> Fingerprint:
    return Fingerprint(
        run=run,
        target=target,
        weights_digest=prints.weights_digest,
        shape_key=prints.shape_key,
        parameters=prints.parameters,
        tensors=encode(prints),
        facts=facts,
        created_at=now,
    )


def _facts(
    prints: Prints,
    said: Mapping[str, Sequence[Mapping[str, Any]]],
    figures: Mapping[str, Any],
) -> dict[str, Any]:
    """What later runs want to know of the model besides its weights."""
    return {"dtype": prints.dtype, "sketch": nearest.sketch(prints), **kept.facts(said, figures)}
