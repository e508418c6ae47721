"""The stewards' pages of campaigns, and the notices that readers see."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.releases import campaigns, offers
from registry.releases.models import Campaign, Release
from tests import factories
from tests.releases.campaigning import load, make_campaign, make_steward, propose
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db

LIST = "/steward/campaigns"


@pytest.fixture
def release() -> Release:
    return factories.make_released()


def as_steward() -> Client:
    client = Client()
    client.force_login(make_steward().user)
    return client


def test_two_stewards_bring_releases_under_a_new_version(release: Release) -> None:
    factories.accept_terms(release, factories.make_user())
    load("3.1")
    second_release = factories.make_released()
    version = load("3.2")
    ada, bob = as_steward(), as_steward()
    empty = ada.get(LIST).text
    chosen = ada.get(f"{LIST}/new").text
    here = f"{LIST}/new?version={version.public_id}"
    shown = ada.get(here).text
    form = form_to(shown, here)

    counted = ada.post(here, form.filled(note="A threshold.") | {"step": "preview"})
    made = ada.post(here, form.filled(note="A threshold.") | {"step": "propose"}, follow=True)
    campaign = Campaign.objects.get()
    page = f"{LIST}/{campaign.public_id}"
    refused = ada.post(f"{page}/confirm")
    offered = bob.get(page).text
    confirmed = bob.post(f"{page}/confirm", follow=True).text

    assert "There was none yet" in empty
    assert here in chosen
    assert "<dt>Releases</dt>\n  <dd>2</dd>" in shown
    assert "3.2" in shown
    assert counted.status_code == 200
    assert 'value="A threshold."' in counted.text or ">\nA threshold.</textarea>" in counted.text
    assert "another steward has to confirm it" in made.text
    assert "disabled" in made.text
    assert refused.status_code == 409
    assert "disabled" not in form_to(offered, f"{page}/confirm").values
    assert "Until then nothing changes for readers" in confirmed
    assert second_release.repository.full_name in confirmed
    assert "in its grace" in bob.get(LIST).text

    cancelled = ada.post(f"{page}/cancel", {"reason": "The wrong text."}, follow=True).text
    assert "The wrong text." in cancelled
    assert campaigns.coming(release) is None


def test_what_was_typed_stays_when_it_is_refused(release: Release) -> None:
    version = load("3.1")
    client = as_steward()
    here = f"{LIST}/new?version={version.public_id}"

    for day, words in [
        ("", "Say when the grace ends."),
        ("tomorrow", "Write the date as year-month-day"),
        (timezone.now().date().isoformat(), "needs a grace of at least 72 hours"),
    ]:
        typed = {"kind": "material", "effective_on": day, "note": "It changes.", "step": "propose"}
        answer = client.post(here, typed)
        assert answer.status_code == 422
        assert words in answer.text
        assert form_to(answer.text, here).values["note"].strip() == "It changes."
    assert not Campaign.objects.exists()


def test_a_campaign_is_cancelled_with_a_reason_only(release: Release) -> None:
    campaign = propose(load("3.1"))

    answer = as_steward().post(f"{LIST}/{campaign.public_id}/cancel", {"reason": ""})

    assert answer.status_code == 422
    campaign.refresh_from_db()
    assert campaign.cancelled_at is None


def test_for_everybody_but_stewards_there_is_no_such_page(release: Release) -> None:
    campaign = propose(version := load("3.1"))
    page = f"{LIST}/{campaign.public_id}"
    gets = (LIST, f"{LIST}/new", f"{LIST}/new?version={version.public_id}", page)
    posts = (f"{page}/confirm", f"{page}/cancel", f"{LIST}/new?version={version.public_id}")

    for user in (factories.make_user(), factories.make_maintainer()):
        client = Client()
        client.force_login(user)
        assert [client.get(one).status_code for one in gets] == [404] * 4
        assert [client.post(one, {"reason": "x"}).status_code for one in posts] == [404] * 3
    assert Client().get(LIST).status_code == 302
    steward = as_steward()
    assert steward.get(f"{LIST}/{'0' * 24}").status_code == 404
    assert steward.get(f"{LIST}/new?version={'0' * 24}").status_code == 404
    assert steward.post(f"{page}/nonsense").status_code == 404


def test_readers_are_told_on_the_page_of_the_model_and_sent_to_the_new_terms(
    release: Release, client: Client
) -> None:
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    client.force_login(ada)
    address = f"/{release.repository}"
    before = client.get(address).text
    make_campaign(load("3.1"))
    change = campaigns.coming(release)
    assert change is not None

    told = client.get(address).text
    agreements = client.get("/settings/agreements").text
    present = client.get(f"{address}/terms").text
    new_terms = client.get(f"{address}/terms?terms={change.terms_hash}")
    agree(release, ada, change.terms_hash)
    thanked = client.get(address).text

    assert "The terms change on" not in before
    link = f"{address}/terms?version={release.version}&amp;terms={change.terms_hash}"
    assert link in told
    assert link in present
    assert "accept early" in told
    assert change.terms_hash in agreements
    assert change.terms_hash in form_to(new_terms.text, "").values["shown_hash"]
    assert "You have accepted the new terms already" in thanked
    assert change.terms_hash not in client.get("/settings/agreements").text


def test_an_editorial_change_is_told_without_asking_for_anything(
    release: Release, client: Client
) -> None:
    make_campaign(load("3.1"), kind="editorial", at=timezone.now() + timedelta(days=1))

    told = client.get(f"/{release.repository}").text

    assert "What was accepted before goes on counting." in told
    assert "accept early" not in told


def agree(release: Release, user: Any, terms_hash: str) -> None:
    offers.accept(
        release.repository,
        shown_hash=terms_hash,
        typed_name="Ada",
        by=factories.as_caller(user),
    )
