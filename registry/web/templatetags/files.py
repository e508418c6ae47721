"""What pages about files and their differences share: anchors of lines, words for changes."""

from urllib.parse import quote, urlencode

from django import template
from django.utils.translation import pgettext_lazy

from registry.releases.line_diff import Line
from registry.web.revision_diff import TextDiff, anchor_of

register = template.Library()

_CHANGES = {
    "added": pgettext_lazy("file", "new"),
    "removed": pgettext_lazy("file", "gone"),
    "changed": pgettext_lazy("file", "changed"),
    "renamed": pgettext_lazy("file", "renamed"),
}


@register.simple_tag
def change_word(kind: str) -> str:
    return str(_CHANGES.get(kind, kind))


@register.filter
def line_key(text: TextDiff, line: Line) -> str:
    """The id of a line on the page: `f…-L12` on the newer side, `f…-B12` on the older one."""
    return f"{text.anchor}-{line.mark}"


@register.filter
def remark_query(text: TextDiff, line: Line) -> str:
    path = text.path if line.side == "after" else text.before_path
    return urlencode({"path": path, "line": line.number, "side": line.side}, quote_via=quote)


@register.filter
def path_query(text: TextDiff) -> str:
    return urlencode({"path": text.path}, quote_via=quote)


@register.filter
def anchor_of_path(path: str) -> str:
    return anchor_of(path)
