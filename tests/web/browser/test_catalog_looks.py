"""The catalog in a browser: it answers while one types, by keyboard, and its address says its state."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from registry.catalog import saved_searches
from registry.catalog.models import Repository
from registry.releases import entries
from tests import factories
from tests.factories import as_caller
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

MIT = {"README.md": "---\nlicense: mit\n---\n# M\n", "model.safetensors": b"w"}


@pytest.mark.looks_at("catalog", "searches")
def test_the_catalog_is_searched_by_typing_choosing_and_walking(
    page: Page, picture_folder: Path | None
) -> None:
    ada, bob = factories.make_user("ada"), factories.make_maintainer("bob")
    factories.make_released(factories.make_repository(ada, "llama-tiny"), by=bob)
    factories.make_released(factories.make_repository(ada, "plain"), by=bob, files=MIT)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    saved_searches.keep("Small ones", "license=mit", by=as_caller(ada))
    sign_in(page.context, ada)
    page.goto("/")
    total, rows = page.locator(".toolbar-total"), page.locator("#models h2 a")
    expect(total).to_have_text("2 models")

    page.keyboard.press("/")
    page.keyboard.type("plain")
    expect(total).to_have_text("1 model")
    expect(page).to_have_url(re.compile(r"/\?q=plain$"))
    page.get_by_label("Search", exact=True).fill("")
    expect(total).to_have_text("2 models")
    expect(page).to_have_url(re.compile(r"/$"))
    page.locator(".choice-link", has_text="mit").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/\?license=mit$"))
    expect(page.locator("#live-status")).to_have_text("1 model")
    page.locator(".chip", has_text="mit").click()
    expect(rows).to_have_count(2)
    page.go_back()
    expect(rows).to_have_count(1)
    page.reload()
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    expect(rows.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/ada/plain$"))

    look(page, "catalog-chosen", "/?q=llama&license=llama3.1", picture_folder, unfolded=True)
    look(page, "searches", "/settings/searches", picture_folder)
