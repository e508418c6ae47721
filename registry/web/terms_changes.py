"""What changed between two sets of terms, document by document."""

import difflib
from dataclasses import dataclass
from typing import Any

from registry.agreements import terms
from registry.agreements.models import DocumentVersion

LONGEST = 200_000


@dataclass(frozen=True)
class Change:
    """A document that is new, gone or has another text. `lines` is the difference of the texts."""

    title: str
    before: str
    after: str
    lines: tuple[str, ...] = ()


def between(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    old = {item["slug"]: (item, version) for item, version in _pairs(before)}
    new = {item["slug"]: (item, version) for item, version in _pairs(after)}
    found: list[Change] = []
    for slug in [*new, *(slug for slug in old if slug not in new)]:
        was, now = old.get(slug), new.get(slug)
        if was and now and was[0]["sha256"] == now[0]["sha256"]:
            continue
        present = now or was
        found.append(
            Change(
                title=present[0]["title"] if present else slug,
                before=was[0]["version"] if was else "",
                after=now[0]["version"] if now else "",
                lines=_lines(was[1], now[1]) if was and now else (),
            )
        )
    return found


def _pairs(document: dict[str, Any]) -> list[tuple[dict[str, Any], DocumentVersion]]:
    return list(zip(document["documents"], terms.versions_in(document), strict=True))


def _lines(before: DocumentVersion, after: DocumentVersion) -> tuple[str, ...]:
    old, new = before.words, after.words
    if not old or not new or len(old) + len(new) > LONGEST:
        return ()
    return tuple(
        difflib.unified_diff(
            old.splitlines(), new.splitlines(), before.version, after.version, lineterm="", n=1
        )
    )
