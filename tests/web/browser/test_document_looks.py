"""The pages of licenses, of stewards' documents and of found texts, looked at as the others are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from registry.agreements import documents, texts
from registry.agreements.models import DocumentVersion
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
PARAGRAPH = "You may use, copy and pass on the materials, as long as this notice stays with them. "
TEXT = f"Sample Community License\n\nVersion 3.1\n\n{PARAGRAPH * 9}\n"


@pytest.mark.looks_at("license", "licenses")
def test_licenses_as_everybody_sees_them(page: Page, picture_folder: Path | None) -> None:
    factories.make_facts()
    documents.add_text(slug="llama3-1", version="3.1", text=TEXT.encode())

    look(page, "licenses", "/licenses", picture_folder)
    look(page, "license", "/licenses/llama3-1", picture_folder)


@pytest.mark.looks_at("steward-document", "steward-document-new", "steward-documents")
def test_documents_as_stewards_see_them(page: Page, picture_folder: Path | None) -> None:
    factories.make_facts()
    documents.add_text(slug="llama3-1", version="3.1", text=TEXT.encode())
    sign_in(page.context, factories.make_user("stella", site_role="steward"))

    look(page, "steward-documents", "/steward/documents", picture_folder)
    look(page, "steward-document", "/steward/documents/llama3-1", picture_folder)
    look(page, "steward-document-new", "/steward/new-document", picture_folder)


@pytest.mark.looks_at("steward-text", "steward-texts")
def test_found_texts_as_stewards_see_them(page: Page, picture_folder: Path | None) -> None:
    factories.make_facts()
    sign_in(page.context, factories.make_user("stella", site_role="steward"))
    look(page, "steward-texts-none", "/steward/texts", picture_folder)
    documents.add_text(slug="llama3-1", version="3.1", text=TEXT.encode())
    changed = TEXT.replace("may use, copy", "may not copy").encode()
    factories.make_commit(factories.make_repository(name="tiny"), {"LICENSE": changed})
    (found,) = texts.waiting()

    look(page, "steward-texts", "/steward/texts", picture_folder)
    look(page, "steward-text", f"/steward/texts/{found.public_id}", picture_folder)


def test_a_steward_loads_a_file_with_the_keyboard(page: Page, tmp_path: Path) -> None:
    factories.make_facts()
    sign_in(page.context, factories.make_user("stella", site_role="steward"))
    (file := tmp_path / "LICENSE").write_bytes(TEXT.encode())
    page.goto("/steward/documents/llama3-1")

    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Version", exact=True).focus()
    page.keyboard.type("3.1")
    page.keyboard.press("Tab")
    page.keyboard.type("2024-07-23")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("version 3.1, is loaded")
    assert bytes(DocumentVersion.objects.get(version="3.1").text or b"") == TEXT.encode()
