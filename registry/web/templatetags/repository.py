"""Small parts of the pages of a repository."""

from django import template

from registry.web import getting
from registry.web.getting import Way
from registry.web.standing import Standing

register = template.Library()


@register.simple_tag(takes_context=True)
def ways_to_get(context: template.Context, here: Standing) -> list[Way]:
    """How what everybody gets is fetched and run."""
    address = context["request"].build_absolute_uri("/").rstrip("/")
    return getting.ways(here, address=address)


@register.filter
def count_words(number: int | None) -> str:
    """`8.03 B`: a large count as people say it."""
    for unit, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number is not None and number >= unit:
            amount = number / unit
            return f"{amount:.0f} {letter}" if amount >= 100 else f"{amount:.3g} {letter}"
    return "" if number is None else str(number)
