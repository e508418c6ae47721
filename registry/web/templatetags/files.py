"""What pages about files and their differences share: anchors of lines, words for changes."""

import math
import re
from urllib.parse import quote, urlencode

from django import template
from django.utils.formats import number_format
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


@register.filter
def figure(value: float) -> str:
    """Four digits that count, however large or small the number is."""
    size = abs(value)
    if not math.isfinite(size):
        return "–"
    if size and not 1e-4 <= size < 1e6:
        return f"{value:.2e}"
    whole = len(str(int(size))) if size >= 1 else 0
    places = max(4 - whole, 0)
    # Digits that are not shown would be cut off, not rounded
    return str(number_format(round(value, places), places, force_grouping=True))


@register.filter
def share(value: float | None) -> str:
    """A share in percent; what is there at all is never shown as nothing."""
    # What was measured of hostile weights may be too large for any number
    if value is None or not math.isfinite(percent := value * 100):
        return "–"
    if abs(percent) >= 1e6:
        return f"{figure(percent)}\u00a0%"
    if 0 < percent < 0.01:
        return f"< {number_format(0.01, 2)}\u00a0%"
    return f"{number_format(round(percent, 2), 2, force_grouping=True)}\u00a0%" if percent else "="


@register.filter
def signed_share(value: float | None) -> str:
    if not value or not math.isfinite(value * 100):
        return share(value)
    return f"{'−' if value < 0 else '+'}{share(abs(value))}"


@register.filter
def patch_lines(patch: str) -> list[tuple[str, str]]:
    """The lines of a patch in a row that are of one kind: `head`, `place`, `new`, `gone` or `same`.
    Within a hunk the first character says it; above it, whatever stands there is head."""
    found: list[tuple[str, str]] = []
    in_hunk = False
    # Of what ends lines elsewhere, a patch knows but one
    for line in re.findall(r"[^\n]*\n|[^\n]+", patch):
        if line.startswith("diff --git "):
            in_hunk = False
        kind = {"@": "place", "+": "new", "-": "gone"}.get(line[:1], "same")
        if kind == "place":
            in_hunk = True
        elif not in_hunk:
            kind = "head"
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + line)
        else:
            found.append((kind, line))
    return found
