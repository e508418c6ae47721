"""The license tab of a model with a lineage, looked at in every width and colour."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.catalog import facts
from tests import factories
from tests.agreements.sets import BASE, SEEING, released
from tests.web.browser.looking import look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

CARD = f"""license: other
license_name: code-llama
license_link: https://example.org/a/rather/long/address/of/the/license/text.txt
base_model: [ada/Llama-eyes-with-a-rather-long-name-for-a-base, {BASE}]
extra_gated_heading: Tell us who you are
extra_gated_prompt: The data behind this model is sensitive.
extra_gated_fields:
  Affiliation: text
  Country: country"""


@pytest.mark.looks_at("repository-license")
def test_the_terms_of_a_merge(page: Page, picture_folder: Path | None) -> None:
    factories.make_facts()
    facts.load()
    ada = factories.make_user("ada")
    base = f"license: llama3.2\nbase_model: {SEEING}"
    released(base, ada, "Llama-eyes-with-a-rather-long-name-for-a-base")
    release = released(CARD, ada, "Llama-merge")

    look(page, "license-merge", f"/{release.repository}/license", picture_folder)
