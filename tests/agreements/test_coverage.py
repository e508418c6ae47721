"""Who is covered by which signature, as the gate decides it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts import people
from registry.accounts.models import Role
from registry.agreements import coverage, domains, organisations
from registry.releases import gate
from tests import factories
from tests.agreements.organisations import end, make_service, make_signing, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    return factories.make_released()


@pytest.fixture
def signing():
    return make_signing("lab")


def _is_open(release, user, now=None) -> bool:
    answer = gate.decide(
        release.repository,
        release.revision,
        caller=factories.as_caller(user),
        **({"now": now} if now else {}),
    )
    assert answer.is_open == (answer.reason == "accepted")
    return answer.is_open


def _join(signature, user) -> None:
    organisations.adhere(signature, by=factories.as_caller(user))


def test_a_signature_covers_the_signatory_and_programs_and_members_once_they_join(release, signing):
    lab, ada = signing
    service, bob = make_service(lab), factories.make_member(lab, Role.READ)
    before = [_is_open(release, user) for user in (ada, service, bob)]
    signature = sign(release, *signing)

    assert before == [False, False, False]
    assert [_is_open(release, user) for user in (ada, service, bob)] == [True, True, False]
    _join(signature, bob)
    assert _is_open(release, bob)
    assert not _is_open(release, factories.make_user())


def test_leaving_ends_it_at_the_next_request_and_coming_back_needs_another_click(release, signing):
    lab, _ = signing
    bob, service = factories.make_member(lab, Role.READ), make_service(lab)
    signature = sign(release, *signing)
    _join(signature, bob)

    people.leave(namespace=lab, by=factories.as_caller(bob))
    people.remove_member(namespace=lab, user=service, by="")
    assert not _is_open(release, bob)
    assert not _is_open(release, service)
    people.set_role(namespace=lab, user=bob, role=Role.READ, by="")
    assert not _is_open(release, bob)
    _join(signature, bob)

    assert _is_open(release, bob)


def test_a_signatory_who_leaves_is_covered_no_more_and_the_others_are(release, signing):
    lab, ada = signing
    bob = factories.make_member(lab, Role.ADMIN)
    _join(sign(release, *signing), bob)

    people.leave(namespace=lab, by=factories.as_caller(ada))

    assert not _is_open(release, ada)
    assert _is_open(release, bob)


def test_another_role_and_an_ended_domain_change_nothing_of_what_was_signed(release, signing):
    lab, ada = signing
    bob = factories.make_member(lab, Role.ADMIN)
    _join(sign(release, *signing), bob)
    steward = factories.as_caller(factories.make_user(site_role="steward"))

    people.set_role(namespace=lab, user=ada, role=Role.READ, by="")
    people.set_role(namespace=lab, user=bob, role=Role.ADMIN, by="")
    domains.end(lab.domains.get(), words="It was sold.", by=steward)

    assert _is_open(release, ada)
    assert _is_open(release, bob)


def test_the_end_of_the_license_ends_all_who_were_covered_but_not_who_accepted_themselves(
    release, signing
):
    lab, ada = signing
    service = make_service(lab)
    bob, eve = (factories.make_member(lab, Role.READ) for _ in range(2))
    signature = sign(release, *signing)
    _join(signature, bob)
    _join(signature, eve)
    factories.accept_terms(release, eve)

    end(signature)

    assert [_is_open(release, user) for user in (ada, service, bob, eve)] == [
        False,
        False,
        False,
        True,
    ]


def test_a_signature_covers_one_repository_and_one_set_from_its_moment(release, signing):
    lab, ada = signing
    signature = sign(release, *signing)
    other = factories.make_released()

    def covered(repository, hashes, now):
        found = coverage.of(user=ada.pk, repository=repository.pk, hashes=hashes, now=now)
        return list(found)

    now = timezone.now()
    assert covered(release.repository, [release.terms_hash], now) == [signature]
    assert covered(release.repository, ["0" * 64], now) == []
    assert covered(other.repository, [other.terms_hash, release.terms_hash], now) == []
    assert covered(release.repository, [release.terms_hash], signature.accepted_at) == [signature]
    earlier = signature.accepted_at - timedelta(microseconds=1)
    assert covered(release.repository, [release.terms_hash], earlier) == []
    assert not _is_open(other, ada)


def test_one_s_own_acceptance_comes_before_that_of_an_organisation(release, signing):
    _, ada = signing
    sign(release, *signing)
    own = factories.accept_terms(release, ada)

    found = coverage.of(
        user=ada.pk,
        repository=release.repository.pk,
        hashes=[release.terms_hash],
        now=timezone.now(),
    )

    assert found.first() == own
    assert found.count() == 2


def test_somebody_in_two_organisations_loses_one_cover_and_keeps_the_other(release, signing):
    lab, ada = signing
    guild, eve = make_signing("guild", domain="guild.example")
    bob = factories.make_member(lab, Role.READ)
    people.set_role(namespace=guild, user=bob, role=Role.READ, by="")
    _join(sign(release, lab, ada), bob)
    _join(second := sign(release, guild, eve), bob)

    people.leave(namespace=lab, by=factories.as_caller(bob))
    assert _is_open(release, bob)
    end(second)

    assert not _is_open(release, bob)
