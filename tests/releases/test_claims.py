"""Who works on a review: claims that others see, that lapse, and that a decision ends."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import Role, User
from registry.errors import Conflict, NotAllowed, NotNow
from registry.outbox.models import Kind, Message
from registry.releases import claims, policies, workflow
from registry.releases.models import Claim, Release
from tests import factories
from tests.factories import as_caller
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db


def _owner(release: Release) -> Caller:
    return as_caller(release.opened_by)


def _member_maintainer(release: Release) -> User:
    user = factories.make_member(release.repository.namespace, Role.READ)
    User.objects.filter(pk=user.pk).update(site_role="maintainer")
    return User.objects.get(pk=user.pk)


def test_a_claim_is_one_maintainers_until_it_lapses(release, bob):
    carol = as_caller(factories.make_maintainer())
    now = timezone.now()
    claims.take(release, by=bob, now=now)

    with pytest.raises(Conflict, match="bob works on it already"):
        claims.take(release, by=carol, now=now + timedelta(hours=1))
    claims.take(release, by=bob, now=now + timedelta(hours=2))  # anew
    later = now + timedelta(hours=26)
    assert not claims.living(later).exists()
    claims.take(release, by=carol, now=later)

    assert [one.reviewer for one in claims.living(later)] == [carol.user]
    assert Claim.objects.filter(ended_at=None).count() == 1
    lapsed = Claim.objects.filter(reviewer=bob.user).latest("pk")
    assert lapsed.ended_at == lapsed.expires_at
    work = {one.username: one.working_on for one in claims.workload(later)}
    assert (work["bob"], work[carol.user.username]) == (0, 1)


def test_a_review_is_given_to_a_maintainer_who_is_told_and_who_may_decide(of_lab, bob):
    member = _member_maintainer(of_lab)
    author = of_lab.opened_by
    User.objects.filter(pk=author.pk).update(site_role="maintainer")
    carol = factories.make_maintainer()
    policies.change(
        of_lab.repository.namespace,
        approvals=1,
        reviews_apart=False,
        bars=["same_organisation"],
        by=_owner(of_lab),
    )
    for unfit in (factories.make_user(), author, member):
        with pytest.raises(NotAllowed):
            claims.take(of_lab, by=bob, reviewer=unfit)
    for by in (as_caller(factories.make_user()), Caller(user=bob.user, scope="write")):
        with pytest.raises(NotAllowed):
            claims.take(of_lab, by=by)
        with pytest.raises(NotAllowed):
            claims.give_up(of_lab, by=by)

    claims.take(of_lab, by=bob, reviewer=carol)
    mail = Message.objects.filter(kind=Kind.MAIL, body__to=carol.email).get()
    claims.give_up(of_lab, by=bob, reviewer=carol)

    assert of_lab.get_absolute_url() in mail.body["text"]
    assert not claims.living(timezone.now()).exists()
    with pytest.raises(NotNow):
        claims.give_up(of_lab, by=bob)


def test_a_decision_ends_the_claim_and_what_is_decided_is_not_claimed(release, bob):
    claims.take(release, by=bob)
    workflow.transition("approve", release, by=bob)

    assert not claims.living(timezone.now()).exists()
    with pytest.raises(NotNow, match="nothing to review"):
        claims.take(release, by=bob)


def test_the_database_keeps_claims_in_order(release, bob):
    claim = claims.take(release, by=bob)

    with refused_by("claimed_once_by_a_reviewer"):
        Claim.objects.create(
            release=release,
            reviewer=bob.user,
            given_by=bob.user,
            at=claim.at,
            expires_at=claim.expires_at,
        )
    with refused_by("claim_lasts_a_while"):
        Claim.objects.update(expires_at=claim.at)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_review_at_once_one_gets_it():
    release = factories.make_release()
    both = [as_caller(factories.make_maintainer()) for _ in range(2)]

    got = at_once(*(lambda by=by: claims.take(release, by=by) for by in both))

    assert sorted(type(one).__name__ for one in got) == ["Claim", "Conflict"]
