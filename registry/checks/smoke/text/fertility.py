"""Whether English takes as few tokens as a vocabulary of this size allows (TOK-FERTILITY)."""

from collections.abc import Iterator

from registry.checks.findings import Finding, warn
from registry.checks.smoke.text.subject import Subject
from registry.checks.smoke.texts import PROSE

LEAST_BYTES = 1.2
LEAST_VOCABULARY = 1000


def check(subject: Subject) -> Iterator[Finding]:
    text = PROSE["en"]
    count = len(subject.tokenizer.encode(text, add_special_tokens=False))
    each = len(text.encode()) / max(count, 1)
    if each < LEAST_BYTES and len(subject.tokenizer) > LEAST_VOCABULARY:
        yield warn(
            "TOK-FERTILITY",
            f"{each:.2f} bytes per token on English: the merges are lost.",
            file=subject.file,
            value=round(each, 3),
            threshold=LEAST_BYTES,
        )
