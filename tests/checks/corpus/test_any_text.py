"""Whatever a pattern, a template or a file of text is, judging it ends, and breaks nothing."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checks.scanners import secrets, templates, ways
from registry.checks.scanners.expressions import Refused
from registry.checks.scanners.templates import TemplateProblem
from tests import turns

SIGNS = st.text("ab()[]{}|*+?^$.\\-&:<>=!#,0159pPLdwsxkgiu\u00e9\u4e00", max_size=40)
TAGS = st.text("{}%#-'\"_.()[]|~+*=<>, \nabfinorselt019", max_size=60)


# Loops of which none can take over from another
LOOPS = "".join(f"{chr(0x4E00 + number)}*" for number in range(990))


@given(SIGNS)
def test_any_pattern_is_taken_or_refused(text: str) -> None:
    with suppress(Refused):
        ways.check(text)


@given(TAGS | TAGS.map("{{{{ {} }}}}".format) | TAGS.map("{{% {} %}}".format))
def test_any_template_is_taken_apart_or_refused(text: str) -> None:
    with suppress(TemplateProblem):
        list(templates.used_by(text))


@given(st.binary(max_size=200))
def test_any_bytes_are_searched_for_secrets(data: bytes) -> None:
    list(secrets.secrets_in(data + b"://a:" + data + b"hf_" + data))


@pytest.mark.parametrize("header", ["Version: " * 60, ("Version: " * 11 + " " * 5 + "\n") * 5])
def test_what_looks_like_a_key_to_the_end_is_searched_quickly(header: str) -> None:
    text = ("-----BEGIN " + "PRIVATE KEY-----\n" + header + "\n") * 200
    with turns.at_most(200):
        assert not list(secrets.secrets_in(text.encode()))


@given(st.text("ab", max_size=9), st.integers(0, 3))
def test_a_pattern_that_is_taken_does_not_take_long(body: str, number: int) -> None:
    """Of small patterns the slow ones are known: what is taken must be quick on the worst text."""
    pattern = ("(?:{}|{})*c", "(?:{}?{})+c", "(?:{}{{1,2}}{})*c", "({}|{}b)+c")[number]
    text = pattern.format(body[:4], body[4:]) if body[:4] else "a*c"
    try:
        ways.check(text)
    except Refused:
        return
    with turns.at_most(200):
        for letter in ("a", "ab", "b"):
            re.match(text, letter * 26)


@pytest.mark.parametrize(
    "text",
    [
        "(?:" * 600,
        "[" * 2000,
        "a{16}" * 400,
        "(?:a{16}){16}" * 100,
        "(?:" + "[a-z]?" * 300 + ")*",
        LOOPS,
    ],
)
def test_a_pattern_that_is_large_is_judged_quickly(text: str) -> None:
    with turns.at_most(400), suppress(Refused):
        ways.check(text)
