"""The pages of duties, looked at in every width and colour."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.catalog import facts
from registry.releases import workflow
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
CARD = """---
license: mit
base_model: meta-llama/Llama-3.1-8B-Instruct
---
# Med 8B

A fine-tune on openly licensed textbooks.
"""


@pytest.mark.looks_at("duties-preview", "repository-duties", "steward-duties")
def test_a_writer_sees_what_is_missing_and_a_steward_what_is_left_open(
    page: Page, picture_folder: Path | None
) -> None:
    factories.copies_of("llama3.1")
    facts.load()
    ada = factories.make_user("ada")
    repository = factories.make_repository(ada, "med-8b")
    factories.make_revision(repository, files={"README.md": CARD, "model.safetensors": b"w"})
    sign_in(page.context, ada)

    look(page, "duties", f"/{repository}/duties", picture_folder)
    page.goto(f"/{repository}/duties")
    page.get_by_role("button", name="Show what will be written").click()
    look(page, "duties-preview", page.url, picture_folder)

    named = factories.make_repository(ada, "llama-med-8b")
    files = {"README.md": CARD + "\nBuilt with Llama\n", "model.safetensors": b"w"}
    open_one = factories.with_copies(files, named)
    revision = factories.make_revision(named, files=open_one)
    factories.finish_checks(revision)
    workflow.open_release(revision, version="v1.0", by=factories.as_caller(ada))
    page.context.clear_cookies()
    sign_in(page.context, factories.make_user("grace", site_role="steward"))
    look(page, "duties-steward", "/steward/duties", picture_folder)
