"""RUN-DETERMINISM: the same prompt twice gives the same answer."""

from collections.abc import Iterator

from registry.checks.findings import Finding, block
from registry.checks.smoke.behaviour.greedy import answer
from registry.checks.smoke.behaviour.subject import Subject
from registry.checks.smoke.texts import PROSE

PROMPT_TOKENS = 48
ANSWER_TOKENS = 16


def check(subject: Subject) -> Iterator[Finding]:
    prompt = subject.ids(PROSE["en"], most=PROMPT_TOKENS)
    first, second = (answer(subject, prompt, ANSWER_TOKENS) for _ in range(2))
    if first != second:
        yield block(
            "RUN-DETERMINISM",
            "The same prompt gave two different outputs.",
            file=subject.file,
            evidence={"first": first, "second": second},
        )
