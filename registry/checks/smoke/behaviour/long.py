"""RUN-LONG: the model still reads at the end of its context as well as at the beginning."""

from collections.abc import Iterator

import torch

from registry.checks.findings import Finding, block, warn
from registry.checks.smoke.behaviour.subject import Subject
from registry.checks.smoke.texts import long_text

SHORTEST = 128
WORSE = 1.5
# Characters a token, at most: so many of the text are enough for any tokenizer.
CHARACTERS_A_TOKEN = 8
SLICE = 512


def check(subject: Subject) -> Iterator[Finding]:
    length, losses = subject.window, None
    while losses is None and length >= SHORTEST:
        try:
            losses = _losses(subject, length)
        except torch.OutOfMemoryError:
            length //= 2
    if losses is None:
        return
    subject.metrics["tokens_tried"] = length = len(losses) + 1
    if not torch.isfinite(losses).all():
        yield block(
            "RUN-LONG",
            f"The model outputs values that are not numbers within {length} tokens.",
            file=subject.file,
            value=length,
        )
        return
    quarter = len(losses) // 4
    first, last = float(losses[:quarter].mean()), float(losses[-quarter:].mean())
    subject.metrics["nll_long"] = {"first": round(first, 4), "last": round(last, 4)}
    if last > WORSE * first:
        yield warn(
            "RUN-LONG",
            f"Quality collapses beyond {length - quarter} tokens.",
            file=subject.file,
            value=round(last / first, 3),
            threshold=WORSE,
        )


def _losses(subject: Subject, length: int) -> torch.Tensor | None:
    """The loss of each token; None where the text is too short for this tokenizer."""
    text = long_text(length * CHARACTERS_A_TOKEN)
    ids = subject.tokenizer(text)["input_ids"][:length]
    if len(ids) < SHORTEST:
        return None
    row = torch.tensor([ids], device=subject.model.device)
    logits = subject.model(input_ids=row, use_cache=False).logits[0]
    # In slices: at full precision the whole would take as much memory as the model.
    found = []
    for start in range(0, len(ids) - 1, SLICE):
        part = logits[start : start + SLICE][: len(ids) - 1 - start].float()
        wanted = row[0, start + 1 : start + 1 + SLICE]
        losses = torch.nn.functional.cross_entropy(part, wanted, reduction="none")
        # An infinity elsewhere does not show in the loss of the token that was wanted.
        found.append(losses.where(part.isfinite().all(-1), torch.nan))
    return torch.cat(found).cpu()
