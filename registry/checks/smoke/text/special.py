"""Whether start, end and padding are tokens that exist and that all files agree on (TOK-SPECIAL)."""

from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.alarms import within
from registry.checks.smoke.text.subject import Subject

ROLES = {"bos": "start", "eos": "end", "pad": "padding"}
MOST_ADDED = 2000
SECONDS = 20


def check(subject: Subject) -> Iterator[Finding]:
    for role, name in ROLES.items():
        yield from _out_of_range(subject, role, name)
    ends = {place: ids for place, ids in _ids(subject, "eos").items() if ids}
    if len(ends) > 1 and not set.intersection(*ends.values()):
        said = ", ".join(f"{place} {sorted(ids)}" for place, ids in ends.items())
        yield warn("TOK-SPECIAL", f"End token: {said}.", file=subject.file, where="eos")
    if subject.chat and not ends:
        yield block(
            "TOK-SPECIAL",
            "This is a chat model, and no file names a token that ends its answers.",
            file=subject.file,
            where="eos",
        )
    yield from _split(subject)


def _ids(subject: Subject, role: str) -> dict[str, set[int]]:
    """By the file that says so."""
    places: dict[str, Any] = {
        "config": subject.settings.get(f"{role}_token_id"),
        "generation_config": subject.generation.get(f"{role}_token_id"),
        "tokenizer": getattr(subject.tokenizer, f"{role}_token_id", None),
    }
    return {
        place: {item for item in (said if isinstance(said, list) else [said]) if type(item) is int}
        for place, said in places.items()
    }


def _out_of_range(subject: Subject, role: str, name: str) -> Iterator[Finding]:
    for place, ids in _ids(subject, role).items():
        for number in sorted(ids):
            if number >= 0 and (subject.rows is None or number < subject.rows):
                continue
            # Many configurations say with -1 that nothing pads.
            find = warn if role == "pad" and number == -1 else block
            rows = "" if subject.rows is None else f"; the embedding has {subject.rows} rows"
            yield find(
                "TOK-SPECIAL",
                f"The {name} token of {place} is {show(number)}{rows}.",
                file=subject.file,
                where=role,
                value=number,
                threshold=subject.rows,
            )


def _split(subject: Subject) -> Iterator[Finding]:
    """Special tokens that their own text does not give back."""
    added = [
        (number, token)
        for number, token in sorted(subject.tokenizer.added_tokens_decoder.items())
        if token.special and token.content.strip()
    ]
    with within(SECONDS):
        wrong = [
            token.content
            for number, token in added[:MOST_ADDED]
            if subject.tokenizer.encode(token.content, add_special_tokens=False) != [number]
        ]
    if wrong:
        yield warn(
            "TOK-SPECIAL",
            f"{len(wrong)} special tokens are not read as one token, e.g. {show(wrong[0])}.",
            file=subject.file,
            value=len(wrong),
            evidence={"tokens": wrong[:20]},
        )
