"""On paper, terms and receipts are whole, and without what only a screen needs."""

import pytest
from playwright.sync_api import Page, expect

from registry.agreements import documents
from tests import factories
from tests.web.browser.looking import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

CUT = """() => [...document.querySelectorAll("main pre, main .legal-text")]
  .filter((one) => one.scrollHeight > one.clientHeight + 1).length"""
LONG = "\n\n".join(
    f"Rule {number}. Do nothing that this invented rule forbids." for number in range(90)
)


def test_terms_and_receipts_are_printed_whole_and_without_what_is_for_screens(page: Page) -> None:
    factories.make_facts()
    documents.add_text(slug="site-policy", version="2", text=LONG.encode())
    carol = factories.make_user("carol")
    release = factories.make_released()
    sign_in(page.context, carol)

    page.goto(f"/{release.repository}/terms")
    on_screen = page.evaluate(CUT)
    page.emulate_media(media="print")
    expect(page.locator(".site-header")).to_be_hidden()
    expect(page.get_by_role("button", name="Accept")).to_be_hidden()
    expect(page.get_by_text("Rule 89.").first).to_be_visible()
    assert on_screen
    assert page.evaluate(CUT) == 0

    receipt = factories.accept_terms(release, carol).receipt
    page.goto(receipt.get_absolute_url())
    expect(page.locator(".site-header, .site-footer, .not-printed").first).to_be_hidden()
    expect(page.get_by_text(receipt.acceptance.terms_hash).first).to_be_visible()
    expect(page.get_by_text(bytes(receipt.signature).hex()).first).to_be_visible()
    expect(page.get_by_role("link", name="Download the receipt")).to_be_hidden()
