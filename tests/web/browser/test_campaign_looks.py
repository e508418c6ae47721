"""The pages of campaigns, and the notice of terms that change, looked at as the others are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.agreements import documents
from registry.agreements.models import DocumentVersion
from registry.releases import campaigns
from tests import factories
from tests.releases.campaigning import make_steward
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OLD = """An invented license, for tests.

You may use the model for anything that the law allows, as long as you have fewer than seven hundred
million users in a month.

Keep this notice with each copy that you give to others.
"""


def _load(version: str, text: str) -> DocumentVersion:
    factories.make_facts()
    return documents.add_text(slug="llama3-1", version=version, text=text.encode())


@pytest.mark.looks_at("steward-campaign", "steward-campaign-new", "steward-campaigns")
def test_a_campaign_from_its_beginning_to_its_grace(
    page: Page, picture_folder: Path | None
) -> None:
    _load("3.1", OLD)
    release = factories.make_released()
    reader, ada, bob = factories.make_user("reader"), make_steward("ada"), make_steward("bob")
    factories.accept_terms(release, reader)
    version = _load("3.1-b", OLD.replace("seven hundred", "five hundred"))
    assert ada.user is not None
    assert bob.user is not None
    sign_in(page.context, ada.user)
    look(page, "campaigns-none", "/steward/campaigns", picture_folder)
    look(page, "campaign-versions", "/steward/campaigns/new", picture_folder)
    here = f"/steward/campaigns/new?version={version.public_id}"
    look(page, "campaign-new", here, picture_folder)

    page.goto(here)
    page.get_by_label("What changes").fill("The threshold of users is lower.")
    page.get_by_role("button", name="Propose the campaign").click()
    page.get_by_text("another steward has to confirm it").first.wait_for()
    proposed = page.url.removeprefix(page.url.split("/steward")[0])
    look(page, "campaign-own", proposed, picture_folder)

    sign_in(page.context, bob.user)
    page.goto(proposed)
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.get_by_text("Until then nothing changes for readers").wait_for()
    look(page, "campaign-grace", proposed, picture_folder)
    look(page, "campaigns", "/steward/campaigns", picture_folder)

    sign_in(page.context, reader)
    change = campaigns.coming(release)
    assert change is not None
    look(page, "model-with-coming-terms", f"/{release.repository}", picture_folder)
    look(page, "agreements-with-coming-terms", "/settings/agreements", picture_folder)
    page.goto(f"/{release.repository}")
    page.get_by_role("link", name="See what changes, and accept early").click()
    page.get_by_label("Your full name").fill("Some Body")
    page.get_by_role("button", name="Accept the terms").click()
    page.goto(f"/{release.repository}")
    page.get_by_text("You have accepted the new terms already").wait_for()
