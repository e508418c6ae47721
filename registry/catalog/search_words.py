"""How words are made searchable, and how what somebody types becomes a question to the database.

Names are cut as people remember them: `Llama3.1-8B` is found by llama, by 3.1, by llama3 and by 8b.
Prose goes through the database's English.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.search import SearchVectorField
from django.db.models import BooleanField, F, Func, Value
from django.db.models.expressions import RawSQL

MAX_TOKENS = 12
MAX_TOKEN = 60
# Of a card: what stands further down says little of what a model is
MAX_PROSE = 6000
MAX_NAMES = 400
_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
_PART = re.compile(r"[^\W\d_]{2,}|\d+(?:\.\d+)*[^\W\d_]?(?![^\W\d_])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TERM = re.compile(r'(-?)"([^"]*)"?|(\S+)')
# Said by everybody and of everything
_EMPTY = frozenset(
    ("a", "an", "and", "are", "by", "for", "from", "in", "is", "of", "on", "that", "the", "to")
    + ("what", "which", "with")
)


@dataclass(frozen=True)
class Weighted:
    """Names of one weight: A for the model's own, B for what it belongs to."""

    weight: str
    texts: tuple[str, ...]


def tokens(text: str) -> list[str]:
    """The words of a text, as they are written and nothing else."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return [word[:MAX_TOKEN] for word in _WORD.findall(folded)]


def parts(token: str) -> list[str]:
    """What a word is made of where letters and numbers meet: llama3.1 is llama and 3.1."""
    found = _PART.findall(token)
    return found if len(found) > 1 else []


def vector(names: Iterable[Weighted], prose: str = "") -> Func:
    """What the names and the prose are found by, as an expression for a search vector."""
    entries: dict[str, list[str]] = {}
    position = 0
    for group in names:
        for token in _spelled(group.texts):
            position += 1
            entries.setdefault(token, []).append(f"{position}{group.weight}")
            if position >= MAX_NAMES:
                break
    text = " ".join(f"{_quoted(token)}:{','.join(at)}" for token, at in entries.items())
    return Func(
        Value(text),
        Value(prose[:MAX_PROSE]),
        template="(%(expressions)s), 'C'))",
        function="",
        arg_joiner="::tsvector || setweight(to_tsvector('english', ",
        output_field=SearchVectorField(),
    )


def _spelled(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        whole = tokens(text)
        yield from whole
        extra = [part for token in whole for part in parts(token)]
        extra += [token for token in tokens(_CAMEL.sub(" ", text)) if token not in whole]
        yield from dict.fromkeys(extra)


@dataclass(frozen=True)
class Question:
    """What somebody typed. `words` are those that a name may bear, without what was excluded.
    `is_plain` says that they are all there is: no quotes, no choice, nothing excluded."""

    sql: str
    params: tuple[str, ...]
    words: tuple[str, ...]
    is_plain: bool

    @property
    def query(self) -> RawSQL:
        return RawSQL(self.sql, self.params)  # noqa: S611 - made of constants, words are parameters

    def matches(self) -> Func:
        """The condition that an entry answers it."""
        return Func(
            F("words"),
            self.query,
            template="(%(expressions)s)",
            arg_joiner=" @@ ",
            output_field=BooleanField(),
        )


def read(typed: str) -> Question | None:
    """The question that was typed, or None where there is no word in it. Words stand side by side,
    "in quotes" next to each other, behind `-` they must not be there, `OR` gives a choice. Whatever
    else is typed is passed over."""
    groups: list[list[tuple[str, list[str]]]] = []
    words: list[str] = []
    joins = False
    for minus, quoted, bare in _TERM.findall(typed)[: 2 * MAX_TOKENS]:
        if bare == "OR":
            joins = bool(groups)
            continue
        found = _term(minus, quoted, bare)
        if found is None:
            continue
        if joins:
            groups[-1].append(found)
        else:
            groups.append([found])
        joins = False
        if not found[0].startswith("!!"):
            words += [part for one in tokens(quoted or bare) for part in parts(one) or [one]]
    positive = [group for group in groups if not all(one[0].startswith("!!") for one in group)]
    groups = _without_empty(groups) if positive else []
    if not groups:
        return None
    sql = " && ".join("(" + " || ".join(one[0] for one in group) + ")" for group in groups)
    params = tuple(param for group in groups for one in group for param in one[1])
    is_plain = '"' not in typed and not any(
        len(group) > 1 or group[0][0].startswith("!!") for group in groups
    )
    return Question(f"({sql})", params, tuple(dict.fromkeys(words))[:MAX_TOKENS], is_plain)


def _term(minus: str, quoted: str, bare: str) -> tuple[str, list[str]] | None:
    text, is_phrase = (quoted, True) if quoted else (bare, False)
    if bare.startswith("-"):
        minus, text = "-", bare[1:]
    found = tokens(text)[:MAX_TOKENS]
    if not found:
        return None
    joined = " <-> " if is_phrase else " & "
    exact = joined.join(_asked(token, is_exact=is_phrase or bool(minus)) for token in found)
    function = "phraseto_tsquery" if is_phrase else "plainto_tsquery"
    sql = f"(%s::tsquery || {function}('english', %s))"
    return ("!!" + sql if minus else sql), [exact, " ".join(found)]


def _asked(token: str, *, is_exact: bool) -> str:
    """A word, or what begins with it, or what it is made of."""
    if is_exact:
        return _quoted(token)
    own = f"{_quoted(token)}:*" if len(token) > 1 else _quoted(token)
    made_of = parts(token)
    if not made_of:
        return own
    return f"({own} | ({' & '.join(map(_quoted, made_of))}))"


def _without_empty(groups: list[list[tuple[str, list[str]]]]) -> list[list[tuple[str, list[str]]]]:
    """Without words that say nothing, unless there are no others."""
    telling = [group for group in groups if not all(one[1][1] in _EMPTY for one in group)]
    return telling or groups


def _quoted(token: str) -> str:
    """As the database reads a word; tokens hold neither quotes nor backslashes."""
    return f"'{token}'"
