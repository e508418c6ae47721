"""Looking at a page as everybody sees it: axe finds nothing, nothing scrolls sideways, in light, dark,
on a phone and in French."""

from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from registry.accounts.models import User
from tests.web.browser import sight

WIDTHS = {"desk": (1280, 900), "phone": (390, 844), "narrow": (320, 640)}
# What axe would load for itself is for media and for turned screens, about which no page has a rule
ALL_RULES = {"resultTypes": ["violations"], "preload": False}
# What passes is much to carry out of the browser, and nobody reads it
RUN_AXE = "options => axe.run(document, options).then(found => found.violations)"
AXE = {
    ("desk", "light"): ALL_RULES,
    ("desk", "dark"): {**ALL_RULES, "runOnly": ["cat.color"]},  # nothing else changes at night
}
NO_COLORS = {**ALL_RULES, "rules": {"color-contrast": {"enabled": False}}}  # another language's
SCHEMES = ("light", "dark")
UNFOLD = "document.querySelectorAll('main details:not(.menu)').forEach(one => one.open = true)"

TWICE = {"width": 640, "height": 450}  # what a window of 1280 by 900 holds at 200 %
# How much of a page moved while it came, by the browser's own measure; half of what is called good
SHIFTED = """() => new Promise((told) => {
  new PerformanceObserver((list) => {
    told(list.getEntries().filter((one) => !one.hadRecentInput)
      .map((one) => [one.value, ...one.sources.map((at) => at.node?.nodeName)]));
  }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => told([]), 100);
})"""
MOST_SHIFTED = 0.05
TOO_WIDE = """across => [...document.querySelectorAll('main *')]
  .filter(one => one.getBoundingClientRect().right > across)
  .slice(0, 12).map(one => one.tagName + '.' + one.className)"""


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


def look(
    page: Page,
    name: str,
    path: str,
    folder: Path | None,
    *,
    unfolded: bool = False,
    statuses: tuple[int, ...] = (200,),
) -> None:
    """Look at a page in every width, colour and language; with `unfolded` at what it keeps folded too.

    It is loaded once a language: no script of ours asks for a width or a colour, and style sheets
    follow. French, whose words are longer, is looked at on the narrowest screen.
    """
    answer = page.goto(path)
    assert answer is not None
    assert answer.status in statuses, f"{path} is answered by {answer.status}"
    sight.note(page.url)
    shifted = page.evaluate(SHIFTED)
    assert sum(one[0] for one in shifted) < MOST_SHIFTED, f"{path} moves: {shifted}"
    if unfolded:
        page.evaluate(UNFOLD)
    page.set_viewport_size(TWICE)
    _fits(page, f"{path} at 200 %", TWICE["width"])
    for width, (across, down) in WIDTHS.items():
        page.set_viewport_size({"width": across, "height": down})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            if folder is not None:
                picture = folder / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=picture, full_page=True)
            _fits(page, path, across)
            if (width, scheme) in AXE:
                axe(page, f"{path}, {scheme}", AXE[width, scheme])
    _look_in_french(page, name, path, folder, unfolded=unfolded)


def glance(page: Page, path: str) -> None:
    """Of a page made of the same parts as one that is looked at: it fits, and axe finds nothing."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{path} is answered by {answer.status}"
    look_here(page)


def look_here(page: Page) -> None:
    """What a page shows now, with what was opened or sent: it fits, and axe finds nothing by day
    or night."""
    path = page.url
    sight.note(path)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    axe(page, f"{path}, dark", AXE["desk", "dark"])
    page.emulate_media(color_scheme="light")
    for across, down in (WIDTHS["narrow"], WIDTHS["desk"]):
        page.set_viewport_size({"width": across, "height": down})
        _fits(page, path, across)
    axe(page, path, ALL_RULES)


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
    _fits(page, f"{path} in French", WIDTHS["narrow"][0])
    axe(page, f"{path}, French", NO_COLORS)


def _fits(page: Page, path: str, across: int) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= across, f"{path} is {wide} wide at {across}: {page.evaluate(TOO_WIDE, across)}"


def axe(page: Page, where: str, options: dict[str, Any]) -> None:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = AxeResults({"violations": page.evaluate(RUN_AXE, options)})
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"
