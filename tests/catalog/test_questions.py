"""The questions of a card, and which answers fit."""

import pytest

from registry.catalog import cards, questions

CARD = """---
extra_gated_prompt: Please say who you are.
extra_gated_heading: [not text]
extra_gated_fields:
  Affiliation: text
  Born: date_picker
  Country: country
  Where: ip_location
  Purpose:
    type: select
    options: [research, {label: Other things, value: other}, {nonsense: 1}]
  I agree: {type: checkbox}
  Empty: {type: select}
  Unknown: colour
---
"""
GOOD = {
    "Affiliation": "ACME",
    "Born": "2000-02-29",
    "Country": "France",
    "Purpose": "other",
    "I agree": "on",
}


def test_a_card_asks_in_its_order_and_what_is_wrong_in_it_is_left_out_and_named():
    card = cards.parse(CARD)

    prompt = questions.of_card(card)

    assert prompt.text == "Please say who you are."
    assert [one.label for one in prompt.questions] == [
        "Affiliation",
        "Born",
        "Country",
        "Where",
        "Purpose",
        "I agree",
    ]
    assert prompt.questions[4].options == (("research", "research"), ("other", "Other things"))
    assert len(prompt.asked) == 5
    assert len(questions.problems(card)) == 3
    assert questions.problems({"extra_gated_fields": ["a"]})
    assert not questions.problems({})


def test_answers_are_kept_as_text():
    kept, wrong = questions.judge(questions.of_card(cards.parse(CARD)), GOOD | {"else": "x"})

    assert not wrong
    assert kept == GOOD | {"I agree": "true", "Where": "unknown", "Country": "FR"}


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("Affiliation", "  "),
        ("Affiliation", "x" * 2001),
        ("Affiliation", ["a", "list"]),
        ("Born", "29/02/2000"),
        ("Born", "2001-02-29"),
        ("Born", "20000229"),
        ("Country", None),
        ("Purpose", "Other things"),
        ("I agree", "false"),
        ("I agree", False),
    ],
)
def test_an_answer_that_does_not_fit_is_named(label, answer):
    _, wrong = questions.judge(questions.of_card(cards.parse(CARD)), GOOD | {label: answer})

    assert list(wrong) == [label]


@pytest.mark.parametrize(
    "fields",
    [None, [], "text", {"": "text"}, {"a" * 301: "text"}, {"a": {"type": ["text"]}}, {"a": None}],
)
def test_hostile_fields_ask_nothing(fields):
    assert questions.of_card({"extra_gated_fields": fields}).questions == ()


def test_an_order_of_labels_is_kept_and_what_it_does_not_name_comes_last():
    card = {"extra_gated_fields": dict.fromkeys(["A", "Zoo", "Company", "B"], "text")}

    found = questions.of_card(card, order=["Zoo", "gone", "A"])

    assert [one.label for one in found.questions] == ["Zoo", "A", "Company", "B"]


def test_of_more_questions_than_are_asked_the_first_ones_in_order_are():
    labels = [f"Question {number}" for number in range(questions.MAX_QUESTIONS + 5)]
    card = {"extra_gated_fields": dict.fromkeys(labels, "text")}

    found = questions.of_card(card, order=labels[::-1])

    assert [one.label for one in found.questions] == labels[::-1][: questions.MAX_QUESTIONS]
