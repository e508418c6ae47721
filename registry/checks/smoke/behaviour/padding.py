"""RUN-PADDING: prompts in one batch, filled up on the left, are read as each of them alone."""

from collections.abc import Iterator

import torch

from registry.checks.findings import Finding, warn
from registry.checks.smoke.behaviour.subject import Subject, divergence, padded
from registry.checks.smoke.texts import PROMPTS

PROMPTS_TRIED = 4


def check(subject: Subject) -> Iterator[Finding]:
    """Compares what is predicted; the greedy text may differ at near ties, and is not looked at."""
    prompts = [subject.ids(text)[0].tolist() for text in PROMPTS[:PROMPTS_TRIED]]
    given = padded(subject, prompts)
    together = subject.logits(given.pop("input_ids"), **given)
    worst = 0.0
    for row, prompt in enumerate(prompts):
        alone = subject.logits(torch.tensor([prompt], device=together.device))[0]
        found = divergence(alone, together[row, -len(prompt) :]).max()
        worst = max(worst, float(found.nan_to_num(float("inf"))))
    subject.metrics["kl_padding_max"] = round(min(worst, 1e6), 9)
    subject.pads_well = worst <= subject.bound
    if not subject.pads_well:
        yield warn(
            "RUN-PADDING",
            "Output changes when prompts of different lengths are read in one batch.",
            file=subject.file,
            value=worst,
            threshold=subject.bound,
        )
