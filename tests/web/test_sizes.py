"""Sizes are those that the Hub's command says."""

import re

import pytest
from django.test import Client
from django.utils import translation

from registry.web.templatetags.web import exact_size, size
from tests import factories


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


def test_the_exact_number_stands_behind_it() -> None:
    assert exact_size(1) == "1 byte"
    assert exact_size(8_030_261_248) == "8,030,261,248 bytes"
    with translation.override("fr"):
        assert re.fullmatch(r"4\s000\s000 octets", exact_size(4_000_000))


@pytest.mark.django_db
def test_pages_say_the_exact_size_of_a_model_and_of_what_changed(client: Client) -> None:
    release = factories.make_release()
    exact = f'title="{exact_size(release.revision.total_size)}"'
    client.force_login(factories.make_maintainer())

    review = client.get(f"/review/{release.public_id}").text

    assert f"<dd {exact}>" in review
    assert re.search(r'<td class="number"><span title="[\d,]+ bytes">', review)
    assert f"<span {exact}>" in client.get(release.repository.get_absolute_url()).text
