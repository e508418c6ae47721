"""Whether the chat template is the one of the declared base (TPL-DRIFT)."""

import difflib
from collections.abc import Iterator
from itertools import islice

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke.text import hashes
from registry.checks.smoke.text.subject import Subject

MOST_LINES = 60


def check(subject: Subject) -> Iterator[Finding]:
    base = subject.base
    if base is None or not subject.templates:
        return
    ours = subject.templates[0].text
    theirs = base.templates[0].text if base.templates else None
    if theirs is None and base.tokenizer is None:
        recorded = base.recorded("template")
        theirs = recorded.get("text")
        if recorded.get("sha256") == hashes.text(ours):
            return
    if not isinstance(theirs, str):
        return  # the base has none to differ from
    before, after = _lines(theirs), _lines(ours)
    if before == after:
        return
    lines = list(islice(difflib.unified_diff(before, after, lineterm="", n=1), 2, None))
    changed = sum(line.startswith(("+", "-")) for line in lines)
    yield warn(
        "TPL-DRIFT",
        f"The chat template differs from that of {show(base.name)} in {changed} lines.",
        file=subject.template_file,
        value=changed,
        threshold=0,
        evidence={"diff": lines[:MOST_LINES]},
    )


def _lines(text: str) -> list[str]:
    """Without what an editor may have changed: ends of lines and empty ones."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]
