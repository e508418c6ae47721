"""Which lines of two texts differ, in hunks with the line numbers of both sides.

Whatever the texts, comparing them costs a bounded number of steps: those of one `Effort`, which all
texts of an answer share. Where it is used up a text is shown as replaced, which is true of it too.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

AROUND = 3
MAX_EDITS = 1_500
# Of one answer: about a second
STEPS = 4_000_000
# Letters of Persian, Hindi and many others are joined by these
_JOINERS = "\u200c\u200d"
MARKS = {"same": " ", "removed": "-", "added": "+"}
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Line:
    """`before` and `after` are its numbers on the two sides, from 1; None where it is not there."""

    kind: str  # same, removed, added
    before: int | None
    after: int | None
    text: str

    @property
    def side(self) -> str:
        """The side on which it is remarked: the newer one wherever it is there."""
        return "before" if self.after is None else "after"

    @property
    def number(self) -> int:
        return self.after or self.before or 0

    @property
    def mark(self) -> str:
        """Its part of an anchor: `L` and the number on the newer side, `B` on the older one."""
        return f"{'B' if self.after is None else 'L'}{self.number}"


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ, with some around them that do not."""

    lines: tuple[Line, ...]

    @property
    def before(self) -> int | None:
        return next((line.before for line in self.lines if line.before), None)

    @property
    def after(self) -> int | None:
        return next((line.after for line in self.lines if line.after), None)


class Effort:
    """The steps that comparing may still take."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps


def lines_of(text: str) -> list[str]:
    """The lines as editors count them, each with what nobody would see in it made visible."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [readable(line) for line in (lines[:-1] if lines[-1] == "" else lines)]


def readable(line: str) -> str:
    """A line in which no character hides or turns others around: `\\u{202e}` in its place."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(_visible(character) for character in line)


def hunks_of(old: Sequence[str], new: Sequence[str], effort: Effort) -> list[Hunk]:
    """What differs, as few lines as possible, or the whole middle where that takes too long."""
    lines = _lines(old, new, effort)
    near = [False] * len(lines)
    for place, line in enumerate(lines):
        if line.kind != "same":
            for around in range(max(place - AROUND, 0), min(place + AROUND + 1, len(lines))):
                near[around] = True
    return [
        Hunk(tuple(line for line, _ in pairs))
        for is_near, pairs in groupby(zip(lines, near, strict=True), key=lambda pair: pair[1])
        if is_near
    ]


def unified(
    old: Sequence[str], new: Sequence[str], names: tuple[str, str], effort: Effort
) -> Iterator[str]:
    """The change as `patch` takes it, nothing where there is none. Each line has its end; the last
    may have none."""
    for place, hunk in enumerate(hunks_of(old, new, effort)):
        if not place:
            yield f"--- {names[0]}\n+++ {names[1]}\n"
        yield f"@@ -{_span(hunk, 'before')} +{_span(hunk, 'after')} @@\n"
        for line in hunk.lines:
            end = "" if line.text.endswith("\n") else "\n\\ No newline at end of file\n"
            yield MARKS[line.kind] + line.text + end


def _span(hunk: Hunk, side: str) -> str:
    """First line and number of lines of one side. A hunk without lines there has none of that side:
    one with any has all of it around."""
    numbers = [number for line in hunk.lines if (number := getattr(line, side)) is not None]
    if not numbers:
        return "0,0"
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]},{len(numbers)}"


def _lines(old: Sequence[str], new: Sequence[str], effort: Effort) -> list[Line]:
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    found = [Line("same", place + 1, place + 1, old[place]) for place in range(head)]
    for i, j in _way(a, b, effort):
        if i is not None and j is not None:
            found.append(Line("same", head + i + 1, head + j + 1, a[i]))
        elif i is not None:
            found.append(Line("removed", head + i + 1, None, a[i]))
        elif j is not None:
            found.append(Line("added", None, head + j + 1, b[j]))
    for place in range(tail, 0, -1):
        at = len(old) - place
        found.append(Line("same", at + 1, len(new) - place + 1, old[at]))
    return found


def _way(a: Sequence[str], b: Sequence[str], effort: Effort) -> list[tuple[int | None, int | None]]:
    """The pairs of lines on the shortest way from one to the other (E. Myers, 1986)."""
    trace = _trace(a, b, effort) if a and b else None
    if trace is None:
        return [*((i, None) for i in range(len(a))), *((None, j) for j in range(len(b)))]
    way: list[tuple[int | None, int | None]] = []
    x, y = len(a), len(b)
    for depth in range(len(trace) - 1, -1, -1):
        reach, k = trace[depth], x - y
        down = k == -depth or (k != depth and reach[k - 1 + depth + 1] < reach[k + 1 + depth + 1])
        from_k = k + 1 if down else k - 1
        from_x = reach[from_k + depth + 1] if depth else 0
        from_y = from_x - from_k if depth else 0
        while x > from_x and y > from_y:
            x, y = x - 1, y - 1
            way.append((x, y))
        if depth:
            way.append((None, y - 1) if down else (x - 1, None))
            x, y = from_x, from_y
    way.reverse()
    return _removed_first(way)


def _trace(a: Sequence[str], b: Sequence[str], effort: Effort) -> list[list[int]] | None:
    """How far each diagonal reached before each edit, by its number plus the edits plus one."""
    n, m = len(a), len(b)
    most = min(n + m, MAX_EDITS)
    middle = most + 1
    reach = [0] * (2 * most + 3)
    trace = []
    for depth in range(most + 1):
        trace.append(reach[middle - depth - 1 : middle + depth + 2])
        for k in range(-depth, depth + 1, 2):
            at = middle + k
            down = k == -depth or (k != depth and reach[at - 1] < reach[at + 1])
            x = start = reach[at + 1] if down else reach[at - 1] + 1
            while x < n and x - k < m and a[x] == b[x - k]:
                x += 1
            reach[at] = x
            effort.left -= 1 + x - start
            if x >= n and x - k >= m:
                return trace
        if effort.left < 0:
            return None
    return None


def _removed_first(
    way: list[tuple[int | None, int | None]],
) -> list[tuple[int | None, int | None]]:
    """Of a change, what goes before what comes: so is it read."""
    found: list[tuple[int | None, int | None]] = []
    added: list[tuple[int | None, int | None]] = []
    for pair in way:
        if pair[0] is None:
            added.append(pair)
            continue
        if pair[1] is not None:
            found += added
            added = []
        found.append(pair)
    return found + added


def _visible(character: str) -> str:
    is_hidden = unicodedata.category(character) in _HIDDEN
    if not is_hidden or character == "\t" or character in _JOINERS:
        return character
    return f"\\u{{{ord(character):x}}}"
