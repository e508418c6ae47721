"""Which words a text has, whatever its markup: copies of one license differ in little else."""

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

MOST_EDITS = 800
MOST_MARKS = 30

# Only tags of HTML are markup: in a plain text, `<not>` is a word that a reader sees.
_INLINE = "a|abbr|b|code|em|font|i|mark|s|small|span|strong|sub|sup|tt|u"
_BLOCK = (
    "article|blockquote|body|br|center|dd|div|dl|dt|footer|h[1-6]|head|header|hr|html|li|main|nav|"
    "ol|p|pre|section|table|tbody|td|th|thead|title|tr|ul"
)
_ATTRIBUTES = r"(?:\s+[a-z-]+(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))?)*\s*/?"
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK}){_ATTRIBUTES}>", re.IGNORECASE)
_LINK = re.compile(r"\[([^\[\]]*)\]\((?:https?://|mailto:|#|\.?/)[^()\s]*\)")
_PAGE = re.compile(
    r"(?:^|\n[ \t]*\n|\f)[ \t]*(?:[-–—] ?)?(?:page \d+(?: (?:of|/) \d+)?|(?<=[-–— ])\d+(?= ?[-–—]))"
    r"(?: ?[-–—])?[ \t]*+(?=\n[ \t]*\n|\f|\s*+$)",
    re.IGNORECASE,
)
# No letter has such a number, and one of thousands of digits cannot be read at all
_NO_LETTER = re.compile(r"&#[0-9]{8,};?")
_LINE_START = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:[+][ \t]+(?=\S))?", re.MULTILINE)
_MARKS_IN_ONE = "\u0f73\u0f75\u0f81"  # letters by their class, and two marks each when taken apart
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060\u00ad*`"))
_LIKE = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ′´", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "©": " c ",
        "®": " r ",
        "™": " tm ",
    }
)
# A point stays within a word or number, a comma within a number, an apostrophe within a word. What
# ends before no word is looked for from the first sign of a run only, or a long run takes for ever.
_BETWEEN = re.compile(
    r"(?<!\w)[.'/_]+|(?<![.'/_])[.'/_]+(?!\w)|(?<!\d),|,(?!\d)|[-\"()\[\]{}<>;:!?#~|\\=…•◦▪‣·]+"
)


def words(text: str) -> list[str]:
    """The words of a text in their order, in one case: any other word gives another list."""
    text = unicodedata.normalize("NFC", _calm(text.replace("\r\n", "\n").replace("\r", "\n")))
    text = _PAGE.sub("\n\n", text)
    text = _BLOCK_TAG.sub("\n", _INLINE_TAG.sub("", text))
    text = _LINK.sub(r"\1", html.unescape(_NO_LETTER.sub("\ufffd", text)))
    text = _LINE_START.sub("", text)
    text = text.translate(_INVISIBLE).casefold().translate(_LIKE)
    return _BETWEEN.sub(" ", text).split()


def _calm(text: str) -> str:
    """Without the accents that are heaped on one letter beyond what any language does: putting them
    in order takes the square of their number."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for one in text:
        marks = marks + 1 if unicodedata.combining(one) or one in _MARKS_IN_ONE else 0
        if marks <= MOST_MARKS:
            kept.append(one)
    return "".join(kept)


@dataclass(frozen=True)
class Piece:
    """A run of words that both texts have (`same`), or one of them: `gone` or `new`."""

    kind: str
    words: str


def differences(before: str, after: str) -> list[Piece] | None:
    """What became of one text in another, word by word, after Myers (1986). None where they differ
    in more words than `MOST_EDITS`: then they are two texts, and showing them so helps nobody."""
    old, new = words(before), words(after)
    trail = _trail(old, new)
    if trail is None:
        return None
    steps: list[tuple[str, str]] = []
    x, y = len(old), len(new)
    for depth in range(len(trail) - 1, -1, -1):
        reach, k = trail[depth], x - y
        down = k == -depth or (k != depth and reach.get(k - 1, -1) < reach.get(k + 1, -1))
        came_from = k + 1 if down else k - 1
        start = reach.get(came_from, 0) if depth else 0
        stop_y = start - came_from if depth else 0
        while x > start and y > stop_y:
            x, y = x - 1, y - 1
            steps.append(("same", old[x]))
        if depth and down:
            y -= 1
            steps.append(("new", new[y]))
        elif depth:
            x -= 1
            steps.append(("gone", old[x]))
    runs = groupby(reversed(steps), key=itemgetter(0))
    return [Piece(kind, " ".join(word for _, word in run)) for kind, run in runs]


def _trail(old: list[str], new: list[str]) -> list[dict[int, int]] | None:
    """How far each diagonal reached before each further edit, up to the one that was the last."""
    reach = {1: 0}
    trail: list[dict[int, int]] = []
    for depth in range(min(len(old) + len(new), MOST_EDITS) + 1):
        trail.append(dict(reach))
        for k in range(-depth, depth + 1, 2):
            down = k == -depth or (k != depth and reach.get(k - 1, -1) < reach.get(k + 1, -1))
            x = reach.get(k + 1, 0) if down else reach.get(k - 1, 0) + 1
            y = x - k
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x >= len(old) and y >= len(new):
                return trail
    return None


def normalise(text: str) -> str:
    """The words alone: markup, case, wrapping, quotes, dashes and bullets make no difference."""
    return " ".join(words(text))


def hash_of(text: str) -> str:
    """SHA-256 of the words, or '' where there are none."""
    found = normalise(text)
    return hashlib.sha256(found.encode()).hexdigest() if found else ""
