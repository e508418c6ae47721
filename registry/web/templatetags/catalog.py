"""Figures of models as people say them, and what machines read of a page."""

import json
import re
from datetime import date
from typing import Any

from django import template
from django.utils.dateparse import parse_date
from django.utils.formats import date_format, number_format
from django.utils.html import avoid_wrapping
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import pgettext, pgettext_lazy

from registry.web import fact_notes, fact_words, structured
from registry.web.standing import Standing

register = template.Library()

_MONTH = re.compile(r"\d{4}-\d\d")
_THOUSANDS = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))
_TOKENS = ((2**20, "M"), (2**10, "k"))
# How a model came to be, as the first words of a sentence that its base ends
_RELATIONS: dict[str, Any] = {
    "finetune": pgettext_lazy("relation", "fine-tune of"),
    "adapter": pgettext_lazy("relation", "adapter for"),
    "merge": pgettext_lazy("relation", "merge of"),
    "quantized": pgettext_lazy("relation", "quantized from"),
}
# What a script's text may not hold, so that it can never end the script
_ESCAPES = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&\u2028\u2029"}


@register.filter
def parameters(count: int) -> str:
    """`8.03 B`: as many digits as tell two models apart."""
    for unit, sign in _THOUSANDS:
        if count >= unit:
            amount = count / unit
            decimals = 2 if amount < 10 else 1 if amount < 100 else 0
            return avoid_wrapping(f"{_trimmed(amount, decimals)} {sign}")
    return str(count)


@register.filter
def context_size(tokens: int) -> str:
    """`128k`: of 1,024 tokens each, as windows are named."""
    for unit, sign in _TOKENS:
        if tokens >= unit:
            return f"{_trimmed(tokens / unit, 0 if tokens % unit == 0 else 1)}{sign}"
    return str(tokens)


@register.filter
def compact(count: int) -> str:
    """`1.2k`: for a column; the exact number stands in its title."""
    for unit, sign in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            amount = count / unit
            return f"{_trimmed(amount, 1 if amount < 100 else 0)}{sign}"
    return str(count)


@register.filter
def fact(text: Any) -> str:
    """A sentence of the facts in the reader's language, where it has one there."""
    return fact_words.said(text)


@register.filter
def variant_words(said: str | list[str] | None) -> str:
    """What the facts call a variant, or what it takes, gives or was trained by."""
    found = [said] if isinstance(said, str) else said or []
    return ", ".join(str(fact_notes.VARIANT.get(one, one)) for one in found)


@register.filter
def sure(level: Any) -> str:
    """How sure the facts are of something."""
    return pgettext("confidence", str(level)) if level else ""


@register.filter
def told_day(said: str) -> str:
    """`23 July 2024` of what facts write as 2024-07-23, `March 2023` of 2023-03. Whatever else they
    say stays as it is."""
    try:
        if _MONTH.fullmatch(said):
            return date_format(date.fromisoformat(f"{said}-01"), "F Y")
        day = parse_date(said)
    except ValueError:
        return said
    return date_format(day, "j F Y") if day else said


@register.filter
def relation_words(relation: str) -> str:
    return str(_RELATIONS.get(relation, pgettext_lazy("relation", "from")))


@register.filter
def described(here: Standing) -> str:
    """A repository in one line."""
    return structured.description(here)


@register.filter
def picture(here: Standing) -> str:
    """The address of a repository's own picture, or nothing."""
    return structured.picture(here)


@register.simple_tag
def json_ld(data: dict[str, Any]) -> SafeString:
    """A block that search engines read and no browser runs."""
    text = json.dumps(data, ensure_ascii=False).translate(_ESCAPES)
    return mark_safe(  # noqa: S308 - nothing in it can end the block
        f'<script type="application/ld+json">{text}</script>'
    )


@register.simple_tag(takes_context=True)
def about_site(context: template.Context) -> SafeString:
    return json_ld(structured.site(context["request"]))


@register.simple_tag(takes_context=True)
def about_repository(context: template.Context) -> SafeString:
    return json_ld(structured.repository(context["request"], context["here"]))


def _trimmed(amount: float, decimals: int) -> str:
    """In the reader's language, without zeros that say nothing."""
    rounded = round(amount, decimals)
    while decimals and rounded == round(rounded, decimals - 1):
        decimals -= 1
    return str(number_format(rounded, decimals))
