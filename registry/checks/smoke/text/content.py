"""Whether every message reaches the model, in order (TPL-CONTENT)."""

from collections.abc import Iterator

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke import aside
from registry.checks.smoke.text.samples import MANY_TURNS, ONE, SYSTEM_AND_TURNS, TURNS, Message
from registry.checks.smoke.text.subject import Subject
from registry.checks.smoke.text.templates import Template


def check(subject: Subject) -> Iterator[Finding]:
    for template in subject.templates:
        fault = _fault(template)
        if fault is None:
            continue
        role, what = fault
        find = block if template.is_first and role != "system" else warn
        which = "" if template.is_first else f" by the template {show(template.name)}"
        yield find(
            "TPL-CONTENT",
            f"The {role} message is {what}{which}.",
            file=subject.template_file,
            where=template.name,
        )


def _fault(template: Template) -> tuple[str, str] | None:
    """The first message that is lost, or that comes before an earlier one; that of the user counts most."""
    faults: list[tuple[str, str]] = []
    for conversation in (ONE, TURNS, MANY_TURNS, SYSTEM_AND_TURNS):
        try:
            text = template.render(conversation, header=True)
        except aside.NoAnswer:
            continue  # TPL-RENDER says so
        faults += _faults(conversation, text)
    return min(faults, key=lambda fault: fault[0] == "system", default=None)


def _faults(conversation: list[Message], text: str) -> Iterator[tuple[str, str]]:
    last = -1
    for message in conversation:
        place = text.find(message["content"])
        if place < 0:
            yield message["role"], "lost"
        elif place < last:
            yield message["role"], "out of order"
        last = max(last, place)
