"""What is recorded of a tokenizer and a template, for models that will name this one as their base."""

from registry.checks.smoke.text import hashes
from registry.checks.smoke.text.subject import Subject

LONGEST = 24_000


def record(subject: Subject) -> None:
    subject.send("record", kind="tokenizer", data=hashes.of(subject.tokenizer))
    if subject.templates:
        text = subject.templates[0].text
        data = {"sha256": hashes.text(text)}
        # Cut off, it would differ from every whole one.
        if len(text) <= LONGEST:
            data["text"] = text
        subject.send("record", kind="template", data=data)
