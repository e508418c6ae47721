"""What a license asks, on pages of contributors: each line says something that its title does not."""

import pytest
from django.template.loader import render_to_string
from django.utils.html import escape

from registry.agreements.duties import engine
from registry.agreements.duties.engine import Result
from tests import factories

pytestmark = pytest.mark.django_db


def described() -> list[Result]:
    factories.make_facts()
    return [engine.described(rule, None) for rule in engine.all_rules()]


def test_what_a_duty_says_beyond_its_title_does_not_repeat_it() -> None:
    found = described()

    assert found
    assert any(one.note for one in found)
    for one in found:
        assert one.title not in one.note
        assert not one.clause or one.clause.startswith(one.title)


def test_a_duty_without_a_remedy_does_not_say_its_title_twice() -> None:
    for one in described():
        shown = render_to_string("contribute/owed.html", {"duties": [one]})
        row = {"result": one, "verdict": "blocked", "fixes": []}
        full = render_to_string("repository/duty.html", {"row": row, "number": 1})

        assert one.fix == ""
        for page in (shown, full):
            assert page.count(escape(one.title)) == 1
