"""Who is told of a campaign: everybody concerned, once, of what they may know of."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts import people
from registry.accounts.models import Role, User
from registry.catalog.models import Repository
from registry.outbox.models import Message
from registry.releases import campaign_notices, campaigns, offers, tasks
from registry.releases.models import CampaignNotice, Release
from tests import factories
from tests.agreements import organisations
from tests.refusals import at_once, refused_by
from tests.releases.campaigning import GRACE, load, make_campaign, make_steward, propose

pytestmark = pytest.mark.django_db

REMINDER = timedelta(hours=72)
MOMENT = timedelta(microseconds=1)


def mails_to(user: User) -> list[Any]:
    """Subjects and texts of mails about campaigns, the oldest first."""
    written = Message.objects.filter(body__to=user.email, body__text__icontains="Version 3.1")
    written |= Message.objects.filter(body__to=user.email, body__text__icontains="does not come")
    return [one.body for one in written.order_by("pk")]


def sweep(now: Any) -> None:
    for campaign, kind in campaign_notices.due(now):
        campaign_notices.tell(campaign, kind, now=now)


@pytest.fixture
def release() -> Release:
    return factories.make_released()


def test_holders_signatories_admins_and_publishers_are_told_once(release):
    ada, stranger = factories.make_user(), factories.make_user()
    lab, signatory = organisations.make_signing()
    admin = factories.make_member(lab, Role.ADMIN)
    member = factories.make_member(lab, Role.READ)
    factories.accept_terms(release, ada)
    organisations.sign(release, lab, signatory)
    owner = release.repository.created_by
    proposed = propose(load("3.1"))
    tasks.tell_of_campaigns()
    assert not CampaignNotice.objects.exists()
    campaigns.confirm(proposed, by=make_steward())
    assert not mails_to(ada)

    tasks.tell_of_campaigns()
    tasks.tell_of_campaigns()

    told = {user: mails_to(user) for user in (ada, signatory, admin, owner, stranger, member)}
    assert [len(mails) for mails in told.values()] == [1, 1, 1, 1, 0, 0]
    name = release.repository.full_name
    assert "Section 2 has another threshold." in told[ada][0]["text"]
    assert "You accepted the terms of these models" in told[ada][0]["text"]
    assert told[ada][0]["text"].count("://") == 1
    assert told[ada][0]["text"].strip().endswith(f"/{name}/terms")
    assert f"For {lab.name} the terms" in told[signatory][0]["text"]
    assert f"For {lab.name} the terms" in told[admin][0]["text"]
    assert "models of yours" in told[owner][0]["text"]


def test_where_acceptances_carry_over_only_publishers_are_told(release):
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    make_campaign(load("3.1"), kind="editorial", at=timezone.now())

    tasks.tell_of_campaigns()

    assert not mails_to(ada)
    [told] = mails_to(release.repository.created_by)
    assert "carries over" in told["text"]


def test_who_accepted_early_is_not_told_nor_reminded(release):
    ada, bob, owner = factories.make_user(), factories.make_user(), release.repository.created_by
    for user in (ada, bob):
        factories.accept_terms(release, user)
    campaign = make_campaign(load("3.1"))
    coming = campaigns.coming(release)
    offers.accept(
        release.repository,
        shown_hash=coming.terms_hash,
        typed_name="Ada",
        by=factories.as_caller(ada),
    )

    sweep(timezone.now())
    sweep(campaign.effective_at - REMINDER - MOMENT)
    before = len(mails_to(bob))
    for moment in (REMINDER, timedelta(hours=1), timedelta(0)):
        sweep(campaign.effective_at - moment)

    campaign.refresh_from_db()
    assert before == 1
    assert [len(mails_to(user)) for user in (ada, bob, owner)] == [0, 2, 1]
    assert mails_to(bob)[1]["subject"].startswith("Reminder:")
    assert campaign.reminded_at == campaign.effective_at - REMINDER


def test_a_short_grace_has_its_reminder_half_way(release, settings):
    settings.CAMPAIGN_GRACE_HOURS = 2
    bob = factories.make_user()
    factories.accept_terms(release, bob)
    now = timezone.now()
    make_campaign(load("3.1"), now=now, at=now + timedelta(hours=4))

    sweep(now + timedelta(hours=2) - MOMENT)
    assert len(mails_to(bob)) == 1
    sweep(now + timedelta(hours=2))
    assert len(mails_to(bob)) == 2


def test_who_was_told_is_told_that_it_does_not_come(release):
    ada, late = factories.make_user(), factories.make_user()
    factories.accept_terms(release, ada)
    campaign = make_campaign(load("3.1"))
    sweep(timezone.now())
    factories.accept_terms(release, late)
    campaigns.cancel(campaign, reason="The text was wrong.", by=make_steward())

    sweep(timezone.now())
    sweep(timezone.now())

    assert len(mails_to(ada)) == 2
    assert "The text was wrong." in mails_to(ada)[1]["text"]
    assert mails_to(late) == []


def test_nobody_is_told_of_a_model_that_they_may_not_know_of_any_more(release):
    ada, gone = factories.make_user(), factories.make_user()
    for user in (ada, gone):
        factories.accept_terms(release, user)
    other = factories.make_released()
    factories.accept_terms(other, ada)
    Repository.objects.filter(pk=release.repository_id).update(visibility="private")
    make_campaign(load("3.1"))

    sweep(timezone.now())

    assert mails_to(gone) == []
    assert release.repository.full_name not in mails_to(ada)[0]["text"]
    assert other.repository.full_name in mails_to(ada)[0]["text"]


def test_a_signatory_who_left_and_a_closed_account_are_not_told(release):
    ada = factories.make_user()
    lab, signatory = organisations.make_signing()
    people.set_role(namespace=lab, user=factories.make_user(), role=Role.ADMIN, by="")
    factories.accept_terms(release, ada)
    organisations.sign(release, lab, signatory)
    lab.memberships.filter(user=signatory).delete()
    User.objects.filter(pk=ada.pk).update(is_active=False)
    make_campaign(load("3.1"))

    sweep(timezone.now())

    assert mails_to(ada) == mails_to(signatory) == []


def test_who_accepts_the_old_set_after_the_announcement_is_told_too(release, monkeypatch):
    monkeypatch.setattr(campaign_notices, "BATCH", 1)
    campaign = make_campaign(load("3.1"))
    sweep(timezone.now())
    bob = factories.make_user()
    factories.accept_terms(release, bob)

    sweep(timezone.now())

    assert len(mails_to(bob)) == 1
    assert campaign.notices.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_tell_nobody_twice():
    release = factories.make_released()
    users = [factories.make_user() for _ in range(5)]
    for user in users:
        factories.accept_terms(release, user)
    make_campaign(load("3.1"))

    given = at_once(tasks.tell_of_campaigns, tasks.tell_of_campaigns)

    assert given == [None, None]
    assert [len(mails_to(user)) for user in users] == [1] * 5
    notice = CampaignNotice.objects.first()
    with refused_by("told_once_of_a_campaign"):
        CampaignNotice.objects.create(
            campaign=notice.campaign, user=notice.user, kind=notice.kind, at=notice.at + GRACE
        )
