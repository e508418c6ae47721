"""Cards are hostile: what reaches a page from one."""

import re
from html.parser import HTMLParser

import pytest
from django.utils.html import escape

from registry.catalog import markdown
from tests import turns

HARMLESS = {"href", "id", "rel", "title", "align", "open", "start", "tabindex"}
SCHEMES = ("https://", "http://", "mailto:", "/", "#")


class Seen(HTMLParser):
    """What a browser would find in the text: tags, attributes, where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name: value or "" for name, value in attrs}


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://elsewhere.example/pixel.png)",
        '![x](javascript:alert(1) "t")',
        "[click](javascript:alert(1))",
        "[click](JaVaScRiPt:alert(1))",
        "[click](data:text/html;base64,PHNjcmlwdD4=)",
        "<a href='jav&#x09;ascript:alert(1)'>x</a>",
        "<svg><script>alert(1)</script></svg>",
        "<svg onload=alert(1)>",
        "<math><mtext></table><img src=x onerror=alert(1)></mtext></math>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action=/settings/tokens method=post><button>go</button></form>",
        "<p style='position:fixed;inset:0'>over everything</p>",
        "<style>body{display:none}</style>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<meta http-equiv=refresh content='0;url=https://elsewhere.example'>",
        "<base href=https://elsewhere.example>",
        "<details ontoggle=alert(1) open>x</details>",
        '"><script>alert(1)</script>',
        "`<script>`\n\n<video><source onerror=alert(1)></video>",
    ],
)
def test_nothing_active_survives(hostile: str) -> None:
    made = markdown.render(hostile, files_url="/lab/m/blob/main")

    seen = Seen(made)
    assert seen.tags <= markdown.TAGS, made
    assert set(seen.attributes) <= HARMLESS, made
    assert seen.attributes.get("href", "#").startswith(SCHEMES), made


def test_ids_and_links_within_the_card_get_a_prefix() -> None:
    made = markdown.render("<h2 id='main'>Use</h2>\n\n[there](#main)")

    assert 'id="card-main"' in made
    assert 'href="#card-main"' in made


def test_headings_begin_below_the_title_of_the_page() -> None:
    assert "<h2" in markdown.render("# Title")
    assert "<h1" not in markdown.render("# Title")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("LICENSE", "/lab/m/blob/main/LICENSE"),
        ("./docs/use%20it.md#part", "/lab/m/blob/main/docs/use%20it.md"),
        ("https://example.org/a", "https://example.org/a"),
    ],
)
def test_relative_links_lead_to_the_files_of_the_revision(target: str, expected: str) -> None:
    made = markdown.render(f"[x]({target})", files_url="/lab/m/blob/main")

    assert f'href="{expected}"' in made


def test_a_link_that_leaves_the_repository_leads_nowhere() -> None:
    assert "href" not in markdown.render("[x](../../../settings)", files_url="/lab/m/blob/main")


def test_tables_and_code_stay() -> None:
    made = markdown.render("| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx < 1\n```")

    assert "<table" in made
    assert "x &lt; 1" in made


def test_a_deeply_nested_card_is_rendered_all_the_same() -> None:
    assert markdown.render("> " * 5000 + "x")
    assert markdown.render("[" * 20_000)


def test_headings_of_one_name_have_ids_of_their_own() -> None:
    html = markdown.render("# a\n# a-1\n# a\n# a\n# b")
    assert re.findall(r'id="card-([^"]*)"', html) == ["a", "a-1", "a-2", "a-3", "b"]


@pytest.mark.parametrize("heading", ["# a\n", "a\n-\n", "#\n"])
def test_thousands_of_equal_headings_take_no_longer_than_others(heading: str) -> None:
    with turns.at_most(1000):
        markdown.render(heading * 8_000)


@pytest.mark.parametrize("opener", ["<div>", "<i><b>", "![", "[", "[[a](", "<DIV>\n\n"])
@pytest.mark.parametrize("size", [9_000, 30_000, 200_000])
def test_what_opens_and_never_closes_takes_no_long_time(opener: str, size: int) -> None:
    with turns.at_most(300):
        shown = markdown.render((opener * size)[:size])

    assert "<div>" not in shown or shown.count("<div>") == shown.count("</div>")


def test_what_has_too_many_brackets_is_shown_as_it_was_written() -> None:
    text = "<b> & **so on** " + "[" * markdown.MAX_OPENERS

    assert markdown.render(text) == f'<pre tabindex="0">{escape(text)}</pre>'
    assert "<strong>so on</strong>" in markdown.render(text[:-100])


@pytest.mark.parametrize("line", ["# a\n", "- a\n", "*a*\n", "|a|b|\n", "1. a\n"])
def test_what_is_nothing_but_marks_is_shown_as_it_was_written(line: str) -> None:
    text = line * (markdown.MAX_MARKS + 1)

    assert markdown.render(text).startswith('<pre tabindex="0">')


def test_texts_that_are_long_together_are_shown_as_they_were_written() -> None:
    render = markdown.Renderer()
    long = "*so* on and on, " * (markdown.MAX_OF_ALL // 32)

    shown = [render(long, prefix="c-") for _ in range(3)]

    assert ["<em>so</em>" in one for one in shown] == [True, True, False]
    assert shown[2].startswith('<pre tabindex="0">*so* on')
