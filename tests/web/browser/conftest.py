"""A real browser on a live server. Without Chromium these tests skip and say so."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.web.browser import sight
from tests.web.browser.walking import Walker

# Playwright's loop runs in this thread; Django would otherwise refuse its own synchronous calls
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _chromium() -> str:
    """The program: the same engine without windows is a third less work, so it comes first."""
    if named := os.environ.get("REGISTRY_TESTS_CHROMIUM", ""):
        return named
    known = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next((found for name in known if (found := shutil.which(name))), "")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = _chromium()
    if not path:
        if os.environ.get("REGISTRY_TESTS_REQUIRE_ALL") == "1":
            pytest.fail("Chromium is needed here: apt-get install chromium.")
        pytest.skip("No Chromium found (apt-get install chromium, or REGISTRY_TESTS_CHROMIUM).")
    started = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield started
    started.close()


@pytest.fixture
def context(browser: Browser, live_server: Any) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=live_server.url, locale="en-GB")
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which neither a script nor the content policy may complain."""
    complaints: list[str] = []
    yield _new_page(context, complaints)
    assert complaints == []


@pytest.fixture
def walker(browser: Browser, live_server: Any) -> Iterator[Callable[..., Walker]]:
    """Somebody with a browser of their own: `walker("ada", language="fr", scheme="dark")`."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def begin(name: str, *, language: str = "en", scheme: Any = "light", **more: Any) -> Walker:
        locale = {"en": "en-GB", "fr": "fr-FR"}[language]
        made = browser.new_context(
            base_url=live_server.url, locale=locale, color_scheme=scheme, **more
        )
        made.set_default_timeout(10_000)
        contexts.append(made)
        return Walker(_new_page(made, complaints), name, language)

    yield begin
    for one in contexts:
        one.close()
    assert complaints == []


def _new_page(context: BrowserContext, complaints: list[str]) -> Page:
    made = context.new_page()
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    return made


@pytest.fixture(autouse=True)
def keeps_its_word(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that says which pages it `looks_at` does look at them."""
    sight.forget()
    yield
    mark = request.node.get_closest_marker("looks_at")
    missed = set(mark.args) - sight.seen() if mark else set()
    assert not missed, f"The test says that it looks at these pages, and does not: {missed}"


@pytest.fixture
def picture_folder() -> Path | None:
    """Where pictures of the pages go, when somebody wants to look at them."""
    named = os.environ.get("REGISTRY_TESTS_SCREENSHOTS", "")
    return Path(named) if named else None
