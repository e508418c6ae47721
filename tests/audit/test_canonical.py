"""Canonical JSON: one value, one byte string."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.audit import canonical

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_a_value_survives_and_gives_the_same_bytes_again(value):
    encoded = canonical.encode(value)

    assert json.loads(encoded) == value
    assert canonical.encode(json.loads(encoded)) == encoded


def test_the_order_of_keys_does_not_matter():
    assert canonical.digest({"a": 1, "b": 2}) == canonical.digest({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, b"{}"),
        ({"b": [1, 2], "a": "é"}, '{"a":"é","b":[1,2]}'.encode()),
        ({"€": 1, "\r": 2, "1": 3}, '{"\\r":2,"1":3,"€":1}'.encode()),
    ],
)
def test_known_bytes(value, text):
    assert canonical.encode(value) == text
