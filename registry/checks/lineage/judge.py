"""What measured lineage means: the verdict on the declared bases, and what looks derived from whom."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from registry.catalog import lineage as declared_lineage
from registry.checks import reports
from registry.checks.findings import Finding, info, show, warn
from registry.checks.lineage import kinds, nearest, references, usual, verdicts
from registry.checks.lineage.compare import Comparison, compare
from registry.checks.lineage.fingerprints import Malformed, Prints, decode, encode, read
from registry.checks.lineage.nearest import Found
from registry.checks.lineage.references import Declared
from registry.checks.models import CheckRun, Fingerprint, Profile

MOST_NEAREST = 5
MOST_FACTS = 4 * 1024 * 1024
KEPT = ("tokenizer", "template", "refusals", "answers", "probe")
# What the fixed texts cost the model, by which its descendants are judged
FIGURES = ("probe", "nll", "probe_tokens", "perplexity")

NOT_HERE = "The base is not in this registry, so that nothing can be compared."
NOT_MEASURED = "Of the base nothing was measured yet."
AN_ADAPTER = "An adapter holds none of its base's weights; it was tried on the base instead."
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
            if run.profile == Profile.FULL and not _is_adapter(prints):
                judged.findings += usual.check(
                    prints, figures, here=run.revision.repository, file=_file(target)
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
    file = _file(target)
    declared = references.declared_by(revision)
    part: dict[str, Any] = {"declared": None, "verdict": None, "reason": NO_BASE, "nearest": []}
    if _is_adapter(prints):
        part["reason"] = AN_ADAPTER
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


def _file(target: str) -> str:
    return target if target.endswith(".gguf") else ""


def _named(declared: list[Declared]) -> dict[str, Any]:
    return {"declared": declared[0].name} if declared else {}


def _against(prints: Prints, declared: Declared) -> Comparison | None:
    """How the model compares with a declared base, where that was measured."""
    rows = references.prints_of(declared.revision) if declared.revision else []
    same = [row for row in rows if row.shape_key == prints.shape_key] or rows
    best: Comparison | None = None
    for row in same:
        one = compare(prints, decode(row.tensors))
        if best is None or (one.cosine or 0, one.matrices) > (best.cosine or 0, best.matrices):
            best = one
    return best


def _base(
    declared: Declared, one: Comparison | None, file: str, findings: list[Finding]
) -> dict[str, Any]:
    """What is said of one declared base."""
    base = show(declared.name)
    if one is None:
        reason = NOT_HERE if declared.revision is None else NOT_MEASURED
        return {"model": declared.name, "verdict": verdicts.UNVERIFIED, "reason": reason}
    verdict, why = verdicts.verdict_of(one), verdicts.why(one)
    figures = one.figures()
    if one.kind == kinds.IDENTICAL and declared.relation != "quantized":
        findings.append(
            warn(
                "LIN-IDENTICAL",
                f"This is a copy of {base}.",
                file=file,
                value=figures["equal"],
                threshold=verdicts.COPY,
            )
        )
    elif verdicts.is_disguised(one):
        findings.append(_disguised(declared.name, one, file))
    elif verdict == verdicts.CONTRADICTED:
        said = f"The weights do not come from {base}: {why}."
        findings.append(_lin_base(said, one, file, verdicts.UNRELATED))
    elif verdict == verdicts.NOT_SUPPORTED:
        said = f"The weights come from {base} only partly: {why}."
        findings.append(_lin_base(said, one, file, verdicts.DERIVED))
    if verdicts.is_disguised(one):
        figures["kind"] = ""
    elif one.kind:
        said = f"Compared with {base}: {one.kind} ({why})."
        findings.append(info("LIN-KIND", said, file=file, value=one.kind))
    return (
        {"model": declared.name, "verdict": verdict, "reason": f"{why.capitalize()}."}
        | figures
        | {"layers": one.layers}
    )


def _lin_base(said: str, one: Comparison, file: str, threshold: float) -> Finding:
    figures = one.figures()
    return warn(
        "LIN-BASE", said, file=file, value=figures["cosine"], threshold=threshold, evidence=figures
    )


def _disguised(name: str, one: Comparison, file: str) -> Finding:
    figures = one.figures()
    said = f"These look like the weights of {show(name)}, permuted, rotated or reordered: {verdicts.why(one)}."
    return warn(
        "LIN-DISGUISED",
        said,
        file=file,
        value=figures["gram"],
        threshold=verdicts.SAME_EMBEDDING,
        evidence=figures,
    )


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
            equal = best.comparison.figures()["equal"]
            findings.append(
                warn(
                    "LIN-IDENTICAL",
                    f"This is a copy of {name}.",
                    file=file,
                    value=equal,
                    threshold=verdicts.COPY,
                )
            )
    elif declared:
        return
    elif verdicts.is_disguised(best.comparison):
        findings.append(_disguised(best.name, best.comparison, file))
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


def _is_adapter(prints: Prints) -> bool:
    return any(".lora_" in name for name in prints.tensors)


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
    """What later runs want to know of the model besides its weights, as far as there is room."""
    facts: dict[str, Any] = {"dtype": prints.dtype, "sketch": nearest.sketch(prints)}
    if isinstance(figures.get("perplexity"), dict):
        facts["perplexity"] = reports.plain(figures["perplexity"])
    if isinstance(figures.get("nll"), dict):
        facts["metrics"] = reports.plain({k: figures[k] for k in FIGURES if k in figures})
    room = MOST_FACTS
    for kind in KEPT:
        kept = [reports.plain(dict(one)) for one in said.get(kind, ())]
        room -= len(json.dumps(kept))
        if kept and room > 0:
            facts[kind] = kept
    return facts
