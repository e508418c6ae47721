"""Stewards and admins of organisations at work in the browser; each signs in by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from registry.accounts.models import Membership, Role
from registry.agreements.models import DocumentVersion
from registry.catalog.models import Gated
from tests import factories
from tests.agreements.access import OPEN_CARD, set_mode
from tests.web.browser.walking import Walker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
TEXT = b"Sample Community License\n\nYou may use it as long as this notice stays with it.\n"


def test_a_steward_loads_a_text_and_looks_at_who_accepted(
    walker: Callable[..., Walker], tmp_path: Path
) -> None:
    (file := tmp_path / "LICENSE").write_bytes(TEXT)
    release = factories.make_released()
    factories.accept_terms(release, factories.make_user("carol"))
    factories.make_user("stella", site_role="steward")
    stella = walker("stella", language="fr", scheme="dark")
    page = stella.page

    stella.begins()
    stella.link("Stewardship").click()
    stella.looks()
    page.locator("a[href='/steward/documents/llama3-2']").click()
    stella.field("File").set_input_files(file)
    stella.field("Version", exact=True).fill("3.2")
    stella.field("Version", exact=True).press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("3.2")
    stella.looks()
    assert bytes(DocumentVersion.objects.get(version="3.2").text or b"") == TEXT

    stella.link("Why?").click()
    stella.looks()
    page.locator("input[name=person]").fill("carol")
    page.locator("input[name=repository]").fill(release.repository.full_name)
    stella.button("Ask why").click()
    stella.reads("Acceptance")
    expect(page.locator(".verdict.is-passed").first).to_be_visible()


def test_an_admin_takes_in_a_member_and_lets_a_reader_in(walker: Callable[..., Walker]) -> None:
    ada, dora = factories.make_user("ada"), factories.make_user("dora")
    factories.make_user("carol")
    lab = factories.make_organisation("lab", owner=ada)
    files = {"README.md": OPEN_CARD, "model.safetensors": b"w"}
    release = factories.make_released(
        factories.make_repository(ada, "closed-8b", namespace="lab"), files=files
    )
    set_mode(release.repository, Gated.MANUAL)
    admin, reader = walker("ada"), walker("carol", language="fr", scheme="dark")

    admin.begins()
    admin.page.locator("summary", has_text="ada").click()
    admin.link("Organisations").click()
    admin.looks()
    admin.page.get_by_role("main").get_by_role("link", name="lab").first.click()
    admin.field("User name").fill("dora")
    admin.page.locator("input[name=role][value=write]").check()
    admin.button("Add", exact=True).click()
    expect(admin.page.get_by_role("row").filter(has_text="dora")).to_be_visible()
    admin.looks()
    assert Membership.objects.get(namespace=lab, user=dora).role == Role.WRITE

    reader.begins()
    reader.page.goto(f"/{release.repository}/access")
    reader.looks()
    reader.button("Ask for access").click()
    reader.looks()
    admin.page.goto(f"/{release.repository}")
    admin.page.get_by_role("link", name="Access requests").click()
    admin.looks()
    admin.page.get_by_role("button", name="Accept carol").click()
    admin.looks()
    reader.page.goto(f"/{release.repository}/terms")
    reader.field("Your full name").fill("Carol Reader")
    reader.button("Accept the terms").click()
    reader.page.goto(f"/{release.repository}")
    reader.link("Files").click()
    expect(reader.link("model.safetensors")).to_be_visible()
    reader.looks()
