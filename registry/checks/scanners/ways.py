"""Whether matching a regular expression could take exponential time, judged from its tree alone.

Its parts become positions with the characters that each may match. Inside a loop a text must have
one way only through the positions: else a matcher that goes back tries them all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from registry.checks.scanners.expressions import (
    ENDLESS,
    Aside,
    Either,
    Node,
    Refused,
    Repeat,
    Sequence,
    Set,
    tree_of,
)

MAX_POSITIONS = 4000
# A loop that ends sooner is as good as none; repeats of so few are written out.
SHORT = 16
# Loops that can take over from each other: of n characters they make n to that power of ways.
MOST_IN_A_ROW = 3
_AMBIGUOUS = "a part that repeats matches the same text in several ways"
_ROW = "too many parts that repeat can share the same text"


def check(text: str, *, most_in_a_row: int = MOST_IN_A_ROW) -> None:
    """Raise Refused unless the expression is short, plain, has one way through each loop, and few
    ways to share a text among its loops."""
    tree = tree_of(text)
    _Judge().check(tree)
    for node in [tree, *(one.body for one in _parts(tree) if isinstance(one, Aside))]:
        _refuse_rows(node, {0: 0}, most_in_a_row)


@dataclass(frozen=True)
class _Span:
    """A part as positions: where it may begin and end, and whether it may be empty."""

    empty: bool
    first: frozenset[int]
    last: frozenset[int]


_NOTHING = _Span(True, frozenset(), frozenset())


class _Judge:
    """Follows which position may come after which, inside loops alone."""

    def __init__(self) -> None:
        self.masks: list[int] = []
        self.follow: list[set[int]] = []

    def check(self, node: Node) -> None:
        """Refuse where a loop within the node has two ways for one text."""
        for loop in _loops(node):
            if any(one.most is None for one in _loops(loop.body)):
                raise Refused(ENDLESS)
            self.masks, self.follow = [], []
            span = self._span(loop.body)
            if span.empty and loop.most is not None:
                raise Refused(_AMBIGUOUS)
            self._link(span.last, span.first)
        for sequence in _parts(node):
            if isinstance(sequence, Sequence):
                _refuse_many_choices(sequence)

    def _span(self, node: Node) -> _Span:
        match node:
            case Set():
                return self._position(node)
            case Sequence():
                span = _NOTHING
                for part in node.parts:
                    span = self._joined(span, self._span(part))
                return span
            case Either():
                spans = [self._span(branch) for branch in node.branches]
                if sum(span.empty for span in spans) > 1:
                    raise Refused(_AMBIGUOUS)
                first: frozenset[int] = frozenset()
                for span in spans:
                    self._apart(first, span.first)
                    first |= span.first
                last = frozenset().union(*(span.last for span in spans))
                return _Span(any(span.empty for span in spans), first, last)
            case Repeat():
                return self._repeat(node)
            case _:
                return _NOTHING

    def _position(self, node: Set) -> _Span:
        if len(self.masks) >= MAX_POSITIONS:
            raise Refused("a part that repeats is too large")
        self.masks.append(node.mask)
        self.follow.append(set())
        only = frozenset([len(self.masks) - 1])
        return _Span(False, only, only)

    def _repeat(self, node: Repeat) -> _Span:
        if node.most == 0:
            return _NOTHING
        if node.most is None or node.most > SHORT:
            span = self._span(node.body)
            self._link(span.last, span.first)
            return _Span(span.empty or not node.least, span.first, span.last)
        span = _NOTHING
        for count in reversed(range(node.most)):
            span = self._joined(self._span(node.body), span)
            if count >= node.least:
                span = _Span(True, span.first, span.last)
        return span

    def _joined(self, left: _Span, right: _Span) -> _Span:
        self._link(left.last, right.first)
        if left.empty:
            self._apart(left.first, right.first)
        return _Span(
            left.empty and right.empty,
            left.first | right.first if left.empty else left.first,
            right.last | left.last if right.empty else right.last,
        )

    def _link(self, before: frozenset[int], after: frozenset[int]) -> None:
        for position in before:
            self._apart(self.follow[position], after)
            self.follow[position] |= after

    def _apart(self, known: frozenset[int] | set[int], more: frozenset[int]) -> None:
        taken = 0
        for position in known:
            taken |= self.masks[position]
        for position in more:
            if taken & self.masks[position]:
                raise Refused(_AMBIGUOUS)


def _refuse_many_choices(sequence: Sequence) -> None:
    """`a?a?a?…` has no loop, and more ways than one of that length."""
    row, before = 0, 0
    for part in sequence.parts:
        empty, mask = _beginning(part)
        row = row + 1 if empty and mask & before else 0
        if row > SHORT // 2:
            raise Refused(_AMBIGUOUS)
        before = mask


def _refuse_rows(node: Node, before: dict[int, int], most: int) -> dict[int, int]:
    """`before` and the answer: by what the loop at hand matches, how many took over so far."""
    match node:
        case Set():
            # A loop goes on through what stands between it and the next, where it can match that.
            return _most((mask if mask & node.mask else 0, n) for mask, n in before.items())
        case Sequence():
            for part in node.parts:
                before = _refuse_rows(part, before, most)
            return before
        case Either():
            after = [_refuse_rows(branch, before, most) for branch in node.branches]
            return _most(pair for each in after for pair in each.items())
        case Repeat() if node.most is None or node.most * _times(node.body) > SHORT:
            body = _everything(node.body)
            taken = _most((body, n + bool(mask & body)) for mask, n in before.items())
            if max(taken.values()) >= most:
                raise Refused(_ROW)
            return taken if node.least else _most([*before.items(), *taken.items()])
        case Repeat():
            for count in range(node.most or 0):
                once = _refuse_rows(node.body, before, most)
                before = once if count < node.least else _most([*before.items(), *once.items()])
            return before
        case _:
            return before


def _most(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for mask, count in pairs:
        found[mask] = max(count, found.get(mask, 0))
    return found


def _everything(node: Node) -> int:
    """Every character that some part of the node may match."""
    mask = 0
    for one in _parts(node):
        mask |= one.mask if isinstance(one, Set) else 0
    return mask


def _beginning(node: Node) -> tuple[bool, int]:
    """Whether the part may be empty, and the characters that it may begin with."""
    match node:
        case Set():
            return False, node.mask
        case Repeat():
            empty, mask = _beginning(node.body)
            return empty or not node.least, mask
        case Sequence():
            mask = 0
            for part in node.parts:
                empty, more = _beginning(part)
                mask |= more
                if not empty:
                    return False, mask
            return True, mask
        case Either():
            found = [_beginning(branch) for branch in node.branches]
            mask = 0
            for _, more in found:
                mask |= more
            return any(empty for empty, _ in found), mask
        case _:
            return True, 0


def _parts(node: Node) -> Iterator[Node]:
    """The node and all within it, the outer ones first."""
    stack: list[Node] = [node]
    while stack:
        yield (one := stack.pop())
        match one:
            case Sequence():
                stack += one.parts
            case Either():
                stack += one.branches
            case Aside() | Repeat():
                stack.append(one.body)


def _loops(node: Node) -> Iterator[Repeat]:
    """Every part that repeats more than a few times, together with what repeats within it."""
    for one in _parts(node):
        if isinstance(one, Repeat) and (one.most is None or one.most * _times(one.body) > SHORT):
            yield one


def _times(node: Node) -> int:
    """How often the repeats within the node multiply at most; one without end is a loop by itself."""
    match node:
        case Repeat():
            return (node.most or 1) * _times(node.body)
        case Sequence():
            return max(map(_times, node.parts), default=1)
        case Either():
            return max(map(_times, node.branches))
        case _:
            return 1
