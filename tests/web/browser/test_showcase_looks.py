"""The four pages that the README shows, each with what its picture is there to show."""

import io
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image
from playwright.sync_api import Page, expect

from tests.web.browser import showcase
from tests.web.browser.looking import sign_in

pytestmark = [pytest.mark.browser]

PICTURES = settings.BASE_DIR / "docs" / "pictures"
SIZE = {"width": 1280, "height": 800}
NAMES = ("catalog", "model", "review", "lineage")
MOST_BYTES = 250_000


@pytest.mark.django_db(transaction=True)
def test_a_site_at_work_as_the_readme_shows_it(page: Page, picture_folder: Path | None) -> None:
    shown = showcase.build()
    page.set_viewport_size(SIZE)  # type: ignore[arg-type]
    there = f"/{shown.model.full_name}"

    page.goto("/?sort=downloads")
    expect(page.locator("#models h2 a")).to_have_count(len(showcase.MODELS))
    expect(page.locator("#models h2 a").first).to_have_text(shown.model.full_name)
    _keep(page, "catalog", picture_folder)

    sign_in(page.context, shown.reader)
    page.goto(there)
    expect(page.get_by_role("heading", name="Your access")).to_be_visible()
    _keep(page, "model", picture_folder)

    page.goto(f"{there}/lineage")
    expect(page.locator("main svg, main .lineage").first).to_be_visible()
    _keep(page, "lineage", picture_folder)

    sign_in(page.context, shown.maintainer)
    page.emulate_media(color_scheme="dark")
    page.goto(shown.in_review.get_absolute_url())
    expect(page.get_by_text("The model repeats itself")).to_be_visible()
    _keep(page, "review", picture_folder)


def test_the_readme_shows_pictures_that_are_there_and_small() -> None:
    readme = (settings.BASE_DIR / "README.md").read_text()

    for name in NAMES:
        picture = PICTURES / f"{name}.png"
        assert f"(docs/pictures/{name}.png)" in readme
        assert picture.stat().st_size < MOST_BYTES
        with Image.open(picture) as opened:
            assert opened.size == (SIZE["width"], SIZE["height"])
    assert sorted(one.stem for one in PICTURES.iterdir()) == sorted(NAMES)


def _keep(page: Page, name: str, folder: Path | None) -> None:
    """A picture of what fits a screen, in a palette: pages have few colours."""
    if folder is None:
        return
    with Image.open(io.BytesIO(page.screenshot())) as taken:
        taken.convert("RGB").quantize(256).save(folder / f"readme-{name}.png", optimize=True)
