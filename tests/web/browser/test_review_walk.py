"""A review from the queue to the decision: without scripts, and by keyboard."""

import pytest
from playwright.sync_api import Browser, Page, expect

from registry.accounts.models import User
from registry.checks import runs
from registry.checks.findings import warn
from registry.checks.models import CheckRun, JobKind
from registry.releases import checklists, reasons, workflow
from registry.releases.models import Release, Status
from tests import factories
from tests.web.browser.looking import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def _waiting() -> tuple[Release, User]:
    """A release with two findings, one of which has a place, and who reviews it."""
    maintainer = factories.make_maintainer("carol")
    by = factories.as_caller(maintainer)
    repository = factories.make_repository()
    content = factories.with_copies(factories.MODEL, repository)
    revision = factories.make_revision(repository, files=content)
    run = CheckRun.objects.get(revision=revision)
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    found = [
        warn("CFG-DTYPE", "It says float16.", file="README.md", where="license"),
        warn("W-DUP", "Two layers are the same.", file="model.safetensors", where="layer.1"),
    ]
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(found))
    owner = factories.as_caller(revision.repository.created_by)
    release = workflow.open_release(revision, version="v1.0", by=owner)
    checklists.add("The samples were read", namespace=None, by=by)
    reasons.add("request_changes", title="Name the data", text="Say which data.", by=by)
    return release, maintainer


def test_a_review_goes_from_the_queue_to_the_decision_without_scripts(
    browser: Browser, live_server
) -> None:
    release, maintainer = _waiting()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    sign_in(context, maintainer)

    page.goto("/review")
    page.get_by_role("button", name="Take").click()
    expect(page.get_by_role("button", name="Give up")).to_be_visible()
    page.get_by_role("link", name=release.repository.full_name).click()
    page.locator(".finding", has_text="It says float16.").get_by_role("link", name="Remark").click()
    page.get_by_label("What you see, or ask").fill("Which type is it?")
    page.get_by_role("button", name="Remark").click()
    expect(page.get_by_text("Which type is it?").first).to_be_visible()
    page.get_by_label("The samples were read").check()
    page.get_by_role("button", name="Keep the ticks").click()
    expect(page.get_by_text("Kept.")).to_be_visible()
    page.locator("summary", has_text="Ask for changes").click()
    step = page.locator("details", has=page.locator("#reason-request_changes"))
    step.get_by_label("Start from").select_option(label="Name the data")
    step.get_by_role("button", name="Take it").click()
    expect(page.locator("#reason-request_changes")).to_have_value("Say which data.")
    step.get_by_role("button", name="What is told").click()
    expect(page.locator("#told")).to_contain_text("Say which data.")
    step.get_by_role("button", name="Ask for changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("v1.0")

    release.refresh_from_db()
    assert release.status == Status.CHANGES_REQUESTED
    assert release.status_reason == "Say which data."
    context.close()


def test_keys_move_through_a_review_and_decide_nothing(page: Page) -> None:
    release, maintainer = _waiting()
    sign_in(page.context, maintainer)
    page.goto(f"/review/{release.public_id}")
    findings = page.locator(".finding")

    for key, place in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(findings.nth(place)).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("h2:focus")).to_have_count(1)
    page.keyboard.press("p")
    expect(page.locator("#evidence")).to_be_focused()
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Take it").first).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator("#decide")).to_be_focused()
    assert not release.claims.exists()
    assert not release.decisions.exists()

    page.locator("#reason-request_changes").evaluate("one => one.closest('details').open = true")
    page.locator("#reason-request_changes").press("j")
    expect(page.locator("#reason-request_changes")).to_have_value("j")
    page.locator("#evidence").focus()
    page.keyboard.press("?")
    page.get_by_role("button", name="Turn the keys off").click()
    page.reload()
    page.keyboard.press("j")
    expect(page.locator(".finding:focus")).to_have_count(0)


def test_keys_go_from_finding_to_finding_and_to_its_place(page: Page) -> None:
    release, maintainer = _waiting()
    sign_in(page.context, maintainer)
    page.goto(f"/{release.repository.full_name}/checks/{release.revision.oid}")

    page.keyboard.press("j")
    expect(page.locator(".finding").first).to_be_focused()
    page.get_by_role("link", name="README.md · license").press("Enter")

    place = page.locator("#at")
    expect(place).to_be_focused()
    expect(place).to_contain_text("license:")
    assert place.evaluate("one => getComputedStyle(one).backgroundColor") != "rgba(0, 0, 0, 0)"
