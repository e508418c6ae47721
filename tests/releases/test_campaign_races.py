"""What the database refuses about campaigns, and acts of several people at once."""

import time
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from registry.errors import Conflict, NotNow
from registry.releases import campaigns, in_force, offers, workflow
from registry.releases.models import Campaign, TermsChange
from tests import factories
from tests.refusals import at_once, refused_as_evidence, refused_by
from tests.releases.campaigning import GRACE, load, make_campaign, make_steward, propose

with_threads = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"


@pytest.mark.django_db
def test_what_the_database_refuses_about_campaigns() -> None:
    factories.make_released()
    proposed = propose(load("3.1"))
    steward, now = make_steward().user, timezone.now()
    rows = Campaign.objects.filter(pk=proposed.pk)

    with refused_by("one_proposed_campaign_of_a_document"):
        Campaign.objects.create(
            document=proposed.document,
            version=proposed.version,
            kind="editorial",
            note="Another.",
            effective_at=now,
            opened_by=steward,
            opened_at=now,
        )
    with refused_by("campaign_needs_a_second_steward"):
        rows.update(confirmed_by=proposed.opened_by, confirmed_at=now)
    with refused_by("campaign_is_confirmed_by_somebody"):
        rows.update(confirmed_at=now)
    with refused_by("campaign_is_confirmed_by_somebody"):
        rows.update(confirmed_by=steward)
    for half in ({"cancelled_by": steward}, {"cancelled_at": now}):
        with refused_by("campaign_is_cancelled_before_it_takes_effect"):
            rows.update(**half)

    campaigns.confirm(proposed, by=make_steward())
    with refused_by("campaign_is_cancelled_before_it_takes_effect"):
        rows.update(cancelled_by=steward, cancelled_at=proposed.effective_at)
    change = TermsChange.objects.get()
    with refused_by("terms_changed_once_by_a_campaign"):
        TermsChange.objects.create(
            campaign=proposed,
            release=change.release,
            terms={},
            terms_hash="0" * 64,
            counts=[],
            from_at=now,
        )
    with refused_as_evidence():
        TermsChange.objects.update(from_at=now)
    with refused_as_evidence():
        TermsChange.objects.all().delete()


@with_threads
def test_two_stewards_who_confirm_at_once_write_it_once() -> None:
    release = factories.make_released()
    campaign = propose(load("3.1"))
    ada, bob = make_steward(), make_steward()

    given = at_once(
        lambda: campaigns.confirm(campaign, by=ada), lambda: campaigns.confirm(campaign, by=bob)
    )

    assert sorted(type(one).__name__ for one in given) == ["Counts", "NotNow"]
    assert campaign.changes.count() == 1
    assert in_force.of(release, campaign.effective_at).hash == campaign.changes.get().terms_hash


@with_threads
def test_confirming_and_cancelling_at_once_leave_one_outcome() -> None:
    release = factories.make_released()
    campaign = propose(load("3.1"))
    ada, bob = make_steward(), make_steward()

    given = at_once(
        lambda: campaigns.confirm(campaign, by=ada),
        lambda: campaigns.cancel(campaign, reason="No.", by=bob),
    )

    campaign.refresh_from_db()
    assert not [one for one in given if isinstance(one, Exception) and not isinstance(one, NotNow)]
    assert campaign.cancelled_at is not None
    assert in_force.of(release, campaign.effective_at).hash == release.terms_hash


@with_threads
@pytest.mark.parametrize("is_first", ["release", "campaign"])
def test_a_release_that_comes_out_while_a_campaign_is_confirmed_goes_along(is_first: str) -> None:
    # Its date is to come, so that releases are made under the version before it until then
    first, second = factories.make_released(), factories.make_release()
    day = (timezone.now() + timedelta(days=4)).date()
    campaign = propose(load("3.1", effective_date=day))
    boss, steward = factories.as_caller(factories.make_maintainer()), make_steward()
    acts = {
        "release": lambda: workflow.transition("approve", second, by=boss),
        "campaign": lambda: campaigns.confirm(campaign, by=steward),
    }
    is_done = Event()

    def begin() -> None:
        with transaction.atomic():
            acts[is_first]()
            is_done.set()
            time.sleep(0.5)

    def come_next() -> None:
        is_done.wait(20)
        acts["campaign" if is_first == "release" else "release"]()

    given = at_once(begin, come_next)

    assert given == [None, None]
    assert {one.release for one in campaign.changes.all()} == {first, second}


@with_threads
def test_two_campaigns_that_are_confirmed_at_once_compose_or_one_is_refused() -> None:
    release = factories.make_released()
    now = timezone.now()
    sooner = propose(load("3.1"), at=now + GRACE)
    later = propose(load("1", slug="aup-llama3-1"), at=now + 2 * GRACE)
    ada, bob = make_steward(), make_steward()

    given = at_once(
        lambda: campaigns.confirm(sooner, by=ada), lambda: campaigns.confirm(later, by=bob)
    )

    refused = [one for one in given if isinstance(one, Exception)]
    assert [type(one) for one in refused] in ([], [NotNow])
    after = in_force.of(release, now + 2 * GRACE).terms["documents"]
    versions = {one["slug"]: one["version"] for one in after}
    assert versions["aup-llama3-1"] == "1"
    assert (versions["llama3-1"] == "3.1") == (not refused)


@with_threads
def test_accepting_while_the_grace_ends_records_what_was_shown_or_nothing() -> None:
    release = factories.make_released()
    campaign = make_campaign(load("3.1"))
    users = [factories.make_user() for _ in range(4)]
    new = campaign.changes.get().terms_hash
    end = campaign.effective_at

    def accept(user: Any, terms_hash: str, at: Any) -> Any:
        return offers.accept(
            release.repository,
            shown_hash=terms_hash,
            typed_name="Ada",
            by=factories.as_caller(user),
            now=at,
        )

    moment = timedelta(microseconds=1)
    before, old_after, early, after = at_once(
        lambda: accept(users[0], release.terms_hash, end - moment),
        lambda: accept(users[1], release.terms_hash, end),
        lambda: accept(users[2], new, end - moment),
        lambda: accept(users[3], new, end),
    )

    assert before.terms_hash == release.terms_hash
    assert isinstance(old_after, Conflict)
    assert early.terms_hash == after.terms_hash == new
    assert early.terms == campaign.changes.get().terms
