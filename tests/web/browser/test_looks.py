"""The pages of a small site, looked at as each role sees them."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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
