"""Whether texts of many scripts come back from the tokenizer as they went in (TOK-ROUNDTRIP)."""

from collections.abc import Iterator

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.alarms import within
from registry.checks.smoke.text.samples import ROUNDTRIP
from registry.checks.smoke.text.subject import Subject

SECONDS = 20


def check(subject: Subject) -> Iterator[Finding]:
    with within(SECONDS):
        pairs = [(text, _again(subject, text)) for text in ROUNDTRIP]
    lost = [(text, back) for text, back in pairs if text.strip(" ") != back.strip(" ")]
    if not lost:
        return
    text, back = lost[0]
    find = block if len(lost) > len(ROUNDTRIP) / 2 else warn
    yield find(
        "TOK-ROUNDTRIP",
        f"{len(lost)} of {len(ROUNDTRIP)} texts change: «{show(text)}» becomes «{show(back)}».",
        file=subject.file,
        value=len(lost),
        threshold=0,
        evidence={"before": [text for text, _ in lost], "after": [back for _, back in lost]},
    )


def _again(subject: Subject, text: str) -> str:
    ids = subject.tokenizer.encode(text, add_special_tokens=False)
    # Some repositories ask for the blanks before punctuation to be dropped: that is taste, not loss.
    return str(
        subject.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    )
