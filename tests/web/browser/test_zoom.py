"""Pages at twice their size, and pages that stay where they are while they load and change."""

import pytest
from playwright.sync_api import Page, expect

from registry.catalog.models import Repository, Revision
from registry.releases import entries
from tests import factories
from tests.web.browser import scene as scenes
from tests.web.browser.looking import sign_in
from tests.web.browser.scene import Scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

# A window of 1280 by 900 at 200 %; then text alone, as people set it in their browser, at 200 %
SIZES = [(640, 450, 16), (1280, 900, 32), (390, 844, 32)]
# Controls whose words are cut off, or that stand outside the window and no box scrolls to them
CUT_OFF = """() => [...document.querySelectorAll('a, button, input, select, summary, textarea')]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.for-readers'))
  .filter((one) => {
    const box = one.getBoundingClientRect();
    const reached = one.closest('.scroll, .skip-link, pre, nav.tabs, .places');
    if (box.width < 2 || reached) return false;
    const cuts = getComputedStyle(one).overflowX !== 'visible' && one.matches('a, button, summary');
    return box.right > innerWidth + 1 || box.left < -1 || (cuts && one.scrollWidth > one.clientWidth + 1);
  })
  .map((one) => one.outerHTML.slice(0, 120))"""
# Each shift that nobody asked for by a click or a key, as the browser counts it
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries())
    if (!one.hadRecentInput)
      window.shifts.push([one.value, ...one.sources.map((at) => at.node?.outerHTML?.slice(0, 80))]);
}).observe({ type: 'layout-shift', buffered: true });
"""
MOST = 0.05  # half of what is called good


def test_main_pages_hold_at_twice_their_size_and_stay_where_they_are(page: Page) -> None:
    scene = scenes.build()
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    page.add_init_script(SHIFTS)
    fonts = page.context.new_cdp_session(page)
    faults: list[str] = []
    for user, paths in ((scene.carol, _for_a_reader(scene)), (scene.bob, _for_a_desk(scene))):
        sign_in(page.context, user)
        for path in paths:
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(path)
            page.wait_for_load_state("networkidle")
            _stayed(page, path)
            for across, down, text in SIZES:
                page.set_viewport_size({"width": across, "height": down})
                fonts.send("Page.setFontSizes", {"fontSizes": {"standard": text, "fixed": text}})
                wide = page.evaluate("document.documentElement.scrollWidth")
                cut = page.evaluate(CUT_OFF)
                if wide > across or cut:
                    faults.append(f"{path} is {wide} wide at {across}, text of {text}: {cut}")
            fonts.send("Page.setFontSizes", {"fontSizes": {"standard": 16, "fixed": 13}})
    assert faults == []


def test_pages_stay_where_they_are_while_they_change(page: Page) -> None:
    scene = scenes.build()
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    page.add_init_script(SHIFTS)
    sign_in(page.context, scene.ada)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Search", exact=True).fill("tiny")
    expect(page.locator(".toolbar-total")).to_have_text("1 model")
    _stayed(page, "the catalog while one types")
    page.get_by_label("Search", exact=True).fill("")
    expect(page.locator(".toolbar-total")).not_to_have_text("1 model")
    _stayed(page, "the catalog while one deletes")

    page.goto(f"/{scene.running.full_name}/checks")
    expect(page.get_by_text("Waiting to run.")).to_be_visible()
    factories.finish_checks(Revision.objects.filter(repository=scene.running)[0])
    expect(page.get_by_text("All checks went through")).to_be_visible()
    _stayed(page, "the checks while they run")


def _stayed(page: Page, what: str) -> None:
    """What was shown since the last look moved by little, or because of a click or a key."""
    page.evaluate("() => new Promise((go) => requestAnimationFrame(() => setTimeout(go, 50)))")
    shifts = page.evaluate("window.shifts.splice(0)")
    assert sum(one[0] for one in shifts) < MOST, f"{what}: {shifts}"


def _for_a_reader(scene: Scene) -> list[str]:
    there = f"/{scene.released.repository}"
    tabs = ("tree/main", "checks", "releases", "lineage", "license", "terms", "discussions")
    return ["/", there, *(f"{there}/{tab}" for tab in tabs), "/licenses", "/families", "/dashboard"]


def _for_a_desk(scene: Scene) -> list[str]:
    here = scene.in_review.get_absolute_url()
    return [
        "/review",
        here,
        scene.released.get_absolute_url(),
        f"/{scene.released.repository}/advise",
    ]
