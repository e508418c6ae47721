"""QUAL-BASE: on the fixed texts the model is about as good as its declared base."""

import math
from collections.abc import Iterator

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.behaviour.parent import Parent
from registry.checks.smoke.behaviour.subject import Subject

WORSE, BROKEN = 1.5, 10.0


def check(subject: Subject, parent: Parent) -> Iterator[Finding]:
    """Over the tokens of the base, so that another tokenizer makes no model look better or worse."""
    theirs = parent.losses()
    ours = {
        each.name: (each.loss, len(each.ids))
        for each in subject.readings
        if each.loss is not None and each.is_whole and each.name in theirs
    }
    tokens = sum(theirs[name][1] - 1 for name in ours)
    if not tokens:
        return
    own = sum(loss * (count - 1) for loss, count in ours.values()) / tokens
    base = sum(theirs[name][0] * (theirs[name][1] - 1) for name in ours) / tokens
    ratio = math.exp(min(own - base, 50))
    subject.metrics["perplexity_of_base"] = round(math.exp(min(base, 50)), 3)
    subject.metrics["perplexity_ratio"] = round(ratio, 4)
    if ratio > WORSE:
        find = block if ratio > BROKEN else warn
        yield find(
            "QUAL-BASE",
            f"Perplexity {math.exp(min(own, 50)):.1f}, base {math.exp(min(base, 50)):.1f} "
            f"({show(parent.repository)}).",
            file=subject.file,
            value=round(ratio, 3),
            threshold=BROKEN if ratio > BROKEN else WORSE,
        )
