"""Campaigns: what they change, from when, for whom, and who may begin and end them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import Scope
from registry.agreements import requests
from registry.agreements.models import Acceptance, Grant
from registry.audit.models import Entry
from registry.errors import (
    Conflict,
    Invalid,
    Missing,
    NotAllowed,
    NotNow,
    RegistryError,
    SignInRequired,
)
from registry.releases import agreed, campaigns, gate, in_force, offers, workflow
from registry.releases.models import Campaign, Release, TermsChange
from tests import factories
from tests.agreements import organisations
from tests.agreements.access import make_gated, owner_of
from tests.releases.campaigning import GRACE, POLICY, load, make_campaign, make_steward, propose

pytestmark = pytest.mark.django_db

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def release() -> Release:
    """Released under the summary of its license, whose text comes later."""
    return factories.make_released()


def item_of(terms: dict[str, Any], slug: str = "llama3-1") -> dict[str, Any]:
    return next(item for item in terms["documents"] if item["slug"] == slug)


def is_open(release: Release, caller: Caller, at: datetime) -> bool:
    answer = gate.decide(release.repository, release.revision, caller=caller, now=at)
    return answer.is_open


def accept(release: Release, user: Any, terms_hash: str, at: datetime) -> Acceptance:
    return offers.accept(
        release.repository,
        shown_hash=terms_hash,
        typed_name="Some Body",
        by=factories.as_caller(user),
        version=release.version,
        now=at,
    )


# What changes, and when


def test_the_gate_asks_again_from_the_second_on_in_which_the_grace_ends(release):
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    campaign = make_campaign(load("3.1"))
    reader, end = factories.as_caller(ada), campaign.effective_at
    after = in_force.of(release, end)

    assert is_open(release, reader, end - MOMENT)
    assert not is_open(release, reader, end)
    assert in_force.of(release, end - MOMENT).hash == release.terms_hash
    assert after.counts == (after.hash,)
    assert item_of(after.terms)["version"] == "3.1"
    assert item_of(after.terms)["why"] == item_of(release.terms)["why"]

    accept(release, ada, after.hash, end)
    assert is_open(release, reader, end)


def test_an_editorial_change_carries_acceptances_over(release):
    ada, bob = factories.make_user(), factories.make_user()
    factories.accept_terms(release, ada)
    campaign = make_campaign(load("3.1"), kind="editorial")
    end = campaign.effective_at
    after = in_force.of(release, end)

    assert after.counts == (release.terms_hash, after.hash)
    assert is_open(release, factories.as_caller(ada), end)
    assert not is_open(release, factories.as_caller(bob), end)
    accept(release, bob, after.hash, end)
    assert is_open(release, factories.as_caller(bob), end)


def test_an_editorial_change_can_take_effect_at_once_and_never_before_it_is_confirmed(release):
    asked = timezone.now()
    campaign = propose(load("3.1"), kind="editorial", at=asked, now=asked)
    later = asked + timedelta(hours=5)

    campaigns.confirm(campaign, by=make_steward(), now=later)

    campaign.refresh_from_db()
    assert campaign.effective_at == later
    assert in_force.of(release, later - MOMENT).since is None
    assert in_force.of(release, later).since == later


def test_what_comes_is_accepted_early_and_opens_when_the_grace_ends(release):
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    now = timezone.now()
    campaign = make_campaign(load("3.1"))
    change = campaigns.coming(release, now)

    accept(release, ada, change.terms_hash, timezone.now())

    assert change.from_at == campaign.effective_at
    mine = Acceptance.objects.order_by("pk")
    assert [one.state for one in agreed.states(mine, now=timezone.now())] == ["current", "coming"]
    then = agreed.states(mine, now=campaign.effective_at)
    assert [one.state for one in then] == ["older", "current"]
    assert is_open(release, factories.as_caller(ada), campaign.effective_at - MOMENT)
    assert is_open(release, factories.as_caller(ada), campaign.effective_at)
    assert campaigns.coming(release, campaign.effective_at) is None
    assert Acceptance.objects.count() == 2


def test_the_old_set_is_no_longer_taken_when_the_grace_has_ended(release):
    campaign = make_campaign(load("3.1"))
    ada = factories.make_user()

    accept(release, ada, release.terms_hash, campaign.effective_at - MOMENT)
    with pytest.raises(Conflict):
        accept(release, factories.make_user(), release.terms_hash, campaign.effective_at)

    assert not is_open(release, factories.as_caller(ada), campaign.effective_at)


@pytest.mark.parametrize(("kind", "stays_open"), [("editorial", True), ("material", False)])
def test_what_an_organisation_accepted_goes_the_same_way(release, kind, stays_open):
    lab, signatory = organisations.make_signing()
    service = organisations.make_service(lab)
    organisations.sign(release, lab, signatory)
    campaign = make_campaign(load("3.1"), kind=kind)
    end = campaign.effective_at

    for user in (signatory, service):
        assert is_open(release, factories.as_caller(user), end - MOMENT)
        assert is_open(release, factories.as_caller(user), end) == stays_open


def test_a_release_that_comes_out_in_the_grace_goes_along(release):
    today = timezone.now().astimezone(UTC).date()
    version = load("3.1", effective_date=today + timedelta(days=3))
    campaign = make_campaign(version)

    second = factories.make_released(release.repository, version="v2.0", files={"b.txt": "b"})
    first_after = in_force.of(release, campaign.effective_at)

    assert second.terms_hash == release.terms_hash
    assert in_force.of(second, campaign.effective_at - MOMENT).hash == release.terms_hash
    assert in_force.of(second, campaign.effective_at) == first_after
    assert TermsChange.objects.filter(campaign=campaign).count() == 2


def test_a_suspended_release_is_affected_and_a_recalled_one_is_not(release):
    recalled = factories.make_released()
    boss = factories.as_caller(factories.make_maintainer())
    workflow.transition("suspend", release, by=boss, reason="A doubt.")
    workflow.transition("recall", recalled, by=boss, reason="No doubt.")

    campaign = make_campaign(load("3.1"))
    restored = workflow.transition(
        "restore", release, by=factories.as_caller(factories.make_maintainer()), reason="Cleared."
    )

    assert [one.release for one in campaign.changes.all()] == [restored]


def test_statements_that_name_the_old_version_name_the_new_one():
    version = load("3.1")
    release = factories.make_released()
    users = {"id": "monthly_users:llama3-1", "kind": "users", "license": "llama3-1"}
    other = {"id": "eu", "kind": "region", "license": "llama4", "version_sha256": "0" * 64}
    named = users | {"version_sha256": version.sha256}
    Release.objects.filter(pk=release.pk).update(
        terms=release.terms | {"attestations": [named, other]}
    )

    campaign = make_campaign(new := load("3.2"))

    asked = campaign.changes.get().terms["attestations"]
    assert asked == [users | {"version_sha256": new.sha256}, other]


# Several campaigns


def test_two_campaigns_of_different_documents_compose(release):
    now = timezone.now()
    make_campaign(load("3.1"), at=now + GRACE)
    second = make_campaign(load("1", slug=POLICY), at=now + 2 * GRACE)

    between, after = in_force.of(release, now + GRACE), in_force.of(release, second.effective_at)

    assert item_of(between.terms)["version"] == item_of(after.terms)["version"] == "3.1"
    assert item_of(between.terms, POLICY) == item_of(release.terms, POLICY)
    assert item_of(after.terms, POLICY)["version"] == "1"
    assert campaigns.coming(release, now).from_at == now + GRACE
    assert campaigns.coming(release, now + GRACE).from_at == now + 2 * GRACE


def test_two_campaigns_at_the_same_moment_compose(release):
    at = timezone.now() + GRACE
    make_campaign(load("3.1"), at=at)
    make_campaign(load("1", slug=POLICY), at=at)

    after = in_force.of(release, at)

    assert item_of(after.terms)["version"] == "3.1"
    assert item_of(after.terms, POLICY)["version"] == "1"
    assert campaigns.coming(release).terms_hash == after.hash


def test_an_editorial_change_after_a_material_one_carries_over_only_what_that_one_asked(release):
    now = timezone.now()
    ada, bob = factories.make_user(), factories.make_user()
    factories.accept_terms(release, ada)
    make_campaign(load("3.1"), at=now + GRACE)
    accept(release, bob, campaigns.coming(release).terms_hash, timezone.now())
    make_campaign(load("1", slug=POLICY), kind="editorial", at=now + 2 * GRACE)

    after = now + 2 * GRACE

    assert not is_open(release, factories.as_caller(ada), after)
    assert is_open(release, factories.as_caller(bob), after)


def test_a_change_before_one_that_was_announced_is_refused_and_never_lost(release):
    now = timezone.now()
    make_campaign(load("1", slug=POLICY), at=now + 2 * GRACE)
    earlier = propose(load("3.1"), at=now + GRACE)

    with pytest.raises(NotNow, match="knows nothing of this change"):
        campaigns.confirm(earlier, by=make_steward())

    earlier.refresh_from_db()
    assert earlier.confirmed_at is None
    assert TermsChange.objects.count() == 1


def test_what_another_was_built_on_is_cancelled_after_it(release):
    now = timezone.now()
    first = make_campaign(load("3.1"), at=now + GRACE)
    second = make_campaign(load("1", slug=POLICY), at=now + 2 * GRACE)
    steward = make_steward()

    with pytest.raises(NotNow, match="built on this one"):
        campaigns.cancel(first, reason="A mistake.", by=steward)
    campaigns.cancel(second, reason="A mistake.", by=steward)
    campaigns.cancel(first, reason="A mistake.", by=steward)

    assert in_force.of(release, now + 3 * GRACE).hash == release.terms_hash
    assert campaigns.coming(release) is None


# Exact counts


def test_what_is_shown_before_is_exactly_what_confirming_writes_and_records(release):
    ada, bob = factories.make_user(), factories.make_user()
    lab, signatory = organisations.make_signing()
    gated = make_gated(card=factories.CARD)
    for user in (ada, bob):
        factories.accept_terms(release, user)
    factories.accept_terms(gated, ada)
    organisations.sign(release, lab, signatory)
    organisations.end(factories.accept_terms(release, factories.make_user()))
    requests.grant(gated.repository, user=bob.username, by=owner_of(gated.repository))
    factories.make_released(release.repository, version="v2.0", files={"b.txt": "b"})
    factories.make_released(
        files={"README.md": "---\nlicense: mit\n---\n", "model.safetensors": b"w"}
    )
    version = load("3.1")

    shown = campaigns.preview(version, now=timezone.now())
    campaign = propose(version)
    told = campaigns.confirm(campaign, by=make_steward())

    assert shown == told
    assert vars(shown) == {
        "releases": 3,
        "repositories": 2,
        "acceptances": 4,
        "people": 2,
        "organisations": 1,
        "grants": 1,
    }
    rows = TermsChange.objects.filter(campaign=campaign).select_related("release")
    assert shown.releases == rows.count()
    assert shown.repositories == len({row.release.repository_id for row in rows})
    assert Entry.objects.get(event="campaign.confirm").details["counts"] == vars(shown)
    # Each of them is shut out, and nobody else was let in before
    lost = [
        (one.pk, row.release_id)
        for row in rows
        for one in Acceptance.objects.filter(repository=row.release.repository, ending=None)
        if one.terms_hash not in row.counts
    ]
    assert shown.acceptances == len({acceptance for acceptance, _ in lost})
    assert shown.grants == Grant.objects.count()


def test_early_acceptances_are_counted(release):
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    campaign = make_campaign(load("3.1"))

    before = campaigns.progress(campaign, timezone.now())
    accept(release, ada, campaigns.coming(release).terms_hash, timezone.now())
    after = campaigns.progress(campaign, timezone.now())

    assert (before.replaced, before.accepted) == (1, 0)
    assert (after.replaced, after.accepted) == (1, 1)


# Who, and what is refused


def test_nobody_but_a_steward_with_the_right_to_govern_takes_a_step(release):
    version, steward = load("3.1"), make_steward()
    proposed = propose(version, by=steward)
    narrow = Caller(user=make_steward().user, scope=Scope.WRITE)
    here = frozenset({release.repository.public_id})
    for_one = Caller(user=make_steward().user, scope=Scope.ADMIN, repositories=here)
    others = [
        (Caller(), SignInRequired),
        (factories.as_caller(factories.make_user()), NotAllowed),
        (factories.as_caller(factories.make_maintainer()), NotAllowed),
        (factories.as_caller(release.repository.created_by), NotAllowed),
        (narrow, NotAllowed),
        (for_one, NotAllowed),
    ]

    for caller, kind in others:
        with pytest.raises(kind):
            propose(version, by=caller)
        with pytest.raises(kind):
            campaigns.confirm(proposed, by=caller)
        with pytest.raises(kind):
            campaigns.cancel(proposed, reason="No.", by=caller)
        if caller not in (narrow, for_one):
            with pytest.raises(Missing):
                campaigns.find(proposed.public_id, caller=caller)
    with pytest.raises(NotAllowed, match="another steward"):
        campaigns.confirm(proposed, by=steward)

    assert not TermsChange.objects.exists()
    assert campaigns.find(proposed.public_id, caller=narrow) == proposed


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        ({"kind": "cosmetic"}, Invalid, "editorial or material"),
        ({"note": "  "}, Invalid, "Say what changes"),
        ({"note": "x" * 2001}, Invalid, "longer than 2000"),
        ({"effective_at": datetime(2031, 1, 1)}, Invalid, "time zone"),  # noqa: DTZ001
        ({"effective_at": datetime.max.replace(tzinfo=UTC)}, Invalid, "ten years"),
        ({"effective_at": datetime.min.replace(tzinfo=UTC)}, NotNow, "at least 72 hours"),
        ({"effective_at": "soon"}, NotNow, "at least 72 hours"),
    ],
)
def test_what_cannot_be_right_is_said(release, wrong, kind, words):
    version, now = load("3.1"), timezone.now()
    if wrong.get("effective_at") == "soon":
        wrong = {"effective_at": now + timedelta(hours=72) - MOMENT}
    asked = {"kind": "material", "effective_at": now + GRACE, "note": "It changes."} | wrong

    with pytest.raises(kind, match=words):
        campaigns.propose(version, by=make_steward(), now=now, **asked)

    assert not Campaign.objects.exists()


def test_an_older_version_and_one_that_begins_later_are_refused(release):
    old = load("3.1")
    day = (timezone.now() + 2 * GRACE).astimezone(UTC).date()
    new = load("3.2", effective_date=day)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)

    with pytest.raises(NotNow, match="another version"):
        propose(new, at=begin - MOMENT)
    with pytest.raises(NotNow, match="another version"):
        propose(old, at=begin)
    assert propose(new, at=begin).version == new


def test_a_version_that_nothing_is_under_needs_no_campaign():
    version = load("3.1")
    factories.make_released()

    with pytest.raises(NotNow, match="Nothing that is released"):
        propose(version)


def test_a_second_proposal_of_a_document_waits(release):
    version = load("3.1")
    first = propose(version)

    with pytest.raises(Conflict, match="proposed already"):
        propose(version)
    campaigns.cancel(first, reason="Another date.", by=make_steward())

    assert propose(version).pk != first.pk


def test_who_confirms_late_gives_no_shorter_grace(release):
    now = timezone.now()
    campaign = propose(load("3.1"), now=now, at=now + GRACE)

    late = now + GRACE - timedelta(hours=72) + MOMENT
    with pytest.raises(NotNow, match="at least 72 hours"):
        campaigns.confirm(campaign, by=make_steward(), now=late)
    campaigns.cancel(campaign, reason="Too late.", by=make_steward(), now=now + 2 * GRACE)

    assert propose(campaign.version).pk != campaign.pk


def test_a_text_that_was_loaded_meanwhile_stops_the_confirmation(release):
    campaign = propose(load("3.1"))
    load("3.2")

    with pytest.raises(NotNow, match="another version"):
        campaigns.confirm(campaign, by=make_steward())


def test_nothing_is_taken_back_once_it_took_effect(release):
    campaign = make_campaign(load("3.1"))

    with pytest.raises(NotNow, match="has taken effect"):
        campaigns.cancel(campaign, reason="Oh.", by=make_steward(), now=campaign.effective_at)
    with pytest.raises(Invalid, match="Say why"):
        campaigns.cancel(campaign, reason=" ", by=make_steward())
    campaigns.cancel(campaign, reason="Oh.", by=make_steward(), now=campaign.effective_at - MOMENT)

    assert in_force.of(release, campaign.effective_at).hash == release.terms_hash
    assert in_force.of(release, campaign.effective_at).terms == release.terms


def test_each_step_is_in_the_audit_log_and_taken_once(release):
    campaign = make_campaign(load("3.1"))
    steward = make_steward()

    with pytest.raises(NotNow):
        campaigns.confirm(campaign, by=steward)
    campaigns.cancel(campaign, reason="Oh.", by=steward)
    for step in (campaigns.cancel, campaigns.confirm):
        with pytest.raises(RegistryError):
            step(campaign, by=steward, **({"reason": "x"} if step is campaigns.cancel else {}))

    events = Entry.objects.filter(event__startswith="campaign.").order_by("sequence")
    assert [one.event for one in events] == [
        "campaign.propose",
        "campaign.confirm",
        "campaign.cancel",
    ]
    assert {one.subject for one in events} == {campaign.public_id}
    assert events[0].details["sha256"] == campaign.version.sha256


def test_the_state_of_a_campaign_follows_the_clock(release):
    campaign = propose(load("3.1"))
    now = timezone.now()
    assert campaigns.state_of(campaign, now) == "proposed"
    campaigns.confirm(campaign, by=make_steward())
    campaign.refresh_from_db()

    assert campaigns.state_of(campaign, campaign.effective_at - MOMENT) == "grace"
    assert campaigns.state_of(campaign, campaign.effective_at) == "in_force"
    campaigns.cancel(campaign, reason="Oh.", by=make_steward())
    campaign.refresh_from_db()
    assert campaigns.state_of(campaign, now) == "cancelled"


def test_new_releases_are_under_the_version_of_the_campaign_anyway(release):
    version = load("3.1")
    make_campaign(version)

    second = factories.make_released(release.repository, version="v2.0", files={"b.txt": "b"})
    assert item_of(second.terms)["sha256"] == version.sha256
    assert campaigns.coming(second) is None
