"""What pages keep folded: menus, the filters on a phone, acts that ask for a reason."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from registry.catalog.models import Repository
from registry.releases import entries
from tests.web.browser import scene as scenes
from tests.web.browser.looking import ALL_RULES, WIDTHS, axe, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_menus_filters_and_folded_acts(page: Page, picture_folder: Path | None) -> None:
    scene = scenes.build()
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    sign_in(page.context, scene.bob)
    main = page.get_by_role("main")

    page.goto("/")
    _open(page, "user-menu", page.locator("summary", has_text="bob"), picture_folder)
    for name in ("orders", "keep", "take"):
        _open(page, name, page.locator(f"#{name} > summary"), picture_folder)
    _open(page, "filters", page.locator("#filters > summary"), picture_folder, widths=("narrow",))
    page.goto("/review")
    expect(page.get_by_label("Risk")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_label("Risk")).to_be_hidden()
    expect(main.get_by_role("rowheader").first).to_be_in_viewport()
    folded = page.locator(".filters > summary")
    _open(page, "queue-filters", folded, picture_folder, widths=("narrow", "phone"))
    page.goto(f"/{scene.released.repository}")
    _open(page, "get-menu", main.locator("summary", has_text="Get this model"), picture_folder)
    page.goto(scene.in_review.get_absolute_url())
    acts = main.locator(".step-fold > summary")
    for one in acts.all():
        one.click()
    _open(page, "acts", acts.first, picture_folder)
    page.goto(scene.released.get_absolute_url())
    _open(page, "released-acts", acts.last, picture_folder)


def _open(
    page: Page,
    name: str,
    summary: Locator,
    folder: Path | None,
    *,
    widths: tuple[str, ...] = ("desk", "phone", "narrow"),
) -> None:
    """Open it; it fits in each of these widths, and axe finds nothing by day or night."""
    for width in widths:
        across, down = WIDTHS[width]
        page.set_viewport_size({"width": across, "height": down})
        if not summary.evaluate("one => one.parentElement.open"):
            summary.click()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= across, f"{name}, opened, is {wide} wide at {across}"
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            if folder is not None:
                page.screenshot(path=folder / f"opened-{name}-{width}-{scheme}.png")
            if width in {"desk", "narrow"}:
                axe(page, f"{name}, opened at {across}, {scheme}", ALL_RULES)
    page.set_viewport_size({"width": 1280, "height": 900})
