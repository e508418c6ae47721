"""The pages of advisories and reports, looked at as the others are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.audit.models import Access
from registry.releases import cases, recipients, withdrawals
from registry.releases.cases import Statement
from registry.releases.models import Report
from registry.releases.withdrawals import Scope
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

REASON = (
    "One of its files starts a program when it is loaded. Delete the folder of this revision, "
    "change the keys that the machine held, and fetch v1.1 once it is out."
)


@pytest.mark.looks_at(
    "advisories",
    "advisory",
    "advisory-received",
    "report",
    "report-repository",
    "report-statement",
    "reports",
    "repository-advise",
)
def test_a_recall_and_a_report_from_both_sides(page: Page, picture_folder: Path | None) -> None:
    owner, reader = factories.make_user("lab"), factories.make_user("reader")
    first = factories.make_user("bob", site_role="steward")
    repository = factories.make_repository(owner, "med-8b")
    release = factories.make_released(repository)
    here = f"/{repository}"
    factories.accept_terms(release, reader)
    Access.objects.create(
        at=release.released_at,
        actor=reader.public_id,
        repository=repository.public_id,
        revision=release.revision.oid,
        path="model.safetensors",
        sha256="0" * 64,
        first_byte=0,
        last_byte=1,
        size=2,
        reason="accepted",
    )
    sign_in(page.context, reader)
    page.goto(here)
    page.get_by_role("link", name="Report", exact=True).click()
    page.get_by_label("What the report is about").select_option("malware_disruption")
    page.get_by_label("What is wrong").fill("setup.py starts a program.")
    look(page, "report-new", f"{here}/report", picture_folder)
    report = cases.open_case(
        repository,
        category="malware_disruption",
        text="setup.py starts a program when the model is loaded.",
        path="setup.py",
        by=factories.as_caller(reader),
    )
    case = report.get_absolute_url()

    sign_in(page.context, first)
    cases.say(report, text="Which version?", by=factories.as_caller(first))
    look(page, "reports", "/reports", picture_folder)
    look(page, "report-of-maintainer", case, picture_folder)
    look(page, "advise", f"{here}/advise?release={release.public_id}", picture_folder)
    by = factories.as_caller(first)
    advisory = withdrawals.act(
        "recall",
        repository,
        scope=Scope(is_all=True),
        by=by,
        reason=REASON,
        category="malware",
        severity="critical",
    )
    recipients.tell(advisory)
    there = advisory.get_absolute_url()
    look(page, "advisory-of-maintainer", there, picture_folder)
    look(page, "advisory-received", f"{there}/received", picture_folder)
    said = Statement("upheld", "setup.py starts a program.", "Policy, section 2.", "Recalled.")
    given = cases.answer(Report.objects.get(), statement=said, by=by)

    sign_in(page.context, reader)
    look(page, "report-answered", case, picture_folder)
    page.get_by_text("Policy, section 2.").wait_for()
    look(page, "advisories", "/advisories", picture_folder)
    page.goto(there)
    page.get_by_role("button", name="I read this").click()
    page.get_by_text("Noted that you read it.").wait_for()
    sign_in(page.context, owner)
    look(page, "statement", f"/reports/statements/{given.public_id}", picture_folder)
