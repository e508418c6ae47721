"""Sentences that are written in English where they are computed, kept and signed, said again in the
reader's language where a page shows them.

A template is a sentence with `%(name)s` where it holds a name, a number or another thing that is kept
as it is; what `%(said_name)s` holds is words, said in the reader's language where they are known. A
text is matched against the templates, one sentence or several in a row; what matches none stays English.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import get_language, gettext

MOST = 2000  # characters; what is longer is shown as it was written
MOST_PIECES = 6
DEEPEST = 3  # words within words
SAID = "said_"
_HOLE = re.compile(r"%\((\w+)\)s")
_END = re.compile(r"(?<=[.:”`!?]) (?=\S)")


@dataclass(frozen=True)
class _Template:
    """A sentence, the words that it has between its holes, and the names of the holes."""

    text: str
    words: tuple[str, ...]
    names: tuple[str, ...]

    def holds(self, text: str) -> dict[str, str] | None:
        """What stands in the holes of a text that this is the template of. Each word is looked for
        once, so that no text takes long."""
        first, *rest = self.words
        if not text.startswith(first):
            return None
        if not rest:
            return {} if text == first else None
        last = rest.pop()
        end = len(text) - len(last)
        at, found = len(first), []
        for word in rest:
            next_at = text.find(word, at + 1, end)
            if next_at < 0:
                return None
            found.append(text[at:next_at])
            at = next_at + len(word)
        if at >= end or not text.endswith(last):
            return None
        return dict(zip(self.names, [*found, text[at:end]], strict=True))


class Sentences:
    """Templates, those with the most words of their own first."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        made = [_Template(one, *_parts(one)) for one in self.texts]
        self._templates = sorted(made, key=lambda one: -sum(map(len, one.words)))

    def said(self, text: str) -> str:
        """The text in the reader's language, as far as its sentences are among the templates."""
        if get_language() in (None, "en") or len(text) > MOST:
            return text
        pieces = _END.split(text)
        said, at = [], 0
        while at < len(pieces):
            taken, words = self._next(pieces[at:])
            said.append(words)
            at += taken
        return " ".join(said)

    def whole(self, text: str) -> str:
        """The same for a text that one template says from its beginning to its end. Words in it that
        are none of ours, such as a library's, stay as they are."""
        if get_language() in (None, "en") or len(text) > MOST:
            return text
        return self._match(text, is_whole=True) or text

    def knows(self, text: str) -> bool:
        """Whether a single sentence is among the templates."""
        return self._match(text) is not None

    def _next(self, pieces: list[str]) -> tuple[int, str]:
        """How many of these pieces are the next sentence of ours, and it. What a hole holds may
        itself look like several sentences."""
        for count in range(1, min(len(pieces), MOST_PIECES) + 1):
            if (words := self._match(" ".join(pieces[:count]))) is not None:
                return count, words
        # What a sentence of ours is about, in front of it
        title, colon = pieces[0][:-1], pieces[0][-1:]
        said = gettext(title) if colon == ":" and title else title
        return 1, gettext("%(title)s:") % {"title": said} if said != title else pieces[0]

    def _match(self, text: str, depth: int = 0, *, is_whole: bool = False) -> str | None:
        for one in self._templates:
            held = one.holds(text)
            said = None if held is None else self._filled(held, depth, is_whole=is_whole)
            if said is not None:
                return gettext(one.text) % said if said else gettext(one.text)
        return None

    def _filled(self, held: dict[str, str], depth: int, *, is_whole: bool) -> dict[str, str] | None:
        """What goes into the holes: words are said too, one of ours or a text that is known elsewhere.
        In a text of several sentences, words of several parts that are none of ours are the end of
        one sentence with the beginning of the next: then None."""
        filled = dict(held)
        for name, value in held.items():
            if not name.startswith(SAID):
                continue
            is_sentence = is_whole and value.endswith(".")
            is_ours = depth < DEEPEST and not is_sentence
            ours = self._match(value, depth + 1, is_whole=is_whole) if is_ours else None
            if ours is None and ": " in value and not is_whole:
                return None
            filled[name] = ours or gettext(value)
        return filled


def _parts(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    pieces = _HOLE.split(text)
    return tuple(pieces[::2]), tuple(pieces[1::2])
