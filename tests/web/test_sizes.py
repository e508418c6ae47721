"""Sizes are those that the Hub's command says."""

import pytest
from django.utils import translation

from registry.web.templatetags.web import size


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (273_000_000, "273.0 MB"),
        (4_000_000_000, "4.0 GB"),
        (1_234_567_890_123, "1.2 TB"),
    ],
)
def test_a_thousand_is_the_next_unit(count: int, said: str) -> None:
    assert size(count) == said.replace(" ", "\xa0")


def test_they_are_written_as_the_visitor_writes_numbers() -> None:
    with translation.override("fr"):
        assert size(4_000_000_000) == "4,0\xa0Go"
