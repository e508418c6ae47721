"""LORA-EFFECT: an adapter changes what its base says."""

from collections.abc import Iterator

import torch

from registry.checks.findings import Finding, warn
from registry.checks.smoke.behaviour.subject import Subject, divergence

LEAST = 1e-6


def check(subject: Subject) -> Iterator[Finding]:
    """After the fixed texts were read with the adapter; here its base reads them alone."""
    found: list[torch.Tensor] = []
    with subject.model.disable_adapter():
        for reading in subject.readings:
            found.append(divergence(reading.logits, subject.logits(reading.ids[None])[0]))
    mean = float(torch.cat(found).mean())
    subject.metrics["kl_adapter"] = round(mean, 9)
    if not mean >= LEAST:
        yield warn(
            "LORA-EFFECT",
            "The adapter changes nothing in what its base says.",
            file=subject.file,
            value=mean,
            threshold=LEAST,
        )
