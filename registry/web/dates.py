"""Dates as the language of the page writes them. Django capitalises every short month; French does not,
and shortens some of them less."""

from datetime import date

from django.utils import formats, translation

ENGLISH = "en"


def in_language(style: str) -> str:
    """A date format with its short month as the language of the moment shortens it."""
    return style if translation.get_language() == ENGLISH else style.replace("M", "N")


def said(day: date, style: str) -> str:
    """A date in a sentence that code words."""
    return formats.date_format(day, in_language(style))
