"""The review desk, by keyboard and by sight."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from registry.releases import checklists, policies, reasons, remarks, workflow
from registry.releases.remarks import Where
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.looks_at(
    "release", "release-remark", "review-policy", "review-queue", "review-settings"
)
def test_a_reviewer_at_work(page: Page, picture_folder: Path | None) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    maintainer = factories.make_maintainer("carol")
    by = factories.as_caller(maintainer)
    repository = factories.make_released(
        factories.make_repository(owner, "med-8b", namespace="lab")
    ).repository
    card = f"{factories.CARD}\nIt was trained on notes of wards.\n"
    factories.finish_checks(
        factories.make_commit(repository, {"README.md": card, "config.json": '{"a": 1}'}), "warned"
    )
    head = repository.revisions.latest("pk")
    release = workflow.open_release(head, version="v2.0", by=factories.as_caller(owner))
    factories.make_release()
    checklists.add("The samples were read", namespace=None, by=by)
    checklists.add("The data are named", namespace=lab, by=factories.as_caller(owner))
    reasons.add("request_changes", title="Name the data", text="Say which data.", by=by)
    where = Where("line", "README.md", 2, "after")
    remark = remarks.make(release, "Which **wards**?", where=where, by=by)
    remarks.answer(remark, "Those of the lab.", by=factories.as_caller(owner))
    policies.set_approvals(lab, 2, by="")
    there = f"/review/{release.public_id}"

    sign_in(page.context, maintainer)
    page.goto("/review")
    for key in ("j", "j", "k", "j"):
        page.keyboard.press(key)
    expect(page.locator("[data-row]").nth(1).locator("th a")).to_be_focused()
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Give up")).to_have_count(1)
    look(page, "queue-at-work", "/review", picture_folder)
    look(page, "review-at-work", there, picture_folder)
    look(page, "review-remark", f"{there}/remark?path=README.md&line=2&side=after", picture_folder)
    look(page, "review-settings", "/review/settings", picture_folder)
    look(page, "review-policy-read", "/settings/policies/lab", picture_folder)
    _the_decision_stays_in_reach(page, there)
    sign_in(page.context, owner)
    look(page, "review-policy", "/settings/policies/lab", picture_folder)


def _the_decision_stays_in_reach(page: Page, there: str) -> None:
    """Beside the evidence on a desk, however far one reads; one link away on a phone."""
    approve = page.get_by_role("button", name="Approve")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(there)
    expect(page.get_by_role("link", name="Decide")).to_be_hidden()
    page.get_by_role("heading", name="Terms", exact=True).scroll_into_view_if_needed()
    expect(approve).to_be_in_viewport()

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(there)
    expect(approve).not_to_be_in_viewport()
    page.get_by_role("link", name="Decide").click()
    expect(approve).to_be_in_viewport()
