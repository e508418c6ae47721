"""QUANT-DRIFT and RUN-BACKEND: a quantized model still says what its parent says."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.behaviour.parent import FEWEST_TOKENS, Parent
from registry.checks.smoke.behaviour.subject import Subject

DRIFT, BROKEN = 0.1, 1.0
AGREEMENT = 0.85
RATIO = 3.0
# Of weights that keep eight bits and more, only what rounding explains may be lost.
FAITHFUL_BITS = 8
FAITHFUL = 0.02
NEAR = 5


@dataclass(frozen=True)
class Drift:
    """Over all positions of the fixed texts. `apart` counts those where one side's choice is
    not among the first of the other."""

    positions: int
    divergence: float
    agreement: float
    apart: int
    ratio: float


def check(subject: Subject, parent: Parent, *, bits: float) -> Iterator[Finding]:
    """`bits` are those of a weight, about. What is only guessed to be the parent never blocks."""
    drift = _drift(subject, parent)
    if drift is None:
        return
    subject.metrics |= {
        "kl_parent": round(drift.divergence, 5),
        "agreement_parent": round(drift.agreement, 4),
        "ratio_parent": round(drift.ratio, 4),
    }
    if drift.divergence > DRIFT or drift.agreement < AGREEMENT or drift.ratio > RATIO:
        is_broken = drift.divergence >= BROKEN or drift.ratio > RATIO
        find = block if is_broken and parent.is_declared else warn
        yield find(
            "QUANT-DRIFT",
            f"This quantization loses too much: KL {drift.divergence:.3f}, same first choice "
            f"{drift.agreement:.0%}, perplexity {drift.ratio:.2f} times that of "
            f"{show(parent.repository)}.",
            file=subject.file,
            value=round(drift.divergence, 4),
            threshold=BROKEN if is_broken else DRIFT,
            evidence={"agreement": round(drift.agreement, 4), "ratio": round(drift.ratio, 4)},
        )
    elif bits >= FAITHFUL_BITS and (drift.divergence > FAITHFUL or drift.apart):
        yield warn(
            "RUN-BACKEND",
            f"With {bits:.0f} bits a weight the output should be that of {show(parent.repository)}: "
            f"KL {drift.divergence:.3f}, and {drift.apart} of {drift.positions} choices are not "
            f"among the other's first {NEAR}.",
            file=subject.file,
            value=round(drift.divergence, 5),
            threshold=FAITHFUL,
        )


def _drift(subject: Subject, parent: Parent) -> Drift | None:
    divergences: list[torch.Tensor] = []
    same: list[torch.Tensor] = []
    apart, lost = 0, []
    losses = parent.losses()
    for reading in subject.readings:
        theirs = parent.probe(reading)
        if theirs is None or reading.loss is None or reading.name not in losses:
            continue
        ids, likely = theirs
        found = compared(ids, likely, reading.logits)
        divergences.append(found.divergence)
        same.append(found.same)
        apart += found.apart
        lost.append((reading.loss - losses[reading.name][0], len(reading.ids) - 1))
    positions = sum(map(len, same))
    if positions < FEWEST_TOKENS:
        return None
    mean = sum(loss * count for loss, count in lost) / max(1, sum(count for _, count in lost))
    return Drift(
        positions,
        float(torch.cat(divergences).mean()),
        float(torch.cat(same).float().mean()),
        apart,
        math.exp(min(mean, 50)),
    )


@dataclass(frozen=True)
class Compared:
    """At each position the divergence, and whether both choose the same; how many choices are apart."""

    divergence: torch.Tensor
    same: torch.Tensor
    apart: int


def compared(ids: torch.Tensor, likely: torch.Tensor, logits: torch.Tensor) -> Compared:
    """What another finds most likely, the best first, against these logits."""
    ours = logits.double().log_softmax(-1).cpu()
    choice = ours.argmax(-1)
    same = choice == ids[:, 0]
    near = (ids[:, :NEAR] == choice[:, None]).any(-1)
    near &= (ours.topk(min(NEAR, ours.shape[-1])).indices == ids[:, :1]).any(-1)
    return Compared(_divergence(ids, likely, ours), same, int((~near & ~same).sum()))


def _divergence(ids: torch.Tensor, likely: torch.Tensor, ours: torch.Tensor) -> torch.Tensor:
    """KL over the parent's most likely tokens and, as one, all the others: a lower bound of the whole."""
    found = ours.gather(-1, ids)
    kept = likely.exp()
    rest = (1 - kept.sum(-1)).clamp(min=1e-9)
    ours_rest = (1 - found.exp().sum(-1)).clamp(min=1e-9)
    inside = (kept * (likely - found)).sum(-1)
    return (inside + rest * (rest.log() - ours_rest.log())).clamp(min=0)
