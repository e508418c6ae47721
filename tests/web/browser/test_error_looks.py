"""The pages for what went wrong or may not be, looked at as the others are."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, expect

from registry.releases import card_edits
from registry.web.views import uploads
from tests import factories
from tests.web.browser.looking import look, look_here, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.looks_at("errors/403.html", "errors/404.html", "errors/500.html", "errors/csrf.html")
def test_what_breaks_is_forbidden_or_not_there(
    page: Page, picture_folder: Path | None, settings: LazySettings
) -> None:
    settings.ROOT_URLCONF = "tests.web.broken_urls"
    sign_in(page.context, factories.make_user("ada"))

    look(page, "error-403", "/forbidden", picture_folder, statuses=(403,))
    look(page, "error-404", "/nobody/nothing", picture_folder, statuses=(404,))
    look(page, "error-500", "/broken", picture_folder, statuses=(500,))
    page.goto("/settings/tokens")
    page.get_by_label("Name").fill("laptop")
    page.locator("input[name=scope]").first.check()
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()
    look_here(page)


@pytest.mark.looks_at("contribute/no_editor.html", "uploads/closed.html", "uploads/too_large.html")
def test_an_upload_that_may_not_be_or_is_too_large(
    page: Page,
    picture_folder: Path | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (notes := tmp_path / "notes.txt").write_text("Words.\n")
    repository = factories.make_released().repository
    proposal = factories.make_pull_request(repository, {"notes.txt": "Words.\n"})
    sign_in(page.context, factories.make_user("carol"))
    closed = f"/{repository}/upload/{proposal.ref_name}"
    look(page, "upload-closed", closed, picture_folder, statuses=(403,))
    asked = page.get_by_role("main").locator(f'a[href="/{repository}/discussions"]')
    expect(asked).to_be_visible()

    sign_in(page.context, repository.created_by)
    monkeypatch.setattr(card_edits, "MAX_CARD", 10)
    editor = f"/{repository}/edit/main/README.md"
    look(page, "card-no-editor", editor, picture_folder)
    monkeypatch.setattr(uploads, "MAX_BODY", 100)
    page.goto(f"/{repository}/upload/main")
    plain = page.locator("#plain-upload")
    plain.evaluate("details => details.open = true")
    plain.locator("input[type=file]").set_input_files(notes)
    plain.get_by_role("button", name="Send these files").click()
    look_here(page)
