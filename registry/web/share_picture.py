"""The picture that a link to a model shows where it is shared: its row of the catalog, drawn."""

import io
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

SIZE = (1200, 630)  # pixels, as previews of links take them
MARGIN = 80
POINT = "·"
WIDTH = SIZE[0] - 2 * MARGIN
# The site's colours by night, as static/css/tokens.css has them
PAPER, INK, SOFT = (17, 21, 26), (239, 235, 226), (188, 184, 176)
MARK, ON_MARK, DOT = (178, 184, 255), (16, 19, 34), (150, 84, 0)
LOOKS = {
    "is-passed": ((18, 52, 33), (128, 222, 156)),
    "is-warned": ((56, 40, 10), (244, 190, 98)),
    "is-blocked": ((72, 30, 26), (255, 178, 166)),
    "is-unknown": ((40, 43, 49), (206, 203, 196)),
}
# From large to small: the size of the name, and how many lines of it there is room for
NAME_SIZES = ((92, 1), (76, 1), (64, 1), (60, 2), (50, 2), (36, 3))
# A name may be cut after these signs
_PARTS = re.compile(r"[^-_.]+[-_.]*|[-_.]+")


@dataclass(frozen=True)
class Shown:
    """What stands on it. The font draws ASCII and the point in the middle, so nothing else is drawn."""

    site: str
    owner: str
    name: str
    base: str
    facts: str
    look: str
    state: str
    rest: str


def draw(shown: Shown) -> bytes:
    """The picture as PNG, 1200 by 630 pixels."""
    image = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(image)
    _brand(pen, shown.site)
    down = 176
    pen.text((MARGIN, down), _fitting(shown.owner, 40), SOFT, _font(40))
    down += 58
    size, lines = _set(_drawable(shown.name))
    for line in lines:
        pen.text((MARGIN, down), line, INK, _font(size), stroke_width=1 + size // 60)
        down += round(size * 1.18)
    pen.text((MARGIN, down + 14), _fitting(shown.base, 34), SOFT, _font(34))
    pen.text((MARGIN, 456), _fitting(shown.facts, 36), INK, _font(36))
    end = _badge(pen, shown.look, _drawable(shown.state))
    pen.text(
        (end + 24, 551),
        _fitting(shown.rest, 30, SIZE[0] - MARGIN - end - 24),
        SOFT,
        _font(30),
        "lm",
    )
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return kept.getvalue()


def _brand(pen: ImageDraw.ImageDraw, site: str) -> None:
    left, top, side = MARGIN, 68, 56
    pen.rounded_rectangle((left, top, left + side, top + side), 12, MARK)
    pen.rectangle((left + 16, top + 14, left + 22, top + 42), ON_MARK)
    pen.rectangle((left + 16, top + 36, left + 40, top + 42), ON_MARK)
    pen.ellipse((left + 30, top + 15, left + 42, top + 27), DOT)
    pen.text((left + side + 20, top + side // 2), _fitting(site, 34), INK, _font(34), "lm")


def _badge(pen: ImageDraw.ImageDraw, look: str, state: str) -> float:
    """The state in its colour; gives where it ends."""
    paper, ink = LOOKS.get(look, LOOKS["is-unknown"])
    font = _font(30)
    end = MARGIN + 48 + font.getlength(state)
    pen.rounded_rectangle((MARGIN, 526, end, 576), 25, paper)
    pen.text((MARGIN + 24, 551), state, ink, font, "lm", stroke_width=0.5)
    return end


def _set(name: str) -> tuple[int, list[str]]:
    """The largest size in which the name fits, and its lines."""
    for size, most in NAME_SIZES:
        lines = _lines(name, _font(size))
        if len(lines) <= most:
            break
    return size, lines


def _lines(name: str, font: Any) -> list[str]:
    """The name in lines that end after a dash or a point where they can, else anywhere."""
    lines = [""]
    for part in _PARTS.findall(name):
        pieces = [part] if font.getlength(part) <= WIDTH else list(part)
        for piece in pieces:
            if font.getlength(lines[-1] + piece) > WIDTH:
                lines.append("")
            lines[-1] += piece
    return lines


def _fitting(text: str, size: int, width: float = WIDTH) -> str:
    """As much of it as one line has room for."""
    font, text = _font(size), _drawable(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text.rstrip()}..."


def _drawable(text: str) -> str:
    plain = unicodedata.normalize("NFKD", " ".join(text[:200].split()))
    return "".join(sign for sign in plain if sign.isascii() or sign == POINT)


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)
