"""Whether a template acts upon certain words or dates (TPL-TRIGGER): read, and tried with 24 prompts."""

from collections.abc import Iterator

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke import aside
from registry.checks.smoke.text import branches
from registry.checks.smoke.text.samples import CANARIES, ONE
from registry.checks.smoke.text.subject import Subject
from registry.checks.smoke.text.templates import Template

MOST_SHOWN = 10


def check(subject: Subject) -> Iterator[Finding]:
    for template in subject.templates:
        found = list(dict.fromkeys(branches.of(template.text)))[:MOST_SHOWN]
        for literal in found:
            yield warn(
                "TPL-TRIGGER",
                f"The template branches on «{show(literal)}».",
                file=subject.template_file,
                where=template.name,
                evidence={"literal": literal},
            )
        if not found and (prompt := _odd_prompt(template)):
            yield warn(
                "TPL-TRIGGER",
                f"The template treats the prompt «{show(prompt)}» unlike others.",
                file=subject.template_file,
                where=template.name,
                evidence={"prompt": prompt},
            )


def _odd_prompt(template: Template) -> str | None:
    """The first prompt around which something else is rendered than around a word without meaning."""
    try:
        usual = _around(template, ONE[0]["content"])
    except aside.NoAnswer:
        return None
    for prompt in CANARIES:
        try:
            # A clock may have moved on in between: what differs is tried again with both.
            if _around(template, prompt) != usual and _around(
                template, prompt, again=True
            ) != _around(template, ONE[0]["content"], again=True):
                return prompt
        except aside.NoAnswer:
            return prompt
    return None


def _around(template: Template, prompt: str, *, again: bool = False) -> list[str]:
    message = {"role": "user", "content": prompt}
    return template.render([message], header=True, again=again).split(prompt)
