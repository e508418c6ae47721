"""Families, licenses side by side, the finder and compared models, in every width and colour."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.catalog import facts
from tests import factories
from tests.web.browser.looking import glance, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

EIGHT, THREE = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.2-3B-Instruct"
PAGES = {
    "family": "/families/llama-3-2",
    "compare": f"/compare?m={EIGHT}&m={THREE}&m=nobody/nothing",
}
ALIKE = (
    "/families",
    "/families/llama-3-1/llama-3-1-405b-instruct",
    "/licenses/matrix",
    "/licenses/finder?q=share&license=llama3-1",
    "/licenses/llama3-1",
)


@pytest.mark.looks_at(
    "compare-models", "families", "family", "license-finder", "license-matrix", "variant"
)
def test_families_and_licenses(page: Page, picture_folder: Path | None) -> None:
    factories.make_facts()
    facts.load()

    for name, address in PAGES.items():
        look(page, name, address, picture_folder)
    for address in ALIKE:
        glance(page, address)
