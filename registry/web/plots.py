"""Figures drawn as SVG on the server: where each point stands. The numbers are in a table beside."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

WIDTH, HEIGHT = 320, 170
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 26
LOOKS = 4


@dataclass(frozen=True)
class Series:
    """One line of a plot; None where nothing was measured."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Dot:
    """Coordinates are text, so that no language writes them with a comma."""

    x: str
    y: str
    said: str


@dataclass(frozen=True)
class Line:
    name: str
    look: int
    path: str
    dots: list[Dot]
    shown: list[str]


@dataclass(frozen=True)
class Tick:
    at: str
    said: str


@dataclass(frozen=True)
class Plot:
    """A plot as the template draws it. `level` is a value to hold the others against."""

    title: str
    labels: list[str]
    lines: list[Line]
    ticks: list[Tick]
    marks: list[Tick]
    level: Tick | None
    level_name: str
    rows_name: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    foot: int = HEIGHT - BOTTOM


def plot(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    level: float | None = None,
    level_name: str = "",
    rows_name: str = "",
) -> Plot:
    """Points over labels that are evenly apart, on an axis from nothing to the largest."""
    drawn = [value for one in series for value in one.values if value is not None]
    top = _ceiling(max([*drawn, level or 0.0], default=0.0))
    lines = [_line(one, number % LOOKS, labels, top) for number, one in enumerate(series)]
    shown_marks = {0, len(labels) - 1} if len(labels) > 4 else set(range(len(labels)))
    return Plot(
        title=title,
        labels=list(labels),
        lines=lines,
        ticks=[Tick(_y(top * part, top), number(top * part)) for part in (0, 0.5, 1)],
        marks=[Tick(_x(place, len(labels)), labels[place]) for place in sorted(shown_marks)],
        level=None if level is None else Tick(_y(level, top), number(level)),
        level_name=level_name,
        rows_name=rows_name or _("Measured on"),
    )


def number(value: float | None) -> str:
    """A figure with as many places as tell something."""
    if value is None:
        return "–"
    places = 0 if abs(value) >= 100 or value == int(value) else 2
    # Digits that are not shown would be cut off, not rounded
    return str(
        number_format(round(value, places), decimal_pos=places, use_l10n=True, force_grouping=True)
    )


def _line(one: Series, look: int, labels: Sequence[str], top: float) -> Line:
    dots = [
        Dot(_x(place, len(labels)), _y(value, top), f"{labels[place]}: {number(value)}")
        for place, value in enumerate(one.values)
        if value is not None
    ]
    path = " ".join(f"{'L' if place else 'M'}{dot.x} {dot.y}" for place, dot in enumerate(dots))
    return Line(one.name, look, path, dots, [number(value) for value in one.values])


def _x(place: int, count: int) -> str:
    room = WIDTH - LEFT - RIGHT
    share = 0.5 if count < 2 else (place + 0.25) / (count - 0.5)
    return f"{LEFT + room * share:.1f}"


def _y(value: float, top: float) -> str:
    room = HEIGHT - TOP - BOTTOM
    return f"{TOP + room * (1 - max(0.0, min(1.0, value / top))):.1f}"


def _ceiling(value: float) -> float:
    """The next round number, so that the axis reads well."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    unit = float(10 ** math.floor(math.log10(value)))
    return next(unit * step for step in (1, 2, 2.5, 5, 10) if unit * step >= value * 0.999)
