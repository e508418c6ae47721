"""The pages of organisations, looked at; and a member who joins with one click."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.accounts import people
from registry.accounts.models import Role
from registry.agreements import domains, organisations
from registry.agreements.models import Adherence
from tests import factories
from tests.agreements.organisations import end, make_service, make_signing, sign
from tests.factories import as_caller
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
HERE = "/settings/organisations/lab"


@pytest.mark.looks_at(
    "organisation",
    "organisation-domains",
    "organisation-remove",
    "organisation-signature",
    "organisation-signatures",
    "organisations",
    "separate-license",
    "steward-domains",
)
def test_pages_of_an_organisation(page: Page, picture_folder: Path | None) -> None:
    lab, ada = make_signing("lab")
    bob = factories.make_user("a-member-with-a-name-that-is-rather-long-for-a-narrow-screen")
    people.set_role(namespace=lab, user=bob, role=Role.CONTRIBUTOR, by="")
    make_service(lab)
    factories.make_member(lab, Role.READ)
    domains.ask(lab, domain="research.of-a-long-name.lab.example", by=as_caller(ada))
    release = factories.make_released()
    signature = sign(release, lab, ada)
    organisations.adhere(signature, by=as_caller(bob))
    end(sign(factories.make_released(), lab, ada))
    sign_in(page.context, ada)

    for name, path in {
        "mine": "/settings/organisations",
        "members": HERE,
        "remove": f"{HERE}/members/{bob.public_id}/remove",
        "last-admin": f"{HERE}/members/{ada.public_id}/remove",
        "domains": f"{HERE}/domains",
        "signatures": f"{HERE}/signatures",
        "signature": f"{HERE}/signatures/{signature.public_id}",
        "separate-license": "/licenses/llama3-1/separate-license",
    }.items():
        look(page, f"organisation-{name}", path, picture_folder)
    sign_in(page.context, factories.make_user(site_role="steward"))
    look(page, "organisation-steward", "/steward/domains", picture_folder, unfolded=True)
    sign_in(page.context, factories.make_user())
    look(page, "organisation-none", "/settings/organisations", picture_folder)


def test_a_member_joins_with_one_click(page: Page, picture_folder: Path | None) -> None:
    lab, ada = make_signing("lab")
    release = factories.make_released()
    sign(release, lab, ada)
    bob = factories.make_member(lab, Role.READ)
    sign_in(page.context, bob)
    there = release.repository.get_absolute_url()
    look(page, "organisation-offer", there, picture_folder)
    look(page, "organisation-offer-terms", f"{there}/terms", picture_folder)

    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(there)
    page.locator("button:visible", has_text="Join with one click").click()
    page.get_by_text("Joined. You can download").wait_for()

    assert Adherence.objects.get().user == bob
