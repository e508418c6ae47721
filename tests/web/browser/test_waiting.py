"""Parts of pages that are fetched: what is shown while one waits, and what to do when it fails."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from registry.catalog.models import DailyDownloads, Repository
from registry.releases import entries
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def make_models() -> Any:
    ada, bob = factories.make_user("ada"), factories.make_maintainer("bob")
    for name in ("llama-tiny", "llama-plain", "a-third"):
        factories.make_released(factories.make_repository(ada, name), by=bob)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    return ada


def test_models_are_picked_in_the_list_and_compared(
    page: Page, picture_folder: Path | None
) -> None:
    make_models()
    page.goto("/")
    page.get_by_role("checkbox", name="Pick ada/llama-tiny to compare").check()
    expect(page.locator(".picks")).to_contain_text("One more")
    page.get_by_role("checkbox", name="Pick ada/llama-plain to compare").check()
    expect(page.locator("#live-status")).to_contain_text("2 picked to compare")
    page.get_by_label("Search", exact=True).fill("third")
    expect(page.locator("#models h2 a")).to_have_count(1)
    expect(page.locator(".picks")).to_contain_text("ada/llama-tiny")
    page.get_by_role("button", name="Compare 2 models").click()
    expect(page.get_by_role("heading", name="Compare models", level=1)).to_be_visible()
    for name in ("llama-tiny", "llama-plain"):
        expect(page).to_have_url(re.compile(rf"[?&]m=ada/{name}(&|$)"))

    picked = "/?m=ada/llama-tiny&m=ada/llama-plain"
    look(page, "catalog-picked", picked, picture_folder)


def test_a_wait_is_shown_and_a_failure_says_what_to_do(page: Page) -> None:
    make_models()
    page.goto("/")
    held: list[Route] = []
    page.route("**/?q=*", lambda route: held.append(route))

    page.get_by_label("Search", exact=True).fill("tiny")
    expect(page.locator("#catalog")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".waiting")).to_have_css("opacity", "1")
    held.pop().fulfill(status=500, body="no")
    expect(page.get_by_role("alert")).to_contain_text("The site could not answer.")
    expect(page.locator("#catalog")).not_to_have_attribute("aria-busy", "true")
    expect(page.get_by_label("Search", exact=True)).to_have_value("tiny")

    page.get_by_label("Search", exact=True).fill("tin")
    expect(page.locator("#catalog")).to_have_attribute("aria-busy", "true")
    held.pop().abort()
    expect(page.get_by_role("alert")).to_contain_text("The site cannot be reached.")

    page.unroute("**/?q=*")
    page.get_by_label("Search", exact=True).fill("tiny")
    expect(page.locator("#models h2 a")).to_have_count(1)
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_session_that_ended_is_told_and_what_was_typed_stays(page: Page) -> None:
    ada = make_models()
    sign_in(page.context, ada)
    page.goto("/new")
    page.context.clear_cookies()

    page.get_by_label(re.compile("^Name")).fill("kept")
    page.get_by_role("button", name="What follows from it?").click()

    alert = page.get_by_role("alert").filter(has_text="Your session has ended")
    expect(alert).to_be_visible()
    expect(alert.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", re.compile(r"/accounts/login/\?next=%2Fnew$")
    )
    expect(page.get_by_label(re.compile("^Name"))).to_have_value("kept")


def test_pages_with_figures_and_releases_look_well(page: Page, picture_folder: Path | None) -> None:
    ada = make_models()
    used = Repository.objects.get(name="llama-tiny")
    DailyDownloads.objects.create(repository=used, day=timezone.now().date(), count=12)
    Repository.objects.filter(pk=used.pk).update(downloads=1200, likes=4)
    sign_in(page.context, ada)

    look(page, "dashboard-statistics", "/dashboard", picture_folder)
    look(page, "releases-lines", "/ada/llama-tiny/releases", picture_folder)
    look(page, "files-by-size", "/ada/llama-tiny/tree/main?sort=size", picture_folder)
