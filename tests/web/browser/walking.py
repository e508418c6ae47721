"""People on their way through the site, each in a browser of their own and in their own language."""

from django.utils import translation
from django.utils.translation import gettext, pgettext
from playwright.sync_api import Locator, Page, expect

from tests import factories
from tests.web.browser import sight
from tests.web.browser.looking import ALL_RULES, axe


class Walker:
    """Somebody who names things in English here and finds them in their language on the page."""

    def __init__(self, page: Page, name: str, language: str) -> None:
        self.page, self.name, self.language = page, name, language

    def words(self, text: str, context: str = "", **values: object) -> str:
        with translation.override(self.language):
            said = pgettext(context, text) if context else gettext(text)
        return said % values if values else said

    def link(self, text: str, **more: bool) -> Locator:
        return self.page.get_by_role("link", name=self.words(text), **{"exact": True} | more)

    def button(self, text: str, context: str = "", **more: bool) -> Locator:
        return self.page.get_by_role("button", name=self.words(text, context), **more)

    def field(self, text: str, **more: bool) -> Locator:
        return self.page.get_by_label(self.words(text), **more)

    def reads(self, text: str, context: str = "", **values: object) -> None:
        """This stands on the page, and the page is as pages are to be."""
        expect(self.page.get_by_text(self.words(text, context, **values)).first).to_be_visible()
        self.looks()

    def looks(self) -> None:
        """What somebody comes to is in their language, fits, and axe finds nothing."""
        here = f"{self.page.url} as {self.name} comes to it"
        sight.note(self.page.url)
        assert self.page.locator("html").get_attribute("lang") == self.language, here
        assert self.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, here
        axe(self.page, here, ALL_RULES)

    def begins(self) -> None:
        """Signs in by hand, from the front page."""
        self.page.goto("/")
        self.link("Sign in").first.click()
        self.signs_in()

    def signs_in(self) -> None:
        self.page.locator("input[name=login]").fill(self.name)
        self.page.locator("input[name=password]").fill(factories.PASSWORD)
        self.looks()
        main = self.page.get_by_role("main")
        main.get_by_role("button", name=self.words("Sign in")).click()
        expect(self.page.locator("summary", has_text=self.name)).to_be_visible()
        self.looks()
