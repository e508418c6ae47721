"""Whether a chat model has a template, and whether it opens the answer (TPL-MISSING, TPL-GENPROMPT)."""

from collections.abc import Iterator

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke import aside
from registry.checks.smoke.text.samples import ONE, TURNS
from registry.checks.smoke.text.subject import Subject


def check_missing(subject: Subject) -> Iterator[Finding]:
    if subject.chat and not subject.templates:
        yield warn(
            "TPL-MISSING",
            "This is a chat model, and it has no chat template.",
            file=subject.template_file,
        )


def check_header(subject: Subject) -> Iterator[Finding]:
    """Some formats have no header: there the answer follows the question directly."""
    if not subject.chat or not subject.templates:
        return
    template = subject.templates[0]
    try:
        without, opened = template.render(ONE), template.render(ONE, header=True)
        turns = template.render(TURNS)
    except aside.NoAnswer:
        return  # TPL-RENDER says so
    if without != opened:
        return
    question, answer = (message["content"] for message in TURNS[:2])
    after = without.split(ONE[0]["content"], 1)[-1]
    between = turns.split(question, 1)[-1].split(answer, 1)[0]
    missing = between.strip().removeprefix(after.strip()).strip()
    if missing:
        yield warn(
            "TPL-GENPROMPT",
            f"The template does not open the answer: «{show(missing)}» is missing "
            "when a generation prompt is asked for.",
            file=subject.template_file,
            where=template.name,
        )
