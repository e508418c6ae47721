"""GEN-STOP: a chat model ends its answers by itself."""

from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, warn
from registry.checks.smoke.behaviour.greedy import steps
from registry.checks.smoke.behaviour.subject import LONGEST, Subject
from registry.checks.smoke.texts import SHORT_QUESTIONS

TOKENS = 256
ENDLESS = 3


def check(subject: Subject, ended: Sequence[bool]) -> Iterator[Finding]:
    """`ended` says of the short questions which of their answers have ended already."""
    if not subject.is_chat or subject.context < LONGEST:
        return
    running = len(SHORT_QUESTIONS) - sum(ended)
    if running >= ENDLESS:
        running = _running(subject)
    subject.metrics["answers_without_end"] = running
    if running >= ENDLESS:
        yield warn(
            "GEN-STOP",
            f"{running} of {len(SHORT_QUESTIONS)} short questions get an answer that does not end "
            f"within {TOKENS} tokens.",
            file=subject.file,
            value=running,
            threshold=ENDLESS,
        )


def _running(subject: Subject) -> int:
    """How many answers go on; no further than the verdict needs."""
    prompts = [subject.prompt(question) for question in SHORT_QUESTIONS]
    batches = [prompts] if subject.pads_well else [[prompt] for prompt in prompts]
    running = 0
    for batch in batches:
        for taken, found in enumerate(steps(subject, batch, TOKENS), 1):
            left = sum(len(row) == taken for row in found)
            if len(batch) > 1 and left < ENDLESS:
                break
        running += left
    return running
