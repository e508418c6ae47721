"""What changed between two sets of terms: document by document, and inside a text word by word."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from registry.agreements import terms
from registry.agreements.models import DocumentVersion
from registry.catalog import questions

LONGEST = 400_000  # characters of both texts together
MOST_STEPS = 3_000_000  # about a second; hostile texts would otherwise take hours
AROUND = 12  # words that stay readable on each side of a change
MANY = 40  # words of a new text, from which on marking nearly all of them would say nothing
LEAST_SAME = 0.2  # the share of them that has to be as before for marks to help


@dataclass(frozen=True)
class Piece:
    """A stretch of a text: `same`, `folded` (unchanged and long), `inserted` or `deleted`; or the
    whole of it, `new` or `rewritten`, where marks on nearly every word would help nobody."""

    kind: str
    text: str
    count: int = 0


@dataclass(frozen=True)
class Change:
    """A document that is new, gone or has another text. `pieces` is the new text with the old words
    in it; empty where one of the texts is not here or they are too long."""

    title: str
    before: str
    after: str
    pieces: tuple[Piece, ...] = ()


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
                pieces=_of_texts(was[1], now[1]) if was and now else (),
            )
        )
    return found


def of_prompt(before: dict[str, Any], after: dict[str, Any]) -> tuple[Piece, ...]:
    """What changed in what the publisher says and asks, and in the statements that are asked for."""
    return tuple(of_words(_asked(before), _asked(after)))


def of_words(before: str, after: str) -> Iterator[Piece]:
    """The new text with what was deleted and inserted. Line breaks and spaces do not count."""
    old, new = _paragraphs(before), _paragraphs(after)
    pieces: list[tuple[str, list[str]]] = []
    for kind, was, now in _compared([" ".join(one) for one in old], [" ".join(one) for one in new]):
        if kind == "equal":
            pieces.append(("same", _joined(new[now])))
        else:
            a, b = _joined(old[was]), _joined(new[now])
            for inner, x, y in _compared(a, b):
                if inner == "equal":
                    pieces.append(("same", b[y]))
                else:
                    pieces += [("deleted", a[x]), ("inserted", b[y])]
    found = _merged(pieces)
    if all(kind == "same" for kind, _ in found):
        return
    if len(words := _joined(new)) > MANY:
        same = sum(len(those) for kind, those in found if kind == "same")
        if same < LEAST_SAME * len(words):
            yield Piece("rewritten" if old else "new", _text(words))
            return
    for place, (kind, those) in enumerate(found):
        yield from _folded(kind, those, first=place == 0, last=place == len(found) - 1)


def _pairs(document: dict[str, Any]) -> list[tuple[dict[str, Any], DocumentVersion]]:
    return list(zip(document["documents"], terms.versions_in(document), strict=True))


def _of_texts(before: DocumentVersion, after: DocumentVersion) -> tuple[Piece, ...]:
    old, new = before.words, after.words
    if not old or not new or len(old) + len(new) > LONGEST:
        return ()
    return tuple(of_words(old, new))


def _asked(terms_json: dict[str, Any]) -> str:
    prompt = questions.of_json(terms_json.get("prompt"))
    lines = [prompt.heading, prompt.description, prompt.text, prompt.button]
    for one in prompt.questions:
        options = ", ".join(label for _, label in one.options)
        lines.append(f"{one.label} ({one.kind.replace('_', ' ')}) {options}")
    lines += [one["clause"] for one in terms_json.get("attestations") or []]
    return "\n\n".join(line for line in lines if line)


def _paragraphs(text: str) -> list[list[str]]:
    found = (one.split() for one in re.split(r"\n[^\S\n]*\n", text.replace("\r", "")))
    return [words for words in found if words]


def _joined(paragraphs: Sequence[list[str]]) -> list[str]:
    """The words of several paragraphs; the last of each but the last of all ends its paragraph."""
    words: list[str] = []
    for paragraph in paragraphs:
        words += [*paragraph[:-1], paragraph[-1] + "\n\n"]
    return words


class _TooLong(Exception):
    """Comparing these would take too long."""


class _Bounded(difflib.SequenceMatcher[str]):
    """A comparison that gives up: how often it looks at equal pairs is known before it does."""

    def __init__(self, a: list[str], b: list[str]) -> None:
        super().__init__(None, a, b, autojunk=False)
        counts = Counter(b)
        self._pairs, self._size, self._spent = sum(counts[one] for one in a), len(a), 0.0

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> difflib.Match:
        high = self._size if ahi is None else ahi
        self._spent += self._pairs * (high - alo) / max(self._size, 1) + high - alo
        if self._spent > MOST_STEPS:
            raise _TooLong
        return super().find_longest_match(alo, ahi, blo, bhi)


def _compared(a: list[str], b: list[str]) -> Iterator[tuple[str, slice, slice]]:
    """The steps from one list to the other; where comparing would take too long, one step."""
    try:
        steps = _Bounded(a, b).get_opcodes()
    except _TooLong:
        yield "replace", slice(0, len(a)), slice(0, len(b))
        return
    for kind, i1, i2, j1, j2 in steps:
        yield kind, slice(i1, i2), slice(j1, j2)


def _merged(pieces: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for kind, words in pieces:
        if words and found and found[-1][0] == kind:
            found[-1][1].extend(words)
        elif words:
            found.append((kind, list(words)))
    return found


def _folded(kind: str, words: list[str], *, first: bool, last: bool) -> Iterator[Piece]:
    head, tail = 0 if first else AROUND, 0 if last else AROUND
    if kind != "same" or len(words) <= head + tail + AROUND:
        yield Piece(kind, _text(words))
        return
    middle = words[head : len(words) - tail]
    if head:
        yield Piece("same", _text(words[:head]))
    yield Piece("folded", _text(middle), len(middle))
    if tail:
        yield Piece("same", _text(words[-tail:]))


def _text(words: list[str]) -> str:
    return "".join(word if word.endswith("\n") else f"{word} " for word in words)
