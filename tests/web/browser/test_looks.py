"""The pages of a small site, looked at as each role sees them."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests import factories
from tests.web.browser import scene as scenes
from tests.web.browser.looking import look, sign_in
from tests.web.browser.scene import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.looks_at("docs-checks", "docs-glossary", "repository")
def test_pages_for_visitors(page: Page, picture_folder: Path | None) -> None:
    scene = scenes.build()

    for name, path in _public(scene).items():
        look(page, f"visitor-{name}", path, picture_folder)


def test_pages_for_a_reader(page: Page, picture_folder: Path | None) -> None:
    scene = scenes.build()
    sign_in(page.context, scene.carol)

    for name, path in {
        "card": f"/{scene.released.repository.full_name}",
        "files-closed": f"/{scene.released.repository.full_name}/tree/main",
        "terms": f"/{scene.released.repository.full_name}/terms",
        "namespace": "/carol",
    }.items():
        look(page, f"reader-{name}", path, picture_folder)


@pytest.mark.looks_at("repository-checks", "repository-releases")
def test_pages_for_a_contributor(page: Page, picture_folder: Path | None) -> None:
    scene = scenes.build()
    sign_in(page.context, scene.ada)
    there = f"/{scene.released.repository.full_name}"

    for name, path in {
        "catalog": "/",
        "card": there,
        "files": f"{there}/tree/main",
        "file": f"{there}/blob/main/README.md",
        "checks": f"{there}/checks",
        "checks-running": f"/{scene.running.full_name}/checks",
        "checks-blocked": f"/{scene.blocked.full_name}/checks",
        "checks-measured": f"/{scene.ready.full_name}/checks",
        "releases": f"{there}/releases",
        "releases-blocked": f"/{scene.blocked.full_name}/releases",
        "suspended": f"/{scene.suspended.full_name}",
        "release": scene.in_review.get_absolute_url(),
        "namespace": "/lab",
    }.items():
        look(page, f"contributor-{name}", path, picture_folder)


def test_pages_for_a_maintainer(page: Page, picture_folder: Path | None) -> None:
    scene = scenes.build()
    sign_in(page.context, scene.bob)

    for name, path in {
        "queue": "/review",
        "release": scene.in_review.get_absolute_url(),
        "released": scene.released.get_absolute_url(),
    }.items():
        look(page, f"maintainer-{name}", path, picture_folder)


def test_a_phone_shows_the_tabs_in_one_row_and_every_measured_value(page: Page) -> None:
    scene = scenes.build()
    sign_in(page.context, scene.ada)
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto(f"/{scene.ready.full_name}/checks")

    inside = "box => box.scrollWidth <= box.clientWidth"
    assert page.locator("[role=region]", has=page.locator("table.measured")).evaluate(inside)
    tabs = page.locator("nav.tabs")
    tops = "nav => new Set([...nav.querySelectorAll('a')].map(one => one.offsetTop)).size"
    assert tabs.evaluate(tops) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for tab in ("checks", "settings"):  # the last one is out of sight on any other tab
        page.goto(f"/{scene.ready.full_name}/{tab}")
        expect(page.locator("nav.tabs [aria-current]")).to_be_in_viewport(ratio=1)


ROWS = """nav => new Set([...nav.closest('.site-bar').children, ...nav.children]
  .filter(one => one.offsetHeight).map(one => {
    const box = one.getBoundingClientRect();
    return Math.round((box.top + box.bottom) / 20);
  })).size"""


def test_the_head_takes_one_row_or_two_whoever_looks(page: Page) -> None:
    """A long name is cut, in every language, and the menu has it whole."""
    name = "a-steward-whose-name-is-rather-long"
    steward = factories.make_user(name, site_role="steward")
    sign_in(page.context, steward)
    head = page.get_by_role("banner")
    page.goto("/")
    here = page.url
    for language in ("en", "fr"):
        page.context.add_cookies(
            [{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": here}]
        )
        for across in (1280, 800, 320):
            page.set_viewport_size({"width": across, "height": 700})
            page.goto("/steward/documents")
            assert page.locator("html").get_attribute("lang") == language
            assert head.locator(".site-nav").evaluate(ROWS) == 2
            assert head.bounding_box()["height"] < 110  # type: ignore[index]
            expect(head.locator("[aria-current]")).to_be_in_viewport(ratio=0.9)
            head.locator("summary").click()
            expect(head.locator(".menu-who")).to_have_text(name)
    page.context.clear_cookies(name="sessionid")
    page.set_viewport_size({"width": 1280, "height": 700})
    page.goto("/")
    assert head.locator(".site-nav").evaluate(ROWS) == 1


def test_on_a_phone_the_menu_leads_to_a_new_model(page: Page) -> None:
    sign_in(page.context, factories.make_user("ada"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")

    new = page.get_by_role("link", name="New model")
    expect(new).to_have_count(0)
    page.get_by_role("banner").locator("summary").click()
    new.click()

    page.wait_for_url("**/new")


def _public(scene: Scene) -> dict[str, str]:
    there = f"/{scene.released.repository.full_name}"
    return {
        "catalog": "/",
        "catalog-nothing": "/?q=nothing-like-this",
        "card": there,
        "checks": f"{there}/checks",
        "releases": f"{there}/releases",
        "discussions": f"{there}/discussions",
        "license": f"{there}/license",
        "terms": f"{there}/terms",
        "license-text": "/licenses/llama3-1",
        "docs-checks": "/docs/checks",
        "glossary": "/docs/glossary",
    }
