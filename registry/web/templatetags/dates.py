"""`date` of every template (it is built in, see TEMPLATES): Django's own, but for the short month."""

from typing import Any

from django import template
from django.template.defaultfilters import date as as_django

from registry.web import dates

register = template.Library()


@register.filter(name="date", expects_localtime=True, is_safe=False)
def date(value: Any, style: str | None = None) -> str:
    """As Django's own; `M` is written as the language of the page writes it."""
    said: str = as_django(value, dates.in_language(style) if style else style)
    return said
