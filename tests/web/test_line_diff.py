"""Comparing texts line by line: right, shortest, and never long whatever the texts are."""

import random
from functools import cache

from registry.web.line_diff import Effort, Line, hunks_of, lines_of


def compared(old: list[str], new: list[str], effort: Effort | None = None) -> list[Line]:
    hunks = hunks_of(old, new, effort or Effort())
    return [line for hunk in hunks for line in hunk.lines]


def _same(old: list[str], new: list[str]) -> int:
    """How many lines the longest way has in common."""

    @cache
    def longest(i: int, j: int) -> int:
        if i == len(old) or j == len(new):
            return 0
        if old[i] == new[j]:
            return 1 + longest(i + 1, j + 1)
        return max(longest(i + 1, j), longest(i, j + 1))

    return longest(0, 0)


def test_as_few_lines_as_possible_differ_and_both_texts_can_be_read_from_it() -> None:
    dice = random.Random(7)  # noqa: S311 - the same texts each time
    for _ in range(300):
        old, new = ([dice.choice("abc") for _ in range(dice.randint(0, 9))] for _ in range(2))
        lines = compared(old, new)
        gone = {line.before: line.text for line in lines if line.before}
        come = {line.after: line.text for line in lines if line.after}
        assert all(old[number - 1] == text for number, text in gone.items())
        assert all(new[number - 1] == text for number, text in come.items())
        removed = sum(line.kind == "removed" for line in lines)
        added = sum(line.kind == "added" for line in lines)
        assert len(old) - removed == len(new) - added == _same(old, new)


def test_lines_carry_the_numbers_of_both_sides_and_three_around_a_change() -> None:
    old = [str(number) for number in range(1, 21)]
    new = [*old[:9], "ten", *old[10:]]

    (hunk,) = hunks_of(old, new, Effort())

    assert [(line.kind, line.before, line.after) for line in hunk.lines[2:6]] == [
        ("same", 9, 9),
        ("removed", 10, None),
        ("added", None, 10),
        ("same", 11, 11),
    ]
    assert len(hunk.lines) == 8
    assert [line.mark for line in hunk.lines[3:5]] == ["B10", "L10"]
    assert [line.side for line in hunk.lines[3:5]] == ["before", "after"]


def test_a_text_whose_comparing_takes_too_long_is_shown_as_replaced() -> None:
    old = [f"old {number}" for number in range(400)]
    new = [f"new {number}" for number in range(400)]
    effort = Effort(steps=1_000)

    lines = compared(["first", *old, "last"], ["first", *new, "last"], effort)

    assert [line.kind for line in lines] == ["same", *["removed"] * 400, *["added"] * 400, "same"]
    assert effort.left < 0


def test_what_nobody_would_see_in_a_line_is_made_visible() -> None:
    assert lines_of("a\u202eb\r\nc\td\x1b[0m\n") == ["a\\u{202e}b", "c\td\\u{1b}[0m"]
    assert lines_of("می\u200cخواهم") == ["می\u200cخواهم"]
    assert lines_of("") == []
