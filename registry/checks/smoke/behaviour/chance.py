"""QUAL-UNIFORM: the model predicts English prose better than somebody who knows nothing."""

import math
from collections.abc import Iterator

from registry.checks.findings import Finding, block
from registry.checks.smoke.behaviour.subject import Subject

CHANCE = 0.95


def check(subject: Subject) -> Iterator[Finding]:
    chance = math.log(subject.rows)
    subject.metrics["nll_of_chance"] = round(chance, 4)
    loss = next((each.loss for each in subject.readings if each.name == "en"), None)
    if loss is not None and loss >= CHANCE * chance:
        yield block(
            "QUAL-UNIFORM",
            "The model predicts no better than chance.",
            file=subject.file,
            value=round(loss, 4),
            threshold=round(CHANCE * chance, 4),
        )
