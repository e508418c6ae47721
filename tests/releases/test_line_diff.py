"""Comparing texts line by line: right, shortest, and never long whatever the texts are."""

import difflib
import random
import re
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from registry.releases.line_diff import Effort, Line, hunks_of, lines_of, unified
from tests import turns


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


TEXTS = st.lists(st.sampled_from(["", "a", "b", "c\r", "d\x0ce", "--- a", "+++ b", "\u2028"]))
HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")
ENDLESS = "\\ No newline at end of file\n"


def ended(lines: list[str], *, has_end: bool) -> list[str]:
    """Each with its end, the last perhaps without."""
    text = "\n".join(lines) + ("\n" if has_end and lines else "")
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def patched(old: list[str], patch: str) -> list[str]:
    """What `patch` makes of it, and no less strict: numbers, counts and lines have to be right."""
    new: list[str] = []
    at = 0
    lines = re.findall(r"[^\n]*\n", patch)
    assert "".join(lines) == patch
    rest = lines[2:]
    assert not lines or lines[:2] == ["--- a/x\n", "+++ b/x\n"]
    while rest:
        head = HEAD.fullmatch(rest.pop(0))
        assert head is not None
        first, removed, start, added = (int(one) if one else 1 for one in head.groups())
        before = first - 1 if removed else first
        new += old[at:before]
        at = before
        assert len(new) == (start - 1 if added else start)
        while removed or added:
            mark, text = (line := rest.pop(0))[0], line[1:]
            if rest and rest[0] == ENDLESS:
                text = text[:-1]
                rest.pop(0)
            if mark in " -":
                assert old[at] == text
                at, removed = at + 1, removed - 1
            if mark in " +":
                new.append(text)
                added -= 1
    return new + old[at:]


@given(TEXTS, TEXTS, st.booleans(), st.booleans(), st.sampled_from([0, 5, 10_000]))
def test_the_patch_applied_gives_the_new_text(
    one: list[str], other: list[str], ends: bool, other_ends: bool, steps: int
) -> None:
    old, new = ended(one, has_end=ends), ended(other, has_end=other_ends)

    patch = "".join(unified(old, new, ("a/x", "b/x"), Effort(steps)))

    assert patched(old, patch) == new
    assert (patch == "") == (old == new)


def test_a_patch_looks_as_that_of_other_tools() -> None:
    old = [f"{number}\n" for number in range(1, 21)]
    new = [*old[:9], "ten\n", *old[10:]]

    patch = "".join(unified(old, new, ("a/x", "b/x"), Effort()))

    assert patch == "".join(difflib.unified_diff(old, new, "a/x", "b/x"))
    for texts in ([], ["one\n"]), (["one\n"], []), (["one\n"], ["two\n"]):
        patch = "".join(unified(*texts, ("a/x", "b/x"), Effort()))
        assert patch == "".join(difflib.unified_diff(*texts, "a/x", "b/x"))


def test_texts_made_to_be_slow_to_compare_share_one_effort_and_are_fast() -> None:
    """Five pairs of 4,000 lines, of few kinds and in another order: all else is quick to tell."""
    dice = random.Random(7)  # noqa: S311 - the same texts each time
    pairs = [
        tuple([f"{dice.randint(0, 40)}\n" for _ in range(4_000)] for _ in range(2))
        for _ in range(5)
    ]
    effort = Effort()
    with turns.at_most(1000):
        for old, new in pairs:
            patch = "".join(unified(old, new, ("a/x", "b/x"), effort))
            assert patched(old, patch) == new
