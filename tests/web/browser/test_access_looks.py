"""The pages of access requests, looked at in every width and colour."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from registry.accounts.models import Namespace
from registry.agreements import groups, requests
from registry.agreements.scopes import Scope
from tests import factories
from tests.agreements.access import ask, make_gated, owner_of
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

CARD = """---
license: llama3.1
extra_gated_heading: Tell us who you are
extra_gated_prompt: |
  We ask because the data behind this model is **sensitive**. We answer within three working days.
extra_gated_fields:
  Affiliation: text
  Country: country
  Date of birth: date_picker
  What do you want to use it for:
    type: select
    options: [Research, Education, {label: Something else, value: other}]
  I use it for no purpose that the acceptable-use policy forbids: checkbox
---
# A model
"""
ANSWERS = {
    "Affiliation": "University of a place with a rather long name",
    "Country": "France",
    "Date of birth": "1990-02-03",
    "What do you want to use it for": "other",
    "I use it for no purpose that the acceptable-use policy forbids": True,
}


@pytest.mark.looks_at("repository-access")
def test_a_reader_asks_waits_and_is_rejected(page: Page, picture_folder: Path | None) -> None:
    release = make_gated(card=CARD)
    repository, carol = release.repository, factories.make_user("carol", full_name="Carol C.")
    sign_in(page.context, carol)

    look(page, "access-card", f"/{repository}", picture_folder)
    look(page, "access-ask", f"/{repository}/access", picture_folder)
    ask(repository, carol, card=release.revision.card, **ANSWERS)
    look(page, "access-pending", f"/{repository}/access", picture_folder)
    requests.handle(
        repository,
        status="rejected",
        user="carol",
        reason="Please say which data you want to compare it with.",
        by=owner_of(repository),
    )
    look(page, "access-rejected", f"/{repository}/access", picture_folder)


@pytest.mark.looks_at("repository-requests")
def test_a_publisher_looks_through_the_list(page: Page, picture_folder: Path | None) -> None:
    release = make_gated(card=CARD)
    for name in ("carol", "a-reader-with-a-very-long-name-for-a-narrow-screen"):
        user = factories.make_user(name, full_name="Some Body")
        ask(release.repository, user, card=release.revision.card, **ANSWERS)
    sign_in(page.context, release.repository.created_by)

    path = f"/{release.repository}/requests"
    look(page, "requests-waiting", path, picture_folder, unfolded=True)
    requests.grant(release.repository, user="carol", by=owner_of(release.repository))
    look(page, "requests-in", f"/{release.repository}/requests?state=accepted", picture_folder)


@pytest.mark.looks_at("access-groups")
def test_a_publisher_asks_back_limits_and_groups(page: Page, picture_folder: Path | None) -> None:
    release = make_gated(card=CARD)
    repository, by = release.repository, owner_of(release.repository)
    carol = factories.make_user("carol", full_name="Carol C.")
    group = groups.make(repository.namespace, "Medical models", by=by)
    groups.put(group, repository, by=by)
    request = ask(repository, carol, card=release.revision.card, **ANSWERS)
    requests.ask_back(repository, request_id=request.public_id, question="With which data?", by=by)
    sign_in(page.context, carol)
    look(page, "access-asked-back", f"/{repository}/access", picture_folder)
    requests.answer(repository, text="With our own.", by=factories.as_caller(carol))
    scope = Scope(
        ends_at=timezone.now() + timedelta(days=9),
        patterns=["*.safetensors", "original/*"],
        full_downloads=2,
        purpose="An evaluation of answers to medical questions.",
    )
    requests.handle(repository, status="accepted", user="carol", by=by, scope=scope)
    look(page, "access-granted", f"/{repository}/access", picture_folder)
    sign_in(page.context, repository.created_by)
    path = f"/{repository}/requests?state=accepted"
    look(page, "requests-grants", path, picture_folder, unfolded=True)
    name = repository.namespace.name
    look(page, "access-groups", f"/settings/access-groups/{name}", picture_folder, unfolded=True)


def test_a_plain_hub_says_what_it_is(page: Page, picture_folder: Path | None) -> None:
    repository = factories.make_revision(files={"README.md": factories.CARD}).repository
    Namespace.objects.filter(pk=repository.namespace_id).update(publishes_on_commit=True)

    look(page, "plain-hub-card", f"/{repository}", picture_folder)
    look(page, "plain-hub-namespace", f"/{repository.namespace.name}", picture_folder)
