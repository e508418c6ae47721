"""Which words a text has, whatever its markup: copies of one license differ in little else."""

import hashlib
import html
import re
import unicodedata

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
    r"(?: ?[-–—])?[ \t]*(?=\n[ \t]*\n|\f|\s*$)",
    re.IGNORECASE,
)
_LINE_START = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:[+][ \t]+(?=\S))?", re.MULTILINE)
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
# A point stays within a word or number, a comma within a number, an apostrophe within a word.
_BETWEEN = re.compile(
    r"(?<!\w)[.'/_]+|[.'/_]+(?!\w)|(?<!\d),|,(?!\d)|[-\"()\[\]{}<>;:!?#~|\\=…•◦▪‣·]+"
)


def words(text: str) -> list[str]:
    """The words of a text in their order, in one case: any other word gives another list."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _PAGE.sub("\n\n", text)
    text = _BLOCK_TAG.sub("\n", _INLINE_TAG.sub("", text))
    text = _LINK.sub(r"\1", html.unescape(text))
    text = _LINE_START.sub("", text)
    text = text.translate(_INVISIBLE).casefold().translate(_LIKE)
    return _BETWEEN.sub(" ", text).split()


def normalise(text: str) -> str:
    """The words alone: markup, case, wrapping, quotes, dashes and bullets make no difference."""
    return " ".join(words(text))


def hash_of(text: str) -> str:
    """SHA-256 of the words, or '' where there are none."""
    found = normalise(text)
    return hashlib.sha256(found.encode()).hexdigest() if found else ""
