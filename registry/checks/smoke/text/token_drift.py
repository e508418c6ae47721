"""Whether the tokenizer is the one of the declared base; two swapped tokens change no other figure (TOK-DRIFT)."""

from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke.text import hashes
from registry.checks.smoke.text.subject import Base, Subject

MOST_SHOWN = 5


def check(subject: Subject) -> Iterator[Finding]:
    base = subject.base
    if base is None:
        return
    if base.tokenizer is not None:
        yield from _against(subject, base, base.tokenizer)
    elif recorded := base.recorded("tokenizer"):
        ours = hashes.of(subject.tokenizer)
        parts = [part for part in _PARTS if part in recorded and ours[part] != recorded[part]]
        # The library builds merges of its own from a GGUF file.
        if parts and not subject.target.file:
            yield _differs(subject, base, " and ".join(_PARTS[part] for part in parts), {})


_PARTS = {"vocab": "vocabulary", "merges": "merges", "added": "added tokens"}


def _against(subject: Subject, base: Base, theirs: Any) -> Iterator[Finding]:
    ours, others = subject.tokenizer.get_vocab(), theirs.get_vocab()
    is_gguf = bool(subject.target.file)
    differing = sorted(
        (token for token in ours.keys() | others.keys() if ours.get(token) != others.get(token)),
        key=lambda token: (min(ours.get(token, 1 << 40), others.get(token, 1 << 40)), token),
    )
    if is_gguf:
        # It has a token for every row of the embedding, and the library adds its own.
        differing = [token for token in differing if token in others]
    if differing:
        yield _differs(
            subject,
            base,
            f"{len(differing)} tokens",
            {"tokens": differing[:20]},
            listed=differing,
        )
    elif not is_gguf and (parts := _other_parts(subject.tokenizer, theirs)):
        yield _differs(subject, base, " and ".join(parts), {})


def _other_parts(ours: Any, theirs: Any) -> list[str]:
    first, second = hashes.of(ours), hashes.of(theirs)
    return [name for part, name in _PARTS.items() if first[part] != second[part]]


def _differs(
    subject: Subject,
    base: Base,
    what: str,
    evidence: dict[str, Any],
    listed: list[str] | None = None,
) -> Finding:
    some = ", ".join(show(token) for token in (listed or [])[:MOST_SHOWN])
    tail = f": {some}{', …' if len(listed or []) > MOST_SHOWN else ''}" if some else ""
    verb = "differs" if what == _PARTS["vocab"] else "differ"
    return warn(
        "TOK-DRIFT",
        f"{what[0].upper()}{what[1:]} {verb} from {show(base.name)}{tail}.",
        file=subject.file,
        value=len(listed) if listed else None,
        evidence=evidence,
    )
