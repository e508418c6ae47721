"""Every page is looked at: this test names those that nobody looks at."""

from importlib import import_module
from pathlib import Path

from tests.web.browser import sight


def test_every_page_has_a_test_that_looks_at_it() -> None:
    """A new page fails here until a test in this folder looks at it, in every width, colour and
    language, and says so with `@pytest.mark.looks_at`; what is no page goes to `sight.NO_PAGES`."""
    said = [
        name
        for file in sorted(Path(__file__).parent.glob("test_*.py"))
        for made in vars(import_module(f"{__package__}.{file.stem}")).values()
        for mark in getattr(made, "pytestmark", [])
        if mark.name == "looks_at"
        for name in mark.args
    ]

    assert sight.pages() - set(said) == set(), "nobody looks at these pages"
    assert set(said) - sight.pages() == set(), "there are no such pages"
    assert len(said) == len(set(said)), "two tests are answerable for one page"


def test_nothing_is_called_no_page_that_is_not_there() -> None:
    assert set().union(*sight.NO_PAGES.values()) <= sight.read()
