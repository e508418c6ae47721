"""People at work in a real browser: each walk begins at the sign-in page."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from registry.agreements.models import Acceptance
from registry.catalog.models import Revision
from registry.releases import workflow
from registry.releases.models import Release, Status
from tests import factories
from tests.web.browser import scene as scenes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_a_reader_finds_a_model_accepts_its_terms_and_sees_its_files(page: Page) -> None:
    scene = scenes.build()
    page.goto("/")

    page.get_by_label("Search", exact=True).fill("med")
    page.get_by_label("Search", exact=True).press("Enter")
    page.get_by_role("link", name="lab/llama-med-8b").click()
    expect(page.get_by_role("heading", name="Your access")).to_be_visible()
    page.get_by_role("link", name="Sign in to accept").click()
    _fill_sign_in(page, "carol")

    expect(page.get_by_role("heading", name="Terms for downloading this model")).to_be_visible()
    page.get_by_label("Your full name").fill("Carol Reader")
    page.get_by_role("button", name="Accept the terms").click()

    expect(page.get_by_text("Accepted for lab/llama-med-8b.")).to_be_visible()
    expect(page.get_by_role("link", name="Your receipt")).to_be_visible()
    page.get_by_role("link", name="lab/llama-med-8b", exact=True).first.click()
    page.get_by_role("link", name="Files", exact=True).click()
    expect(page.get_by_role("link", name="model.safetensors", exact=True)).to_be_visible()
    assert Acceptance.objects.get().user == scene.carol


def test_a_contributor_requests_a_release_and_mends_what_the_maintainer_asks_for(
    page: Page,
) -> None:
    scene = scenes.build()
    _sign_in(page, "ada")

    page.goto(f"/{scene.ready.full_name}")
    page.get_by_role("link", name="Request a release").click()
    page.get_by_label("Version label").fill("v1 beta")
    page.get_by_role("button", name="Request the release").click()
    expect(page.get_by_text("cannot be a version label")).to_be_visible()
    page.get_by_label("Version label").fill("v1.0")
    page.get_by_role("button", name="Request the release").click()
    expect(page.get_by_text("v1.0 is in review.")).to_be_visible()

    release = Release.objects.get(repository=scene.ready)
    maintainer = factories.as_caller(scene.bob)
    workflow.transition("request_changes", release, by=maintainer, reason="Name the data.")
    page.goto(f"/{scene.ready.full_name}")
    expect(page.get_by_text("Name the data.")).to_be_visible()
    page.get_by_role("button", name="Submit for review again").click()
    expect(page.get_by_text("v1.0 of ada/measured is now: in review.")).to_be_visible()


def test_a_maintainer_weighs_the_evidence_and_approves(page: Page) -> None:
    scene = scenes.build()
    _sign_in(page, "bob")

    page.get_by_role("link", name=re.compile("Reviews")).click()
    page.get_by_role("link", name="lab/llama-med-8b v1.1").click()
    expect(page.get_by_text("The model repeats itself")).to_be_visible()
    page.get_by_role("button", name="Approve").click()  # the browser asks for the tick first
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    page.get_by_role("checkbox", name=re.compile("Repetition")).check()
    page.get_by_role("button", name="Approve").click()

    expect(page.get_by_text("v1.1 of lab/llama-med-8b is now: released.")).to_be_visible()
    assert Release.objects.get(pk=scene.in_review.pk).status == Status.RELEASED


def test_a_maintainer_asks_for_changes_with_a_reason(page: Page) -> None:
    scene = scenes.build()
    _sign_in(page, "bob")

    page.goto(scene.in_review.get_absolute_url())
    page.locator("summary", has_text="Ask for changes").click()
    page.get_by_label("Reason").first.fill("The card says nothing about the data.")
    page.get_by_role("button", name="Ask for changes").click()

    expect(page.get_by_text("The card says nothing about the data.").first).to_be_visible()
    release = Release.objects.get(pk=scene.in_review.pk)
    assert release.status == Status.CHANGES_REQUESTED


def test_checks_show_their_outcome_without_a_reload(page: Page) -> None:
    scene = scenes.build()
    _sign_in(page, "ada")

    page.goto(f"/{scene.running.full_name}/checks")
    expect(page.get_by_text("Waiting to run.")).to_be_visible()
    factories.finish_checks(Revision.objects.filter(repository=scene.running)[0])

    expect(page.get_by_text("All checks went through")).to_be_visible()
    chip = page.locator(".repository-head .verdict").last
    expect(chip).to_have_text(re.compile("passed"))
    assert page.locator("[hx-get]").count() == 0


def test_a_token_is_made_and_copied(page: Page) -> None:
    scenes.build()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _sign_in(page, "ada")

    page.locator("summary", has_text="ada").click()
    page.get_by_role("link", name="Access tokens").click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_label(re.compile("^write")).check()
    page.get_by_role("button", name="Make the token").click()
    page.get_by_role("button", name="Copy").first.click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("hf_")
    assert copied == page.locator("#copy-token").text_content()


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    scenes.build()
    page.goto("/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("/")

    expect(page.get_by_label("Search", exact=True)).to_be_focused()


def test_without_javascript_the_terms_can_be_accepted(browser: Browser, live_server: Any) -> None:
    scene = scenes.build()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    _sign_in(page, "carol")

    page.goto(f"/{scene.released.repository.full_name}/terms")
    page.get_by_label("Your full name").fill("Carol Reader")
    page.get_by_role("button", name="Accept the terms").click()
    expect(page.get_by_text("Accepted for lab/llama-med-8b.")).to_be_visible()
    page.get_by_role("link", name="lab/llama-med-8b", exact=True).first.click()
    page.locator("summary", has_text="Get this model").click()
    expect(page.locator("#copy-menu-download")).to_have_text(
        "hf download lab/llama-med-8b --revision v1.0"
    )
    page.locator("summary", has_text="carol").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    context.close()


def test_without_javascript_all_that_is_ones_own_is_found_from_the_pages(
    browser: Browser, live_server: Any
) -> None:
    scene = scenes.build()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    _sign_in(page, "ada")

    for link in ("Webhooks", "Let a program in", "My models"):
        page.locator("summary", has_text="ada").click()
        page.get_by_role("link", name=link, exact=True).click()
        if link != "My models":
            expect(page.get_by_role("heading", name=link, exact=True)).to_be_visible()
    page.get_by_role("link", name="lab", exact=True).click()
    page.get_by_role("link", name=str(scene.released.repository)).click()
    for tab in ("Access requests", "Discussions"):
        page.get_by_role("link", name=tab, exact=True).click()
    page.get_by_role("link", name="New discussion").click()
    page.get_by_label("Title").fill("Which data?")
    page.get_by_label("Text").fill("Tell us.")
    page.get_by_role("button", name="Open the discussion").click()

    expect(page.get_by_role("heading", name="Which data?")).to_be_visible()
    context.close()


def _sign_in(page: Page, username: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign in").click()
    _fill_sign_in(page, username)


def _fill_sign_in(page: Page, username: str) -> None:
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(factories.PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
