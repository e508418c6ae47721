"""Correcting one value of a card leaves all else as its author wrote it."""

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.catalog import cards
from registry.errors import Invalid
from registry.releases import front_matter

CARD = """\
---
# what it is
license: mit  # ours
base_model:
- ada/one
- ada/two
tags: [a, b]

# the rest
language: en
---
# Title

Prose.
"""


def test_one_value_changes_and_the_rest_stays_to_the_letter():
    found = front_matter.changed(CARD, {"license": ["llama3.1", "mit"]})

    assert found == CARD.replace("license: mit  # ours", "license: [llama3.1, mit]")


def test_a_list_over_several_lines_goes_as_one():
    found = front_matter.changed(CARD, {"base_model": "ada/three"})

    assert found == CARD.replace("base_model:\n- ada/one\n- ada/two\n", "base_model: ada/three\n")


def test_a_new_key_comes_last_and_line_ends_stay():
    card = CARD.replace("\n", "\r\n")
    found = front_matter.changed(card, {"base_model_relation": "merge"})

    added = "language: en\r\nbase_model_relation: merge\r\n---"
    assert found == card.replace("language: en\r\n---", added)


def test_a_card_without_front_matter_gets_one():
    assert front_matter.changed("# A\n", {"license": "mit"}) == "---\nlicense: mit\n---\n# A\n"
    assert cards.parse(front_matter.changed("", {"license": "mit"})) == {"license": "mit"}


@pytest.mark.parametrize(
    "front", ["{license: mit, tags: [a]}", "? license\n: mit", "license: mit\nlicense: mit"]
)
def test_what_cannot_be_changed_by_lines_is_refused(front):
    with pytest.raises(Invalid):
        front_matter.changed(f"---\n{front}\n---\n", {"license": "llama3.1"})


# Cores may be shared with much else
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["license", "tags", "base_model", "note", "x"]),
        st.one_of(st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3), st.booleans()),
    ),
    st.text(max_size=30),
)
def test_what_is_written_reads_back_or_is_refused(card, value):
    text = f"---\n{yaml.safe_dump(card, allow_unicode=True) if card else ''}---\nProse\n"
    try:
        before = cards.parse(text)
        found = front_matter.changed(text, {"license": value})
    except Invalid:
        return
    assert cards.parse(found) == before | {"license": value}
    assert found.endswith("---\nProse\n")


def test_the_words_to_show_stand_below_the_first_heading():
    assert front_matter.with_line("# A\n\nText\n", "Built") == "# A\n\nBuilt\n\nText\n"
    assert front_matter.with_line("---\nx: 1\n---\n", "Built") == "---\nx: 1\n---\nBuilt\n"
    assert front_matter.with_line("# A", "Built") == "# A\n\nBuilt\n"
