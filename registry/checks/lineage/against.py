"""What is said of weights that were compared with those of a base; knows no database."""

from collections.abc import Iterable
from typing import Any

from registry.checks.findings import Finding, info, show, warn
from registry.checks.lineage import kinds, verdicts
from registry.checks.lineage.compare import Comparison, compare
from registry.checks.lineage.fingerprints import Prints

AN_ADAPTER = "An adapter holds none of its base's weights; it was tried on the base instead."


def best(prints: Prints, others: Iterable[Prints]) -> Comparison | None:
    """The comparison with the one of the others that it is most like: one model in several formats."""
    found: Comparison | None = None
    for other in others:
        one = compare(prints, other)
        if found is None or (one.cosine or 0, one.matrices) > (found.cosine or 0, found.matrices):
            found = one
    return found


def judge(
    name: str, one: Comparison | None, *, relation: str, file: str, why_not: str
) -> tuple[list[Finding], dict[str, Any]]:
    """Findings and the part of the report on one base. `relation` is how the card says that the
    model comes from it, `why_not` why there is no comparison where there is none."""
    if one is None:
        return [], {"model": name, "verdict": verdicts.UNVERIFIED, "reason": why_not}
    base, verdict, why = show(name), verdicts.verdict_of(one), verdicts.why(one)
    figures, findings = one.figures(), []
    if one.kind == kinds.IDENTICAL and relation != "quantized":
        findings.append(copy(name, one, file))
    elif verdicts.is_disguised(one):
        findings.append(disguised(name, one, file))
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
    told = {"model": name, "verdict": verdict, "reason": f"{why.capitalize()}."}
    return findings, told | figures | {"layers": one.layers}


def copy(name: str, one: Comparison, file: str) -> Finding:
    return warn(
        "LIN-IDENTICAL",
        f"This is a copy of {show(name)}.",
        file=file,
        value=one.figures()["equal"],
        threshold=verdicts.COPY,
    )


def disguised(name: str, one: Comparison, file: str) -> Finding:
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


def file_of(target: str) -> str:
    """What findings of one of several models name as their file."""
    return target if target.endswith(".gguf") else ""


def is_adapter(prints: Prints) -> bool:
    return any(".lora_" in name for name in prints.tensors)


def _lin_base(said: str, one: Comparison, file: str, threshold: float) -> Finding:
    figures = one.figures()
    return warn(
        "LIN-BASE", said, file=file, value=figures["cosine"], threshold=threshold, evidence=figures
    )
