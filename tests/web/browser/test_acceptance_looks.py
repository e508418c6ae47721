"""Accepting terms in a browser: the difference to read, questions to answer, the receipt to keep."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from registry.accounts.models import User
from registry.agreements import documents, receipts
from registry.agreements.models import Acceptance
from registry.releases.models import Release
from tests import factories
from tests.agreements.organisations import make_domain, verify
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

CARD = """---
license: llama3.1
extra_gated_heading: Tell us who you are
extra_gated_description: We answer nobody else's questions about you.
extra_gated_prompt: |
  We ask because the data behind this model is **sensitive**.
extra_gated_fields:
  Affiliation: text
  Country: country
  Date of birth: date_picker
  What do you want to use it for:
    type: select
    options: [Research, Education, {label: Something else, value: other}]
  I use it for no purpose that the acceptable-use policy forbids: checkbox
extra_gated_button_content: I agree and accept
---
# A model
"""
POLICY = "\n\n".join(
    f"Rule {i}. Do nothing that rule {i} of this invented policy forbids you." for i in range(9)
)


def _scene() -> tuple[Release, User]:
    """Carol accepted earlier terms; now the policy has another text and the publisher asks."""
    factories.make_facts()
    documents.add_text(slug="site-policy", version="2", text=POLICY.encode())
    carol = factories.make_user("carol", full_name="Carol C.")
    first = factories.make_released()
    factories.accept_terms(first, carol)
    changed = POLICY.replace("Rule 4. Do nothing", "Rule 4. Never do anything")
    documents.add_text(slug="site-policy", version="3", text=changed.encode())
    release = factories.make_released(
        first.repository, version="v2.0", files={"README.md": CARD, "model.safetensors": b"w2"}
    )
    lab = factories.make_organisation("lab", owner=carol)
    make_domain(lab)
    verify(carol, "carol@lab.example")
    return release, carol


@pytest.mark.looks_at("agreements", "keys", "receipt", "repository-terms")
def test_a_person_reads_the_difference_answers_accepts_and_keeps_the_receipt(
    page: Page, picture_folder: Path | None
) -> None:
    release, carol = _scene()
    twin = factories.make_released(files={"README.md": CARD, "model.safetensors": b"w3"})
    sign_in(page.context, carol)
    path = f"/{release.repository}/terms"

    look(page, "accept-form", path, picture_folder)
    page.goto(path)
    expect(page.locator(".word-changes ins").first).to_contain_text("Never")
    expect(page.locator(".word-changes del").first).to_contain_text("Do")
    page.get_by_label("Affiliation").fill("University of a place")
    page.get_by_label("Country", exact=True).select_option("FR")
    page.get_by_label("Date of birth").fill("1990-02-03")
    page.get_by_label("What do you want to use it for").select_option("other")
    page.get_by_label("I use it for no purpose").check()
    page.get_by_label("Your full name").fill("Carol Reader")
    page.get_by_label("Also for").check()
    page.get_by_role("button", name="I agree and accept").click()

    expect(page.get_by_text("You accepted exactly these terms.")).to_be_visible()
    look(page, "accept-done", path, picture_folder)
    page.goto(path)
    page.get_by_role("link", name="Your receipt").click()
    expect(page.get_by_text("University of a place")).to_be_visible()
    made = Acceptance.objects.get(user=carol, terms_hash=release.terms_hash)
    assert receipts.verify(receipts.file_of(made.receipt), receipts.public_keys())
    assert Acceptance.objects.filter(user=carol, repository=twin.repository).exists()
    look(page, "receipt", made.receipt.get_absolute_url(), picture_folder)
    look(page, "agreements", "/settings/agreements", picture_folder)
    look(page, "keys", "/keys", picture_folder)


def test_a_signatory_above_the_number_of_users_is_told_whom_to_ask(
    page: Page, picture_folder: Path | None
) -> None:
    release, carol = _scene()
    sign_in(page.context, carol)
    page.goto(f"/{release.repository}/terms")

    expect(page.get_by_label("I am authorised")).to_be_hidden()
    page.get_by_label("for lab").check()
    expect(page.get_by_label("I am authorised")).to_be_visible()
    page.get_by_label("more than 700,000,000", exact=True).check()
    page.get_by_label("I am authorised").check()
    page.get_by_label("Affiliation").fill("Lab")
    page.get_by_label("Country", exact=True).select_option("FR")
    page.get_by_label("Date of birth").fill("1990-02-03")
    page.get_by_label("What do you want to use it for").select_option("other")
    page.get_by_label("I use it for no purpose").check()
    page.get_by_label("Your full name").fill("Carol Reader")
    page.get_by_role("button", name="I agree and accept").click()

    expect(page.get_by_role("heading", name="A separate license is needed")).to_be_visible()
    expect(page.get_by_role("link", name="Whom to ask")).to_be_visible()
    assert not Acceptance.objects.filter(organisation__isnull=False).exists()
