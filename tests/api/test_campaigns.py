"""Campaigns over the API: for stewards, with two of them; and what terms say is coming."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts.models import Scope
from registry.releases import campaigns, gate
from registry.releases.models import Campaign, Release
from tests import factories
from tests.api.calls import As
from tests.releases.campaigning import GRACE, load, make_campaign, make_steward, propose

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return factories.make_released()


def steward(scope: str = Scope.ADMIN) -> As:
    user = make_steward().user
    assert user is not None
    return As(user, scope)


def body_of(version: Any, **rest: Any) -> dict[str, Any]:
    return {
        "document": version.document.slug,
        "sha256": version.sha256,
        "kind": "material",
        "effective_at": (timezone.now() + GRACE).isoformat(),
        "note": "A threshold.",
    } | rest


def test_one_steward_proposes_another_confirms_and_either_cancels(release: Release) -> None:
    factories.accept_terms(release, factories.make_user())
    ada, bob = steward(), steward()

    made = ada.post("/campaigns", body_of(load("3.1")))
    here = f"/campaigns/{made.json()['id']}"
    own = ada.post(f"{here}/confirm")
    confirmed = bob.post(f"{here}/confirm")
    listed = steward(Scope.READ).get("/campaigns").json()
    cancelled = ada.post(f"{here}/cancel", {"reason": "Wrong."})

    assert made.status_code == 201
    assert made.json()["counts"] == {
        "releases": 1,
        "repositories": 1,
        "acceptances": 1,
        "people": 1,
        "organisations": 0,
        "grants": 0,
    }
    assert (own.status_code, confirmed.status_code) == (403, 200)
    assert confirmed.json()["counts"] == made.json()["counts"]
    assert [one["state"] for one in listed["items"]] == ["grace"]
    assert cancelled.json()["state"] == "cancelled"
    assert ada.get(here).json()["cancel_reason"] == "Wrong."


def test_for_others_there_are_no_campaigns(release: Release) -> None:
    campaign = propose(version := load("3.1"))
    here = f"/campaigns/{campaign.public_id}"

    for user in (factories.make_user(), factories.make_maintainer()):
        caller = As(user)
        assert caller.get("/campaigns").status_code == 404
        assert caller.get(here).status_code == 404
        assert caller.post("/campaigns", body_of(version)).status_code == 404
        assert caller.post(f"{here}/confirm").status_code == 404
        assert caller.post(f"{here}/cancel", {"reason": "x"}).status_code == 404
    assert As().get("/campaigns").status_code == 401
    narrow = steward(Scope.WRITE)
    assert narrow.post(f"{here}/confirm").status_code == 403
    assert narrow.post("/campaigns", body_of(version)).status_code == 403
    assert Campaign.objects.get().confirmed_at is None


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"sha256": "0" * 64}, 404),
        ({"document": "mit"}, 404),
        ({"kind": "cosmetic"}, 422),
        ({"note": ""}, 422),
        ({"effective_at": "2031-01-01T00:00:00"}, 422),
        ({"effective_at": "9999-12-31T23:59:59-14:00"}, 422),
        ({"effective_at": "0001-01-01T00:00:00+14:00"}, 409),
        ({"effective_on": "2031-01-01"}, 422),
    ],
)
def test_a_wrong_proposal_is_refused(release: Release, wrong: dict[str, Any], status: int) -> None:
    version = load("3.1")

    assert steward().post("/campaigns", body_of(version, **wrong)).status_code == status
    assert not Campaign.objects.exists()


def test_the_terms_say_what_comes_and_take_it_early(release: Release) -> None:
    ada = factories.make_user()
    terms = f"/models/{release.repository.full_name}/terms"
    caller = As(ada)
    before = caller.get(terms).json()["coming"]
    campaign = make_campaign(load("3.1"))

    coming = caller.get(terms).json()["coming"]
    wanted = {"terms_hash": coming["hash"], "typed_name": "Ada Example"}
    accepted = caller.post(f"{terms}/accept", wanted)

    assert before is None
    assert coming["kind"] == "material"
    assert "3.1" in {one["version"] for one in coming["terms"]["documents"]}
    assert accepted.status_code == 201
    assert campaigns.coming(release) is not None
    after = campaign.effective_at + timedelta(seconds=1)
    answer = gate.decide(
        release.repository, release.revision, caller=factories.as_caller(ada), now=after
    )
    assert answer.is_open
