"""The pages of terms, access, organisations and stewardship in French, whose words are longer."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from registry.accounts import people
from registry.accounts.models import Role, User
from registry.agreements import domains, groups, requests
from tests import factories
from tests.agreements.access import ask, make_gated, owner_of
from tests.agreements.organisations import make_domain, make_service, sign, verify
from tests.factories import as_caller
from tests.releases.campaigning import load, make_campaign
from tests.web.browser.test_looks import UNFOLD, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

NARROW = 320
CARD = """---
license: llama3.1
extra_gated_prompt: The data behind this model is sensitive.
extra_gated_fields:
  Affiliation: text
---
# A model
"""


def test_french_words_of_terms_and_access_fit_a_narrow_screen(
    browser: Browser, live_server: Any, picture_folder: Path | None
) -> None:
    load("3.1")
    release = make_gated(card=CARD)
    carol = factories.make_user("carol", full_name="Carol C.")
    lab = factories.make_organisation("lab", owner=carol)
    make_domain(lab)
    verify(carol, "carol@lab.example")
    acceptance = sign(release, lab, carol)
    domains.ask(lab, domain="research.lab.example", by=as_caller(carol))
    people.set_role(namespace=lab, user=factories.make_user("ada"), role=Role.WRITE, by="")
    make_service(lab)
    repository, by = release.repository, owner_of(release.repository)
    groups.put(groups.make(repository.namespace, "Models", by=by), repository, by=by)
    ask(repository, carol, card=release.revision.card, Affiliation="Lab")
    make_campaign(load("3.2"))
    steward = factories.make_user(site_role="steward")
    context = browser.new_context(base_url=live_server.url, locale="fr-FR")
    page = context.new_page()
    page.set_viewport_size({"width": NARROW, "height": 640})

    here, inside = f"/{repository}", "/settings/organisations/lab"
    _visit(
        page, carol, [here, f"{here}/terms", f"{here}/access", f"{here}/license"], picture_folder
    )
    requests.handle(repository, status="accepted", user="carol", by=by)
    signed = [f"{inside}/signatures", f"{inside}/signatures/{acceptance.public_id}"]
    _visit(page, carol, [f"{here}/access", inside, f"{inside}/domains", *signed], picture_folder)
    own = ["/settings/agreements", "/settings/privacy", "/settings/organisations", "/licenses"]
    back = f"/settings/agreements/{acceptance.public_id}/give-back"
    _visit(
        page, carol, [*own, back, "/keys", "/licenses/llama3-1/separate-license"], picture_folder
    )
    _visit(
        page,
        repository.created_by,
        [
            f"{here}/duties",
            f"{here}/requests?state=accepted",
            f"/settings/access-groups/{repository.namespace.name}",
        ],
        picture_folder,
    )
    tabs = ["campaigns", "campaigns/new", "documents", "documents/llama3-1", "texts", "domains"]
    more = ["duties", "endings", "exports", "people", f"why?person=carol&repository={repository}"]
    _visit(page, steward, [f"/steward/{one}" for one in (*tabs, *more)], picture_folder)
    context.close()


def _visit(page: Page, user: User, paths: list[str], folder: Path | None) -> None:
    sign_in(page.context, user)
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.locator("html").get_attribute("lang") == "fr"
        page.evaluate(UNFOLD)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, path
        if folder is not None:
            name = path.strip("/").replace("/", "-").partition("?")[0]
            page.screenshot(path=folder / f"fr-{name}.png", full_page=True)
