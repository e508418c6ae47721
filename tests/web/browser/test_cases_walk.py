"""A report in the browser, from who makes it to the answer of its appeal; each signs in by hand."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from registry.releases.models import Report, ReportState
from tests import factories
from tests.web.browser.walking import Walker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_a_report_is_made_answered_appealed_and_answered_by_somebody_else(
    walker: Callable[..., Walker],
) -> None:
    repository = factories.make_released().repository
    for name in ("bob", "dan"):
        factories.make_maintainer(name)
    factories.make_user("carol")
    carol, bob, dan = walker("carol"), walker("bob", scheme="dark"), walker("dan", language="fr")

    carol.begins()
    carol.page.goto(f"/{repository}")
    carol.link("Report").click()
    carol.field("What the report is about").select_option("malware_disruption")
    carol.field("What is wrong").fill("setup.py starts a program when the model is loaded.")
    carol.looks()
    carol.button("Send the report").click()
    carol.reads("Thank you. A maintainer answers you here.")

    bob.begins()
    _goes_to_the_case(bob, repository.full_name)
    bob.button("Assign").click()
    bob.reads("The case is assigned.")
    _answers(bob, "dismissed", "There is no setup.py in this repository.")

    carol.page.reload()
    expect(carol.page.get_by_text("There is no setup.py")).to_be_visible()
    carol.looks()
    carol.field("Why another look is needed").fill("It was there in the first revision.")
    carol.button("Appeal", "verb").click()
    carol.reads("Appealed. Somebody else looks at it again.")

    bob.page.reload()
    bob.looks()
    expect(bob.button("Answer", exact=True)).to_have_count(0)
    dan.begins()
    _goes_to_the_case(dan, repository.full_name)
    _answers(dan, "upheld", "It was there, and it is gone since.")
    carol.page.reload()
    expect(carol.page.get_by_text("It was there, and it is gone since.")).to_be_visible()
    assert Report.objects.get().state == ReportState.CLOSED


def _goes_to_the_case(who: Walker, name: str) -> None:
    who.page.goto("/reports")
    who.looks()
    who.page.get_by_role("row").get_by_role("link", name=name).click()
    who.looks()


def _answers(who: Walker, outcome: str, facts: str) -> None:
    who.page.locator(f"input[name=answer-outcome][value={outcome}]").check()
    who.field("Facts", exact=True).fill(facts)
    who.field("Ground", exact=True).fill("Policy, section 2.")
    who.field("Measure", exact=True).fill("None.")
    who.button("Answer", exact=True).click()
    who.reads("Answered. Whom it concerns is told by mail.")
