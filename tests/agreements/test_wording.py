"""The words of a text: markup changes nothing, any other word does."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.agreements import wording
from tests import turns

WORDS = st.lists(
    st.from_regex(r"[A-Za-zÀ-ÖØ-öø-ÿ0-9]{1,9}", fullmatch=True), min_size=1, max_size=40
)
PLAIN = """\
Sample License, version 3.1

Copyright (c) 2024 The "Publisher" - all rights reserved.

1. You may use the licensee's 1,000 copies, and/or pass them on.
2. See https://example.org/llama3_1/policy for the policy.
"""
MARKED = [
    PLAIN.upper(),
    PLAIN.replace("\n", "\r\n"),
    "\ufeff" + PLAIN,
    PLAIN.replace(" ", "\n   "),
    PLAIN.replace(" ", "\u00a0 "),
    PLAIN.replace("(c)", "©").replace('"', "”").replace(" - ", " — ").replace("'", "’"),
    PLAIN.replace("(c)", "&copy;").replace('"', "&quot;"),
    "# " + PLAIN.replace("You", "**You**").replace("1. ", "* 1. ").replace("2. ", "- 2. "),
    "> " + PLAIN.replace("\n", "\n> "),
    PLAIN.replace("https://example.org/llama3_1/policy", "<https://example.org/llama3_1/policy>"),
    PLAIN.replace("the policy", "[the policy](https://example.org/x)"),
    "<html><body><h1 class='a'>" + PLAIN.replace("\n\n", "</p>\n<p>").replace("may", "<b>m</b>ay"),
    PLAIN.replace("\n\n1.", "\n\nPage 3 of 9\n\n1."),
    PLAIN.replace("\n\n1.", "\n\n- 3 -\n\n1.") + "\f- 4 -\n",
    "====\n" + PLAIN + "\n----\n",
]
CHANGED = [
    PLAIN.replace("may", "may not"),
    PLAIN.replace("may", "<not> may"),
    PLAIN.replace("may", "may <!-- not -->"),
    PLAIN.replace("3.1", "31"),
    PLAIN.replace("3.1", "3.2"),
    PLAIN.replace("1,000", "1000"),
    PLAIN.replace("llama3_1", "llama31"),
    PLAIN.replace("licensee's", "licensees"),
    PLAIN.replace("and/or", "or"),
    PLAIN.replace("may", "m\u0430y"),  # a Cyrillic letter
    PLAIN.replace("may", "\u202emay"),  # shown from right to left
    PLAIN.replace("the policy", "[the policy](never)"),
    PLAIN + "10",
    "Not " + PLAIN,
]


@pytest.mark.parametrize("copy", MARKED)
def test_markup_changes_nothing(copy):
    assert wording.normalise(copy) == wording.normalise(PLAIN)


@pytest.mark.parametrize("copy", CHANGED)
def test_any_other_word_is_noticed(copy):
    assert wording.normalise(copy) != wording.normalise(PLAIN)


@settings(max_examples=60)
@given(WORDS, st.randoms(use_true_random=False))
def test_words_stay_the_same_in_any_markup(words, chance):
    assert wording.hash_of(_marked(words, chance)) == wording.hash_of(" ".join(words))


@settings(max_examples=60)
@given(WORDS, WORDS, st.randoms(use_true_random=False))
def test_two_texts_are_alike_only_when_their_words_are(words, others, chance):
    alike = [word.casefold() for word in words] == [word.casefold() for word in others]

    assert (wording.hash_of(_marked(words, chance)) == wording.hash_of(" ".join(others))) == alike


@given(st.text())
def test_every_text_has_words_or_none(text):
    assert wording.words(text) == wording.normalise(text).split(" ") or not wording.words(text)
    assert bool(wording.hash_of(text)) == bool(wording.words(text))


def _marked(words: list[str], chance: random.Random) -> str:
    """The words with marks and white space around each, in upper or lower case."""
    marks = [
        "",
        "**",
        "_",
        "`",
        '"',
        "’",
        "<b>|</b>",
        "<p id='x'>|</p>",
        "“|”",
        "[|](https://a.b/c)",
    ]
    text = ""
    for word in words:
        before, _, after = (mark := chance.choice(marks)).partition("|")
        after = after or mark if "|" not in mark else after
        case = chance.choice([str.upper, str.lower, str])
        text += (
            f"{before}{case(word)}{after}{chance.choice([' ', chr(10), ', ', ' — ', '  # ', '. '])}"
        )
    return text


@settings(max_examples=60)
@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_the_differences_give_both_texts_again(before, after):
    pieces = wording.differences(" ".join(before), " ".join(after))

    assert pieces is not None
    for kind, words in (("new", before), ("gone", after)):
        kept = [piece.words for piece in pieces if piece.kind != kind]
        assert " ".join(kept) == " ".join(words)


def test_differences_are_shown_word_by_word():
    pieces = wording.differences(
        "You may use up to 700 copies.", "You may *not* use up to 900 copies"
    )

    assert [(piece.kind, piece.words) for piece in pieces or []] == [
        ("same", "you may"),
        ("new", "not"),
        ("same", "use up to"),
        ("gone", "700"),
        ("new", "900"),
        ("same", "copies"),
    ]


def test_two_quite_different_texts_have_no_differences_to_show():
    assert wording.differences("a " * 5000, "b " * 5000) is None


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("a" + "_" * 40_000 + "b", id="a long line to fill in"),
        pytest.param("\fpage 1" + " " * 40_000 + "x", id="a page number and nothing"),
        pytest.param("a" + "\u0301" * 20_000 + "\u0323" * 20_000, id="accents on one letter"),
        pytest.param("a" + "\u0f81" * 20_000, id="signs of two accents"),
        pytest.param("<a" + " a=b" * 40_000, id="a tag without an end"),
    ],
)
def test_no_text_keeps_a_process_busy(hostile):
    with turns.at_most(400):
        wording.words(hostile)


def test_a_number_that_is_no_letter_is_no_reason_to_fail():
    assert wording.words(f"one &#{'1' * 5000}; two &#233;") == ["one", "\ufffd", "two", "é"]
