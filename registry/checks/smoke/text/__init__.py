"""Tokenizer, chat template and the shapes that the configuration needs, tried without any weights."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from registry.checks.findings import Finding, Severity
from registry.checks.smoke import loading
from registry.checks.smoke.text import (
    additions,
    content,
    fertility,
    headers,
    opening,
    pace,
    parents,
    rendering,
    roundtrip,
    shapes,
    special,
    subject,
    template_drift,
    token_drift,
    triggers,
    vocabulary,
)
from registry.checks.smoke.text.rendering import rendered
from registry.checks.smoke.text.subject import Subject

__all__ = ["check", "load", "rendered"]

# In the order in which an author wants to read the findings.
CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    vocabulary.check,
    special.check,
    roundtrip.check,
    fertility.check,
    token_drift.check,
    rendering.check,
    headers.check_missing,
    content.check,
    headers.check_header,
    additions.check,
    triggers.check,
    template_drift.check,
)


def check(
    target: loading.Target, spec: Mapping[str, Any], *, send: Callable[..., None]
) -> Iterator[Finding]:
    """`send` takes records. A tokenizer that does not open in time is not tried any further."""
    yield from shapes.check(target)
    owner = subject.with_tokenizer(target, spec)
    for step in (opening.check, pace.check):
        found = list(step(owner))
        yield from found
        if any(finding.severity is Severity.BLOCK for finding in found):
            return
    sound = subject.subject_of(owner, spec, send=send)
    for each in CHECKS:
        yield from each(sound)
    parents.record(sound)


def load(target: loading.Target) -> Any:
    """The tokenizer of the model, for this stage and those after it."""
    return subject.load(target)
