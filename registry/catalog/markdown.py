"""How text that somebody uploaded becomes HTML: markdown first, then only what an allow-list lets by."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.anchors.index import slugify
from mdit_py_plugins.footnote import footnote_plugin

MAX_CHARACTERS = 200_000
# Tags and brackets that may all be open at once: each more makes every other one dearer
MAX_OPENERS = 8_000
# Signs that may begin something: a long text of nothing else takes seconds of every page view
MAX_MARKS = 20_000
# Of the texts of one answer together: each of this length may take half a second
MAX_OF_ALL = 256 * 1024
MAX_HEADINGS = 100
MAX_TITLE = 120
CARD = "card-"

TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "center",
        "code",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
        "var",
    ]
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "div": {"align"},
    "ol": {"start"},
    "p": {"align"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "*": {"id", "lang", "dir"},
}
_ACTIVE = {
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "template",
    "noscript",
    "form",
}
# What may be wider than the page can be scrolled with the keyboard too
_SCROLLING = {"pre": {"tabindex": "0"}, "table": {"tabindex": "0"}}
_WORDS = {"text", "code_inline", "softbreak"}
_OPENER = re.compile(r"<[a-z]|\[", re.IGNORECASE)
_MARK = re.compile(r"[|*_#`~]|^[ \t]*[-+>\d]", re.MULTILINE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True)
class Heading:
    """A heading of a text: its level on the page, and the id by which a link leads to it."""

    level: int
    id: str
    title: str


def render(text: str, *, files_url: str = "", prefix: str = CARD) -> SafeString:
    """Untrusted markdown as safe HTML.

    Pictures become their description: none is fetched for a reader. Ids get a prefix, so that they
    cannot stand in for the page's own, or for those of another text on it. Relative links lead
    below `files_url`. What would take long to take apart is shown as it was written.
    """
    return with_headings(text, files_url=files_url, prefix=prefix)[0]


def with_headings(
    text: str, *, files_url: str = "", prefix: str = CARD
) -> tuple[SafeString, list[Heading]]:
    """The same, and the headings that it has at its outermost level."""
    text = text[:MAX_CHARACTERS]
    if len(_OPENER.findall(text)) > MAX_OPENERS or len(_MARK.findall(text)) > MAX_MARKS:
        return _as_written(text), []
    env: dict[str, Any] = {}
    parser = _markdown()
    tokens = parser.parse(text, env)
    unsafe = parser.renderer.render(tokens, parser.options, env)
    return _clean(unsafe, files_url, prefix), _headings(tokens, prefix)


def _clean(unsafe: str, files_url: str, prefix: str) -> SafeString:
    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "href":
            return _link(value, files_url, prefix)
        return value

    clean = nh3.clean(
        unsafe,
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        clean_content_tags=_ACTIVE,
        set_tag_attribute_values=_SCROLLING,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer ugc",
        id_prefix=prefix,
    )
    return mark_safe(clean)  # noqa: S308 - this is the sanitised text


def _headings(tokens: Sequence[Token], prefix: str) -> list[Heading]:
    found = []
    for token, inline in zip(tokens, tokens[1:], strict=False):
        if token.type == "heading_open" and token.level == 0 and token.attrGet("id"):
            words = (one.content for one in inline.children or [] if one.type in _WORDS)
            if title := " ".join("".join(words).split())[:MAX_TITLE]:
                found.append(Heading(int(token.tag[1]), f"{prefix}{token.attrGet('id')}", title))
    return found[:MAX_HEADINGS]


class Renderer:
    """Renders the texts of one answer that have many authors. When they become long together, the
    rest is shown as it was written, so that nobody's comments keep every reader waiting."""

    def __init__(self) -> None:
        self._left = MAX_OF_ALL

    def __call__(self, text: str, *, prefix: str) -> SafeString:
        self._left -= len(text)
        return render(text, prefix=prefix) if self._left >= 0 else _as_written(text)


def _as_written(text: str) -> SafeString:
    return format_html('<pre tabindex="0">{}</pre>', text)


class _Slugs:
    """The ids of one text's headings, each another. The plugin itself would try one number after
    the other, anew for each of thousands of equal headings."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def __call__(self, title: str) -> str:
        slug = slugify(title)
        number = self._next.get(slug, 0)
        while (unique := f"{slug}-{number}" if number else slug) in self._given:
            number += 1
        self._given.add(unique)
        self._next[slug] = number + 1
        return unique


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.use(anchors_plugin, max_level=4, slug_func=_Slugs()).use(footnote_plugin)
    parser.core.ruler.push("demote headings", _demote)
    parser.add_render_rule("image", _picture)
    return parser


def _demote(state: Any) -> None:
    """The page has a title of its own: a card's headings begin one level below it."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"


def _picture(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    return f"<span>[{escape(tokens[index].content or 'picture')}]</span>"


def _link(target: str, files_url: str, prefix: str) -> str | None:
    if target.startswith("#"):
        return f"#{prefix}{target[1:]}"
    if target.startswith("/") or _SCHEME.match(target):
        return target
    if not files_url:
        return None
    path, _, _fragment = target.partition("#")
    inside = posixpath.normpath(unquote(path.partition("?")[0]))
    if inside.startswith(".."):
        return None
    return f"{files_url}/{quote(inside)}"
