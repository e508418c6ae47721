"""RUN-FINITE: what the model says of the fixed texts is made of numbers."""

import math
from collections.abc import Iterator

import torch

from registry.checks.findings import Finding, block
from registry.checks.smoke.behaviour.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Reads the fixed texts, which the checks after this one look at too."""
    for reading in subject.read():
        if not torch.isfinite(reading.logits).all():
            yield block(
                "RUN-FINITE",
                "The model outputs values that are not numbers.",
                file=subject.file,
                where=reading.name,
            )
            return
    losses = {each.name: each.loss for each in subject.readings if each.loss is not None}
    subject.metrics["nll"] = {name: round(loss, 4) for name, loss in losses.items()}
    subject.metrics["perplexity"] = {
        name: round(math.exp(min(loss, 50)), 3) for name, loss in losses.items()
    }
    subject.metrics["probe_tokens"] = {each.name: len(each.ids) for each in subject.readings}
