"""Every page, looked at: axe finds nothing, nothing scrolls sideways, in light, dark, on a phone and
in French."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from registry.accounts.models import User
from tests.web.browser import scene as scenes
from tests.web.browser.scene import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

WIDTHS = {"desk": (1280, 900), "phone": (390, 844), "narrow": (320, 640)}
ALL_RULES = {"resultTypes": ["violations"]}
AXE = {
    ("desk", "light"): ALL_RULES,
    ("desk", "dark"): {**ALL_RULES, "runOnly": ["cat.color"]},  # nothing else changes at night
}
SCHEMES = ("light", "dark")
UNFOLD = "document.querySelectorAll('main details:not(.menu)').forEach(one => one.open = true)"


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
        "tokens": "/settings/tokens",
        "namespace": "/carol",
        "email": "/accounts/email/",
    }.items():
        look(page, f"reader-{name}", path, picture_folder)


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


def test_a_phone_shows_every_tab_and_every_measured_value(page: Page) -> None:
    scene = scenes.build()
    sign_in(page.context, scene.ada)
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto(f"/{scene.ready.full_name}/checks")

    inside = "box => box.scrollWidth <= box.clientWidth"
    assert page.locator("[role=region]", has=page.locator("table.measured")).evaluate(inside)
    assert page.locator("nav.tabs").evaluate(inside)


def _public(scene: Scene) -> dict[str, str]:
    there = f"/{scene.released.repository.full_name}"
    return {
        "catalog": "/",
        "catalog-nothing": "/?q=nothing-like-this",
        "sign-in": "/accounts/login/",
        "sign-up": "/accounts/signup/",
        "missing": "/nobody/nothing",
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


def sign_in(context: BrowserContext, user: User) -> None:
    """As the sign-in page would; that page has a test of its own."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": _base_url(context)}])


def _base_url(context: BrowserContext) -> str:
    page = context.pages[0]
    page.goto("/healthz")
    return page.url.removesuffix("/healthz")


def look(page: Page, name: str, path: str, folder: Path | None, *, unfolded: bool = False) -> None:
    """Look at a page in every width, colour and language; with `unfolded` at what it keeps folded too.

    It is loaded once a language: no script of ours asks for a width or a colour, and style sheets
    follow. French, whose words are longer, is looked at on the narrowest screen.
    """
    answer = page.goto(path)
    assert answer is not None
    assert answer.status in {200, 404}, f"{path} is answered by {answer.status}"
    if unfolded:
        page.evaluate(UNFOLD)
    for width, (across, down) in WIDTHS.items():
        page.set_viewport_size({"width": across, "height": down})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            if folder is not None:
                picture = folder / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=picture, full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= across, f"{path} is {wide} wide at {across}"
            if (width, scheme) in AXE:
                _axe(page, f"{path}, {scheme}", AXE[width, scheme])
    _look_in_french(page, name, path, folder, unfolded=unfolded)


def glance(page: Page, path: str) -> None:
    """Of a page made of the same parts as one that is looked at: it fits, and axe finds nothing."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{path} is answered by {answer.status}"
    for across, down in (WIDTHS["narrow"], WIDTHS["desk"]):
        page.set_viewport_size({"width": across, "height": down})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= across, f"{path} is {wide} wide at {across}"
    _axe(page, path, ALL_RULES)


def _look_in_french(
    page: Page, name: str, path: str, folder: Path | None, *, unfolded: bool
) -> None:
    page.emulate_media(color_scheme="light")
    here = page.url
    cookie = settings.LANGUAGE_COOKIE_NAME
    page.context.add_cookies([{"name": cookie, "value": "fr", "url": here}])
    page.goto(path)
    page.context.clear_cookies(name=cookie)
    if unfolded:
        page.evaluate(UNFOLD)
    if folder is not None:
        page.screenshot(path=folder / f"{name}-narrow-fr.png", full_page=True)
    assert page.locator("html").get_attribute("lang") == "fr", path
    across = WIDTHS["narrow"][0]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= across, f"{path} is {wide} wide in French at {across}"
    _axe(page, f"{path}, French", ALL_RULES)


def _axe(page: Page, where: str, options: dict[str, Any]) -> None:
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
