"""Dates on pages, as each language writes them."""

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from django.utils import translation

from registry.web import dates

NOVEMBER = datetime(2026, 11, 3, 14, 5, tzinfo=UTC)


def page(style: str, at: object, language: str) -> str:
    with translation.override(language):
        return Template('{{ at|date:"' + style + '" }}').render(Context({"at": at}))


@pytest.mark.parametrize(
    ("language", "style", "expected"),
    [
        ("en", "j M Y", "3 Nov 2026"),
        ("fr", "j M Y", "3 nov. 2026"),
        ("fr", "j F Y, H:i", "3 novembre 2026, 14:05"),
        ("fr", "c", "2026-11-03T14:05:00+00:00"),
    ],
)
def test_a_template_shortens_months_as_its_language_does(
    language: str, style: str, expected: str
) -> None:
    assert page(style, NOVEMBER, language) == expected


def test_french_tells_june_from_july() -> None:
    assert page("j M", date(2026, 6, 1), "fr") == "1 juin"
    assert page("j M", date(2026, 7, 1), "fr") == "1 juil."


def test_nothing_stays_nothing() -> None:
    assert page("j M Y", None, "fr") == ""


def test_code_writes_them_alike() -> None:
    with translation.override("fr"):
        assert dates.said(date(2026, 11, 3), "j M") == "3 nov."
    with translation.override("en"):
        assert dates.said(date(2026, 11, 3), "j M") == "3 Nov"
