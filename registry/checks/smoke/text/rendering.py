"""Whether the chat templates make a text of ordinary conversations, in time, memory and size (TPL-RENDER)."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke import aside
from registry.checks.smoke.text import templates
from registry.checks.smoke.text.samples import ONE, SYSTEM_AND_TURNS, TOOL_CALL, TOOLS, Message
from registry.checks.smoke.text.subject import Subject
from registry.checks.smoke.text.templates import Template


def check(subject: Subject) -> Iterator[Finding]:
    for template in subject.templates:
        for number, (name, conversation, tools) in enumerate(_conversations(template)):
            try:
                template.render(conversation, tools=tools, header=True)
            except aside.NoAnswer as problem:
                find = block if number == 0 and template.is_first else warn
                which = "" if template.is_first else f" {show(template.name)}"
                why = show(str(problem))
                yield find(
                    "TPL-RENDER",
                    f"The template{which} fails on {name}: {why}.",
                    file=subject.template_file,
                    where=template.name,
                )
                if isinstance(problem, aside.Gone):
                    break  # what costs a helper each time is not tried again


def rendered(
    tokenizer: Any, conversation: list[Message], *, tools: list[dict[str, Any]] | None = None
) -> str:
    """The text of this conversation with the header of the answer, or aside.NoAnswer.

    For the stages after this one, by the template that a plain conversation gets."""
    template = _first(tokenizer)
    if template is None:
        raise aside.Failed("there is no template")
    return template.render(conversation, tools=tools, header=True)


@functools.cache
def _first(tokenizer: Any) -> Template | None:
    found = templates.templates_of(tokenizer, Path(tokenizer.name_or_path))
    return found[0] if found else None


def _conversations(
    template: Template,
) -> Iterator[tuple[str, list[Message], list[dict[str, Any]] | None]]:
    yield "one user message", ONE, None
    yield "a system message and several turns", SYSTEM_AND_TURNS, None
    if re.search(r"\btool_calls\b", template.text):
        yield "a call of a tool", TOOL_CALL, TOOLS
    elif re.search(r"\btools\b", template.text):
        yield "a tool", ONE, TOOLS
