"""What marks where a visitor is: the page itself, or the section that it is in."""

import re

import pytest
from django.test import Client

from registry.catalog import facts
from tests import factories

pytestmark = pytest.mark.django_db


def marks(page: str) -> dict[str, str]:
    """The marked links of the site's navigation."""
    nav = re.search(r'<nav class="site-nav".*?</nav>', page, re.DOTALL)
    assert nav
    found = re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', nav[0])
    return dict(found)


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/", {"/": "page"}),
        ("/families", {"/families": "page"}),
        ("/families/llama-3-1", {"/families": "true"}),
        ("/licenses", {"/licenses": "page"}),
        ("/licenses/matrix", {"/licenses": "true"}),
        ("/licenses/llama3-1", {"/licenses": "true"}),
        ("/compare", {}),
        ("/advisories", {}),
    ],
)
def test_the_navigation_marks_the_page_or_its_section(
    client: Client, path: str, marked: dict[str, str]
) -> None:
    factories.make_facts()
    facts.load()

    answer = client.get(path)

    assert answer.status_code == 200
    assert marks(answer.text) == marked


def test_pages_of_stewards_mark_their_section(client: Client) -> None:
    client.force_login(factories.make_user(site_role="steward"))

    pages = {path: marks(client.get(path).text) for path in ("/steward/documents", "/steward/why")}

    assert pages["/steward/documents"]["/steward/documents"] == "page"
    assert pages["/steward/why"]["/steward/documents"] == "true"
