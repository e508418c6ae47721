"""Who may sign for an organisation, and how its members join what was signed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts import people
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope
from registry.agreements import acceptances, domains, organisations
from registry.agreements.models import Acceptance, Adherence
from registry.audit.models import Entry
from registry.errors import Invalid, Missing, NotAllowed, NotNow, SignInRequired
from tests import factories
from tests.agreements.organisations import (
    end,
    make_domain,
    make_service,
    make_signing,
    sign,
    verify,
)
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def signing():
    return make_signing("lab")


@pytest.fixture
def signature(signing):
    return sign(factories.make_released(), *signing)


def test_an_admin_with_a_verified_address_in_a_confirmed_domain_may_sign(signing):
    lab, ada = signing
    by = factories.as_caller(ada)

    assert organisations.may_sign(lab, by) is None
    assert organisations.require_signatory(lab, by).domain == "lab.example"
    assert list(organisations.signs_for(by)) == [lab]


def _demote(lab, ada):
    factories.make_member(lab, Role.ADMIN)
    people.set_role(namespace=lab, user=ada, role=Role.WRITE, by="")


def _remove(lab, ada):
    factories.make_member(lab, Role.ADMIN)
    people.remove_member(namespace=lab, user=ada, by="")


def _end_domain(lab, ada):
    steward = factories.as_caller(factories.make_user(site_role="steward"))
    domains.end(lab.domains.get(), words="It was sold.", by=steward)


def _unverify(lab, ada):
    ada.emailaddress_set.update(verified=False)


def _move(lab, ada):
    ada.emailaddress_set.update(email="ada@mail.lab.example")


def _close(lab, ada):
    ada.is_active = False
    ada.save()


@pytest.mark.parametrize("lose", [_demote, _remove, _end_domain, _unverify, _move, _close])
def test_without_any_one_of_these_they_may_not(signing, lose):
    lab, ada = signing
    lose(lab, ada)
    by = factories.as_caller(ada)

    refusal = organisations.may_sign(lab, by)
    assert isinstance(refusal, NotAllowed | NotNow)
    with pytest.raises(type(refusal)):
        organisations.require_signatory(lab, by)
    assert not organisations.signs_for(by).exists()


def test_a_domain_that_waits_lets_nobody_sign():
    ada = factories.make_user("ada")
    lab = factories.make_organisation("lab", owner=ada)
    verify(ada, "ada@lab.example")
    domains.ask(lab, domain="lab.example", by=factories.as_caller(ada))

    refusal = organisations.may_sign(lab, factories.as_caller(ada))

    assert isinstance(refusal, NotNow)
    assert "A steward looks at lab.example" in str(refusal)
    assert refusal.next_url == "/settings/organisations/lab/domains"
    assert not organisations.signs_for(factories.as_caller(ada)).exists()


def test_the_domain_of_one_organisation_signs_for_no_other(signing):
    _, ada = signing
    other = factories.make_organisation("other", owner=ada)
    make_domain(other, "other.example")

    assert isinstance(organisations.may_sign(other, factories.as_caller(ada)), NotNow)


def test_programs_narrow_tokens_and_strangers_do_not_sign(signing):
    lab, ada = signing
    service = make_service(lab)
    people.set_role(namespace=lab, user=service, role=Role.ADMIN, by="")
    verify(service, "ci@lab.example")
    steward = factories.make_user(site_role="steward")
    verify(steward, "steward@lab.example")

    for by, kind in [
        (NOBODY, SignInRequired),
        (factories.as_caller(service), NotAllowed),
        (Caller(user=ada, scope=Scope.READ), NotAllowed),
        (Caller(user=ada, scope=Scope.WRITE), NotAllowed),
        (factories.as_caller(steward), NotAllowed),
        (factories.as_caller(factories.make_member(lab, Role.WRITE)), NotAllowed),
    ]:
        with pytest.raises(kind):
            organisations.require_signatory(lab, by)
        assert not organisations.signs_for(by).exists()
    with pytest.raises(Invalid, match="is a person"):
        organisations.require_signatory(ada.namespace, factories.as_caller(ada))


def test_a_signatory_who_lost_the_role_meanwhile_stores_nothing(signing):
    lab, ada = signing
    release = factories.make_released()
    _demote(lab, ada)

    with pytest.raises(NotAllowed):
        _accept(release, lab, ada)

    assert not Acceptance.objects.exists()


def test_what_was_signed_stays_when_the_domain_ends(signing, signature):
    _end_domain(*signing)

    bob = factories.make_member(signing[0], Role.READ)
    assert organisations.adhere(signature, by=factories.as_caller(bob))


@pytest.mark.django_db(transaction=True)
def test_two_signatories_at_once_are_one_acceptance():
    lab, ada = make_signing("lab")
    bob = factories.make_member(lab, Role.ADMIN)
    verify(bob, "bob@lab.example")
    release = factories.make_released()

    first, second = at_once(lambda: _accept(release, lab, ada), lambda: _accept(release, lab, bob))

    assert first == second == Acceptance.objects.get()
    assert Entry.objects.filter(event="terms.accept").count() == 1


def _accept(release, lab, user):
    return acceptances.accept(
        release.repository,
        terms=release.terms,
        shown_hash=release.terms_hash,
        typed_name="Some Body",
        by=factories.as_caller(user),
        capacity="organisation",
        organisation=lab,
        country="CA",
        attested={organisations.AUTHORITY: True}
        | {one["id"]: True for one in release.terms.get("attestations", [])},
    )


# Joining


def test_a_member_joins_once_and_the_log_says_so(signing, signature):
    bob = factories.make_member(signing[0], Role.READ)
    by = Caller(user=bob, scope=Scope.WRITE, token="t" * 24)

    made = organisations.adhere(signature, by=by)

    assert organisations.adhere(signature, by=by) == made == Adherence.objects.get()
    assert made.token == "t" * 24
    entry = Entry.objects.get(event="terms.adhere")
    assert (entry.actor, entry.subject) == (bob.public_id, signature.public_id)
    assert entry.details == {
        "organisation": signing[0].public_id,
        "terms": signature.terms_hash,
    }


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_adherence():
    lab, ada = make_signing("lab")
    signature = sign(factories.make_released(), lab, ada)
    by = factories.as_caller(factories.make_member(lab, Role.READ))

    first, second = at_once(
        lambda: organisations.adhere(signature, by=by),
        lambda: organisations.adhere(signature, by=by),
    )

    assert first == second == Adherence.objects.get()
    assert Entry.objects.filter(event="terms.adhere").count() == 1


def test_who_may_not_join(signing, signature):
    lab, ada = signing
    bob = factories.make_member(lab, Role.READ)

    for by, kind in [
        (NOBODY, SignInRequired),
        (factories.as_caller(factories.make_user()), Missing),
        (factories.as_caller(factories.make_user(site_role="steward")), Missing),
        (Caller(user=bob, scope=Scope.READ), NotAllowed),
        (factories.as_caller(make_service(lab)), NotAllowed),
        (factories.as_caller(ada), NotNow),
        (
            Caller(user=bob, scope=Scope.WRITE, repositories=frozenset({"0" * 24})),
            Missing,
        ),
    ]:
        with pytest.raises(kind):
            organisations.adhere(signature, by=by)
    people.leave(namespace=lab, by=factories.as_caller(bob))
    with pytest.raises(Missing):
        organisations.adhere(signature, by=factories.as_caller(bob))
    assert not Adherence.objects.exists()


def test_a_person_s_own_acceptance_is_no_signature_to_join(signing):
    lab, ada = signing
    own = factories.accept_terms(factories.make_released(), ada)
    bob = factories.make_member(lab, Role.READ)

    with pytest.raises(Missing):
        organisations.adhere(own, by=factories.as_caller(bob))


def test_what_was_signed_for_a_private_repository_is_hidden_from_who_may_not_know_of_it(signing):
    lab, ada = signing
    release = factories.make_released()
    signature = sign(release, lab, ada)
    release.repository.visibility = "private"
    release.repository.save()
    bob = factories.make_member(lab, Role.READ)

    with pytest.raises(Missing):
        organisations.adhere(signature, by=factories.as_caller(bob))


def test_nobody_joins_what_ended(signing, signature):
    bob = factories.make_member(signing[0], Role.READ)
    end(signature)

    with pytest.raises(NotNow, match="ended"):
        organisations.adhere(signature, by=factories.as_caller(bob))


def test_a_member_is_offered_what_does_not_cover_them(signing, signature):
    lab, ada = signing
    bob = factories.make_member(lab, Role.READ)
    repository, hashes = signature.repository, [signature.terms_hash]

    def offered(user, hashes=hashes, now=None):
        return list(organisations.offers_to(user, repository, hashes, now))

    assert offered(bob) == [signature]
    assert offered(bob, ["0" * 64]) == offered(bob, []) == []
    assert offered(bob, now=signature.accepted_at - timedelta(seconds=1)) == []
    for user in (ada, make_service(lab), factories.make_user(), None):
        assert offered(user) == []
    organisations.adhere(signature, by=factories.as_caller(bob))
    assert offered(bob) == []
    people.leave(namespace=lab, by=factories.as_caller(bob))
    assert offered(bob) == []
    people.set_role(namespace=lab, user=bob, role=Role.READ, by="")
    assert offered(bob) == [signature]
    end(signature)
    assert offered(bob) == []


def test_an_adherence_is_evidence_and_once(signing, signature):
    bob = factories.make_member(signing[0], Role.READ)
    made = organisations.adhere(signature, by=factories.as_caller(bob))

    with refused_by("member_adheres_once"):
        Adherence.objects.create(
            acceptance=signature, user=bob, membership=made.membership, at=timezone.now()
        )
    with refused_as_evidence():
        Adherence.objects.update(membership=0)
    with refused_as_evidence():
        Adherence.objects.filter(pk=made.pk)._raw_delete("default")


def test_the_database_holds_one_signature_of_a_set_by_an_organisation(signing, signature):
    lab, ada = signing
    other = factories.make_member(lab, Role.ADMIN)
    again = Acceptance(
        user=other,
        organisation=lab,
        repository=signature.repository,
        terms=signature.terms,
        terms_hash=signature.terms_hash,
        capacity="organisation",
        words_digest="0" * 64,
        accepted_at=signature.accepted_at,
    )

    with refused_by("terms_accepted_once_by_an_organisation"):
        again.save()
    again.terms_hash, again.capacity = "0" * 64, "self"
    with refused_by("signatory_accepts_for_an_organisation"):
        again.save()
