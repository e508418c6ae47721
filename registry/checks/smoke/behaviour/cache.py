"""RUN-KVCACHE: token by token with the cache, the model says what it says in one pass."""

from collections.abc import Iterator

import torch

from registry.checks.findings import Finding, block
from registry.checks.smoke.behaviour.subject import Subject, divergence
from registry.checks.smoke.texts import PROSE

TOKENS = 48


def check(subject: Subject) -> Iterator[Finding]:
    """By the divergence of what is predicted: raw values differ between kernels that are both right."""
    ids = subject.ids(PROSE["en"], most=TOKENS)
    whole, stepped = subject.logits(ids)[0], _stepped(subject, ids)
    worst = float(divergence(whole, stepped).max())
    subject.metrics["kl_cache_max"] = round(worst, 9)
    # Written so that a value that is no number fails as well.
    if not worst <= subject.bound:
        yield block(
            "RUN-KVCACHE",
            "Output changes when the cache is used.",
            file=subject.file,
            value=worst,
            threshold=subject.bound,
        )


def _stepped(subject: Subject, ids: torch.Tensor) -> torch.Tensor:
    cache, steps = None, []
    for place in range(ids.shape[1]):
        output = subject.model(
            input_ids=ids[:, place : place + 1], past_key_values=cache, use_cache=True
        )
        cache = output.past_key_values
        steps.append(output.logits[0, -1].float())
    return torch.stack(steps)
