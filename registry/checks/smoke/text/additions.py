"""What a template adds of its own to what people wrote (TPL-INJECT)."""

import re
from collections.abc import Iterator

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke import aside
from registry.checks.smoke.text.samples import MANY_TURNS, ONE, SYSTEM_AND_TURNS, TURNS
from registry.checks.smoke.text.subject import Subject
from registry.checks.smoke.text.templates import Template

LEAST_WORDS = 3
LEAST_SIGNS = 6
MOST_TOKENS = 5000

_MARKS = re.compile(
    r"<\|[^|<>\n]{1,60}\|>|<{1,2}/?[A-Za-z_:-]{1,40}>{1,2}|\[/?[A-Z_]{2,40}\]|#{2,}|\*{2,}"
)
_ROLES = re.compile(
    r"\b(system|user|assistant|tool|ipython|human|model|bot|ai|instruction|input|response)\b",
    re.IGNORECASE,
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTH = rf"(?:{'|'.join(_MONTHS.split())})[a-z]*"
# "Today Date: 26 Jul 2024": a label that speaks of a date, and nothing but a date behind it.
_DATE = re.compile(
    r"^[ \t]*(?:(?:cutting|knowledge|today|today's|current|training) ){0,2}(?:date|cutoff)[ \t]*:"
    rf"(?:[ \t,./-]*(?:\d{{1,4}}|{_MONTH}))+[ \t.]*$",
    re.IGNORECASE | re.MULTILINE,
)
_URL = re.compile(r"(?:https?://|www\.)[^\s'\"{}<>]+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
# Scripts that put no blanks between words.
_SIGN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def check(subject: Subject) -> Iterator[Finding]:
    known = _of_base(subject)
    for template in subject.templates:
        chunks = [chunk for chunk in _chunks(subject, template) if chunk not in known]
        urls = [url for url in _URL.findall(template.text) if url not in known]
        text = _ROLES.sub(" ", " ".join(chunks))
        is_sentence = len(_WORD.findall(text)) >= LEAST_WORDS
        if not (is_sentence or len(_SIGN.findall(text)) >= LEAST_SIGNS or urls):
            continue
        yield warn(
            "TPL-INJECT",
            f"The template adds: «{show(' … '.join(chunks) or urls[0])}».",
            file=subject.template_file,
            where=template.name,
            value=len(chunks) or len(urls),
            threshold=0,
            evidence={"added": chunks, "urls": urls},
        )


def _of_base(subject: Subject) -> set[str]:
    """What the base adds as well is known."""
    found: set[str] = set()
    for template in subject.base.templates if subject.base else []:
        found |= {*_chunks(subject, template), *_URL.findall(template.text)}
    return found


def _chunks(subject: Subject, template: Template) -> list[str]:
    """The pieces of text, each once, that are neither message nor mark nor role."""
    found: dict[str, None] = {}
    for conversation in (ONE, TURNS, SYSTEM_AND_TURNS, MANY_TURNS):
        for header in (False, True):
            try:
                text = template.render(conversation, header=header)
            except aside.NoAnswer:
                continue
            for message in conversation:
                text = text.replace(message["content"], "\n")
            found |= dict.fromkeys(_pieces(text, _tokens(subject)))
    return list(found)


def _pieces(text: str, tokens: re.Pattern[str]) -> Iterator[str]:
    for mark in (tokens, _MARKS, _DATE):
        text = mark.sub("\n", text)
    for line in text.splitlines():
        own = _ROLES.sub("", line)
        if _WORD.search(own) or _SIGN.search(own):
            yield line.strip()


def _tokens(subject: Subject) -> re.Pattern[str]:
    added = sorted(
        (token.content for token in subject.tokenizer.added_tokens_decoder.values()),
        key=len,
        reverse=True,
    )
    # A whole sentence does not become harmless by being a token.
    marks = [text for text in added[:MOST_TOKENS] if text.strip() and " " not in text.strip()]
    return re.compile("|".join(map(re.escape, marks)) or r"(?!)")
