"""The pages of ended licenses, exports, privacy and "Why?", looked at as the others are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.agreements import endings
from registry.agreements.models import EndingEvent
from tests import factories
from tests.factories import as_caller
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.looks_at("steward-endings", "steward-exports", "steward-people", "steward-why")
def test_pages_of_stewards(page: Page, picture_folder: Path | None) -> None:
    release = factories.make_released()
    steward = factories.make_user("steward-at-work", site_role="steward")
    ada = factories.make_user("ada")
    acceptance = factories.accept_terms(release, ada)
    sign_in(page.context, steward)
    name = release.repository.full_name

    look(page, "why-nothing", "/steward/why", picture_folder)
    look(page, "why-yes", f"/steward/why?person=ada&repository={name}", picture_folder)
    look(page, "why-no", f"/steward/why?repository={name}", picture_folder)
    look(page, "endings-none", "/steward/endings", picture_folder)
    why = "Shared the weights with others, against the terms."
    endings.end(acceptance, event=EndingEvent.BREACH, reason=why, by=as_caller(steward))
    look(page, "endings", "/steward/endings", picture_folder)
    look(page, "exports", "/steward/exports", picture_folder)
    look(page, "erase", "/steward/people", picture_folder)


@pytest.mark.looks_at("license-give-back", "privacy")
def test_pages_of_a_licensee(page: Page, picture_folder: Path | None) -> None:
    release = factories.make_released()
    ada = factories.make_user("ada")
    acceptance = factories.accept_terms(release, ada)
    sign_in(page.context, ada)
    here = f"/settings/agreements/{acceptance.public_id}"

    look(page, "give-back", f"{here}/give-back", picture_folder)
    endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(ada))
    look(page, "agreements-ended", "/settings/agreements", picture_folder)
    look(page, "privacy", "/settings/privacy", picture_folder, unfolded=True)
    look(page, "refused", release.repository.get_absolute_url(), picture_folder, unfolded=True)
