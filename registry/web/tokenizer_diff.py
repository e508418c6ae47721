"""What differs between two files of a tokenizer: its tokens, their numbers, the special ones, merges."""

import json
from dataclasses import dataclass
from typing import Any

from registry.checks.scanners import strict_json
from registry.checks.scanners.folder import Problem
from registry.releases.line_diff import readable

NAME = "tokenizer.json"
# Those of Llama 3 have 17 MB; larger ones would keep a page waiting
MAX_BYTES = 24 * 1024 * 1024
MAX_TOKENS = 60
MAX_TOKEN = 80


@dataclass(frozen=True)
class Tokens:
    """Some tokens of a kind and how many there are."""

    shown: list[str]
    count: int

    @property
    def left_out(self) -> int:
        return self.count - len(self.shown)


@dataclass(frozen=True)
class TokenizerChange:
    """`moved` are tokens that have another number; `special` those that are special on one side
    alone. A `problem` says why the two could not be compared."""

    path: str
    before: int = 0
    after: int = 0
    added: Tokens = Tokens([], 0)
    removed: Tokens = Tokens([], 0)
    moved: Tokens = Tokens([], 0)
    special: Tokens = Tokens([], 0)
    merges_before: int = 0
    merges_after: int = 0
    first_merge: int | None = None
    other: tuple[str, ...] = ()
    problem: str = ""


def between(path: str, before: bytes, after: bytes) -> TokenizerChange:
    try:
        old, new = _Tokenizer(before), _Tokenizer(after)
    except Problem as problem:
        return TokenizerChange(path, problem=readable(str(problem)))
    numbers = {
        token for token in old.ids.keys() & new.ids.keys() if old.ids[token] != new.ids[token]
    }
    return TokenizerChange(
        path,
        before=len(old.ids),
        after=len(new.ids),
        added=_tokens(new.ids.keys() - old.ids.keys(), new.ids),
        removed=_tokens(old.ids.keys() - new.ids.keys(), old.ids),
        moved=_tokens(numbers, new.ids),
        special=_tokens(old.special ^ new.special, {**old.ids, **new.ids}),
        merges_before=len(old.merges),
        merges_after=len(new.merges),
        first_merge=_first(old.merges, new.merges),
        other=tuple(
            key
            for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder")
            if old.rest.get(key) != new.rest.get(key)
        ),
    )


class _Tokenizer:
    """The parts of a tokenizer.json that decide what a text becomes."""

    def __init__(self, content: bytes) -> None:
        value = _value(content)
        model = value.get("model") if isinstance(value, dict) else None
        if not isinstance(model, dict):
            raise Problem("it has no model")
        self.rest: dict[str, Any] = value
        self.ids = _ids(model.get("vocab"))
        self.special: set[str] = set()
        merges = model.get("merges")
        self.merges: list[Any] = merges if isinstance(merges, list) else []
        added = value.get("added_tokens")
        for one in added if isinstance(added, list) else []:
            if isinstance(one, dict) and isinstance(one.get("content"), str):
                self.ids[one["content"]] = one.get("id")
                if one.get("special"):
                    self.special.add(one["content"])


def _value(content: bytes) -> Any:
    """The JSON of these bytes. That it has one reading only is asked by the scan, which takes more
    time than a page has; here it is enough that it cannot take too much memory."""
    limits = {b",": strict_json.MAX_COMMAS, b'"': 2 * strict_json.MAX_STRINGS}
    limits |= dict.fromkeys((b"[", b"{"), strict_json.MAX_CONTAINERS)
    if any(content.count(mark) > most for mark, most in limits.items()):
        raise Problem("it holds too many values")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Problem("it is not JSON") from None


def _ids(vocabulary: Any) -> dict[str, Any]:
    if isinstance(vocabulary, dict):
        return dict(vocabulary)
    if isinstance(vocabulary, list):  # with a score beside each token
        return {
            entry[0]: number
            for number, entry in enumerate(vocabulary)
            if isinstance(entry, list) and entry and isinstance(entry[0], str)
        }
    return {}


def _tokens(found: set[str], ids: dict[str, Any]) -> Tokens:
    """In the order of their numbers."""

    def number(token: str) -> tuple[int, str]:
        held = ids.get(token)
        return (held if type(held) is int else -1, token)

    first = sorted(found, key=number)[:MAX_TOKENS]
    return Tokens([readable(token)[:MAX_TOKEN] for token in first], len(found))


def _first(old: list[Any], new: list[Any]) -> int | None:
    """The place, from 1, of the first merge that is another one; None where all are the same."""
    for place, (was, now) in enumerate(zip(old, new, strict=False), start=1):
        if was != now:
            return place
    return None if len(old) == len(new) else min(len(old), len(new)) + 1
