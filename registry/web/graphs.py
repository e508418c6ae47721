"""A graph drawn from left to right as SVG on the server: in which column and row each node stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 216, 72
COLUMN_GAP, ROW_GAP, MARGIN = 76, 24, 8
BAND, TIP, INSET = 6, 7, 8
MAX_BANDS = 4
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Node:
    """`column` counts from the roots to the leaves. `bands` are places in the list of licenses."""

    key: str
    column: int
    bands: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edge:
    """`above` is where `below` comes from; `bands` are what comes down along it."""

    above: str
    below: str
    bands: tuple[int, ...] = ()


@dataclass(frozen=True)
class Band:
    look: int
    path: str = ""
    y: str = ""
    height: str = ""


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    bands: list[Band]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Curve:
    """`x` and `y` are its middle; `tip` is the point of the arrow, "" where none leads on."""

    path: str
    bands: list[Band]
    x: str
    y: str
    tip: str = ""


@dataclass(frozen=True)
class Graph:
    """Boxes by the keys of their nodes; curves in the order of the edges."""

    boxes: dict[str, Box]
    curves: list[Curve]
    width: int
    height: int


def laid_out(nodes: Sequence[Node], edges: Sequence[Edge]) -> Graph:
    """Each column is centred, its nodes near those that they come from or lead to."""
    columns: dict[int, list[Node]] = {}
    for node in nodes:
        columns.setdefault(node.column, []).append(node)
    order = _ordered(columns, edges)
    tallest = max((len(column) for column in order.values()), default=0)
    height = tallest * HEIGHT + max(0, tallest - 1) * ROW_GAP + 2 * MARGIN
    first = min(columns, default=0)
    boxes = {}
    for place, column in order.items():
        used = len(column) * HEIGHT + (len(column) - 1) * ROW_GAP
        x = MARGIN + (place - first) * (WIDTH + COLUMN_GAP)
        top = (height - used) // 2
        for row, node in enumerate(column):
            boxes[node.key] = Box(x, top + row * (HEIGHT + ROW_GAP), _stripes(node.bands))
    count = max(columns, default=0) - first + 1
    width = count * WIDTH + (count - 1) * COLUMN_GAP + 2 * MARGIN
    return Graph(boxes, [_curve(edge, boxes) for edge in edges], width, height)


def columns_of(keys: Sequence[str], edges: Sequence[tuple[str, str]], root: str) -> dict[str, int]:
    """The column of each key, `root` at 0: whoever another comes from stands further left. Circles
    end somewhere."""
    places = dict.fromkeys(keys, 0)
    for _round in range(len(keys)):
        moved = False
        for above, below in edges:
            if places[above] >= places[below] and above != root and places[below] > -len(keys):
                places[above], moved = places[below] - 1, True
        if not moved:
            break
    return places


def _ordered(columns: Mapping[int, list[Node]], edges: Sequence[Edge]) -> dict[int, list[Node]]:
    """From the column with the root outwards, each node as high as the middle of its neighbours."""
    neighbours: dict[str, list[str]] = {}
    for edge in edges:
        neighbours.setdefault(edge.above, []).append(edge.below)
        neighbours.setdefault(edge.below, []).append(edge.above)
    heights: dict[str, float] = {}
    found: dict[int, list[Node]] = {}
    for place in sorted(columns, key=lambda one: (abs(one), one)):
        column = sorted(columns[place], key=lambda node: _middle(node.key, neighbours, heights))
        found[place] = column
        for row, node in enumerate(column):
            heights[node.key] = row - (len(column) - 1) / 2
    return dict(sorted(found.items()))


def _middle(key: str, neighbours: Mapping[str, list[str]], heights: Mapping[str, float]) -> float:
    known = [heights[one] for one in neighbours.get(key, ()) if one in heights]
    return sum(known) / len(known) if known else 0.0


def _stripes(bands: Sequence[int]) -> list[Band]:
    shown = bands[:MAX_BANDS]
    height = (HEIGHT - 2 * INSET) / max(1, len(shown))
    return [
        Band(band % MAX_BANDS, y=f"{INSET + row * height:.1f}", height=f"{height:.1f}")
        for row, band in enumerate(shown)
    ]


def _curve(edge: Edge, boxes: Mapping[str, Box]) -> Curve:
    start, end = boxes[edge.above], boxes[edge.below]
    if start.x == end.x:
        return _beside(start, end)
    x1, y1 = start.x + WIDTH, start.y + HEIGHT // 2
    x2, y2 = end.x - TIP, end.y + HEIGHT // 2
    shown = edge.bands[:MAX_BANDS]
    bands = []
    for row, band in enumerate(shown):
        shift = (row - (len(shown) - 1) / 2) * BAND
        bands.append(Band(band % MAX_BANDS, _path(x1, y1 + shift, x2, y2 + shift)))
    tip = f"M{x2} {y2 - TIP / 2} L{end.x} {y2} L{x2} {y2 + TIP / 2} Z"
    middle = f"{(x1 + x2) / 2:.1f}", f"{(y1 + y2) / 2:.1f}"
    return Curve(_path(x1, y1, x2, y2), bands, *middle, tip)


def _beside(one: Box, other: Box) -> Curve:
    """Between two of one column, of which neither is said to come from the other."""
    upper, lower = sorted((one, other), key=lambda box: box.y)
    x, y1, y2 = upper.x + WIDTH // 2, upper.y + HEIGHT, lower.y
    return Curve(f"M{x} {y1} L{x} {y2}", [], f"{x}", f"{(y1 + y2) / 2:.1f}")


def _path(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f"M{x1} {y1:.1f} C{middle} {y1:.1f} {middle} {y2:.1f} {x2} {y2:.1f}"


def letter(place: int) -> str:
    """What a license is called in the graph, beside its colour."""
    return LETTERS[place] if place < len(LETTERS) else "*"
