"""Ended licenses: who may end one, what follows, and that the ledger keeps it."""

import pytest
from django.db import connection
from django.utils import timezone

from registry.accounts import people
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, Role, User
from registry.agreements import acceptances, endings, requests
from registry.agreements import terms as terms_of
from registry.agreements.models import (
    Acceptance,
    Adherence,
    Capacity,
    Deletion,
    Document,
    Ending,
    EndingEvent,
    RequestState,
)
from registry.audit.models import Entry
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, SignInRequired
from registry.outbox.models import Message
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db
WHY = "Shared the weights with others."


@pytest.fixture
def release() -> Release:
    return factories.make_released()


@pytest.fixture
def license() -> Document:  # noqa: A001
    return Document.objects.get(slug="llama3-1")


@pytest.fixture
def steward() -> Caller:
    return as_caller(factories.make_user(site_role="steward"))


def for_organisation(release: Release, signatory: User, organisation: Namespace) -> Acceptance:
    return Acceptance.objects.create(
        user=signatory,
        organisation=organisation,
        repository=release.repository,
        terms=release.terms,
        terms_hash=release.terms_hash,
        capacity=Capacity.ORGANISATION,
        words_digest="0" * 64,
        accepted_at=timezone.now(),
    )


def let_in(repository: Repository, user: User) -> None:
    Repository.objects.filter(pk=repository.pk).update(gated="manual")
    requests.grant(repository, user=user.username, by=as_caller(repository.created_by))


def mails_to(user: User) -> list[Message]:
    """The mails that say that a license ended."""
    return list(Message.objects.filter(body__to=user.email, body__subject__icontains="has ended"))


def test_a_steward_ends_a_license_and_all_that_followed_from_it(release, steward, license):
    ada = factories.make_user()
    acceptance = factories.accept_terms(release, ada)
    let_in(release.repository, ada)
    before = endings.counts(license, ada)

    (ending,) = endings.end_license(
        license, event=EndingEvent.BREACH, reason=WHY, by=steward, party=ada, expected=1
    )

    request = requests.newest(release.repository, ada)
    (told,) = mails_to(ada)
    assert before == endings.Counts(1, 1, 0, 1, 1)
    assert ending.acceptance == acceptance
    assert request.state == RequestState.REJECTED
    assert request.grants.get().ends_at is not None
    assert release.repository.full_name in told.body["text"]
    assert WHY in told.body["text"]
    assert Entry.objects.filter(event="license.end", subject=acceptance.public_id).exists()
    assert endings.counts(license, ada) == endings.Counts(0, 0, 0, 0, 0)


def test_a_license_that_its_publisher_ends_ends_for_everybody(release, steward, license):
    holders = [factories.make_user() for _ in range(3)]
    for holder in holders:
        factories.accept_terms(release, holder)
    organisation = factories.make_organisation(owner=holders[0])
    for_organisation(release, holders[0], organisation)
    shown = endings.counts(license)

    made = endings.end_license(
        license, event=EndingEvent.PUBLISHER, reason="Withdrawn.", by=steward, expected=4
    )

    assert shown == endings.Counts(4, 3, 1, 1, 0)
    assert len(made) == 4
    assert not endings.standing().exists()
    assert len(mails_to(holders[0])) == 1


def test_nothing_ends_when_the_numbers_are_others_than_those_shown(release, steward, license):
    factories.accept_terms(release, factories.make_user())

    with pytest.raises(Conflict, match="Nothing was ended"):
        endings.end_license(
            license, event=EndingEvent.PUBLISHER, reason="Withdrawn.", by=steward, expected=0
        )

    assert not Ending.objects.exists()


@pytest.mark.parametrize("role", ["", "maintainer"])
def test_whoever_is_no_steward_ends_nothing_of_others(release, license, role):
    acceptance = factories.accept_terms(release, factories.make_user())
    other = as_caller(factories.make_user(site_role=role))

    for event in EndingEvent.values:
        with pytest.raises(NotAllowed):
            endings.end(acceptance, event=event, reason=WHY, by=other)
    with pytest.raises(NotAllowed):
        endings.end_license(license, event=EndingEvent.PUBLISHER, reason=WHY, by=other)
    with pytest.raises(SignInRequired):
        endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=Caller())


def test_a_steward_needs_a_token_that_governs(release, license, steward):
    acceptance = factories.accept_terms(release, factories.make_user())

    with pytest.raises(NotAllowed):
        endings.end(
            acceptance,
            event=EndingEvent.BREACH,
            reason=WHY,
            by=Caller(user=steward.user, scope="write"),
        )


def test_not_even_a_steward_gives_back_somebody_elses_license(release, steward):
    acceptance = factories.accept_terms(release, factories.make_user())

    with pytest.raises(NotAllowed):
        endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=steward)


def test_a_licensee_gives_back_their_own_and_nobody_elses_breach_is_theirs_to_state(release):
    ada = factories.make_user()
    acceptance = factories.accept_terms(release, ada)

    with pytest.raises(NotAllowed):
        endings.end(acceptance, event=EndingEvent.BREACH, reason=WHY, by=as_caller(ada))
    with pytest.raises(NotAllowed):
        endings.end(
            acceptance, event=EndingEvent.LICENSEE, reason="", by=Caller(user=ada, scope="read")
        )
    endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(ada))

    assert acceptance.ending.event == EndingEvent.LICENSEE


def test_a_signatory_who_left_answers_for_the_organisation_no_more_but_its_admins_do(release):
    admin, signatory = factories.make_user(), factories.make_user()
    organisation = factories.make_organisation(owner=admin)
    people.set_role(namespace=organisation, user=signatory, role=Role.READ, by="")
    acceptance = for_organisation(release, signatory, organisation)
    Membership.objects.filter(user=signatory).delete()

    with pytest.raises(NotAllowed):
        endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(signatory))
    ending = endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(admin))

    with pytest.raises(NotAllowed):
        endings.confirm_deletion(ending, by=as_caller(signatory))
    assert endings.confirm_deletion(ending, by=as_caller(admin)).by == admin


def test_members_who_joined_lose_their_grants_unless_their_own_license_stands(release, steward):
    signatory, joined, own = (factories.make_user() for _ in range(3))
    organisation = factories.make_organisation(owner=signatory)
    acceptance = for_organisation(release, signatory, organisation)
    for member in (joined, own):
        made = people.set_role(namespace=organisation, user=member, role=Role.READ, by="")
        Adherence.objects.create(
            acceptance=acceptance, user=member, membership=made.pk, at=timezone.now()
        )
        let_in(release.repository, member)
    factories.accept_terms(release, own)

    endings.end(acceptance, event=EndingEvent.SUIT, reason=WHY, by=steward)

    assert requests.newest(release.repository, joined).state == RequestState.REJECTED
    assert requests.newest(release.repository, own).state == RequestState.ACCEPTED
    assert all(mails_to(member) for member in (signatory, joined, own))


def test_only_the_licensee_confirms_the_deletion_and_once_is_enough(release, steward):
    ada = factories.make_user()
    acceptance = factories.accept_terms(release, ada)
    ending = endings.end(acceptance, event=EndingEvent.BREACH, reason=WHY, by=steward)
    assert Ending.objects.filter(endings.are_open()).get() == ending

    for other in (steward, as_caller(factories.make_user())):
        with pytest.raises(NotAllowed):
            endings.confirm_deletion(ending, by=other)
    first = endings.confirm_deletion(ending, by=as_caller(ada))

    assert endings.confirm_deletion(ending, by=as_caller(ada)) == first
    assert not Ending.objects.filter(endings.are_open()).exists()


def test_endings_are_seen_by_those_whom_they_concern(release, steward):
    ada, bob = factories.make_user(), factories.make_user()
    ending = endings.end(
        factories.accept_terms(release, ada), event=EndingEvent.BREACH, reason=WHY, by=steward
    )

    assert list(endings.visible_to(as_caller(ada))) == [ending]
    assert list(endings.visible_to(steward)) == [ending]
    assert not endings.of_caller(steward).exists()
    assert not endings.visible_to(as_caller(bob)).exists()
    assert not endings.visible_to(Caller()).exists()


def accept_next(release: Release, user: User) -> Acceptance:
    """Accept another set of terms with the same license, as after a change of its text."""
    terms = release.terms | {"schema": 99}
    return acceptances.accept(
        release.repository,
        terms=terms,
        shown_hash=terms_of.hash_of(terms),
        typed_name="Some Body",
        by=as_caller(user),
    )


@pytest.mark.parametrize("event", sorted(endings.BY_STEWARDS))
def test_other_terms_do_not_give_a_license_again_that_a_steward_ended(release, steward, event):
    ada = factories.make_user()
    endings.end(factories.accept_terms(release, ada), event=event, reason=WHY, by=steward)

    with pytest.raises(NotAllowed, match="write to a steward"):
        accept_next(release, ada)

    assert accept_next(release, factories.make_user())
    assert Acceptance.objects.filter(user=ada).count() == 1


def test_who_gave_a_license_back_may_accept_other_terms_but_not_the_same(release):
    ada = factories.make_user()
    acceptance = factories.accept_terms(release, ada)
    endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(ada))

    with pytest.raises(NotNow, match="gives no new one"):
        factories.accept_terms(release, ada)

    assert accept_next(release, ada) != acceptance


@pytest.mark.parametrize(
    ("event", "reason"), [(EndingEvent.BREACH, ""), ("", WHY), (EndingEvent.SUIT, "x" * 501)]
)
def test_an_ending_says_why(release, steward, event, reason):
    acceptance = factories.accept_terms(release, factories.make_user())

    with pytest.raises(Invalid):
        endings.end(acceptance, event=event, reason=reason, by=steward)


def test_only_its_publisher_ends_a_license_for_everybody(license, steward):
    with pytest.raises(Invalid, match="name whose"):
        endings.end_license(license, event=EndingEvent.BREACH, reason=WHY, by=steward)


def test_a_license_ends_once(release, steward):
    acceptance = factories.accept_terms(release, factories.make_user())
    ending = endings.end(acceptance, event=EndingEvent.BREACH, reason=WHY, by=steward)

    with pytest.raises(Conflict):
        endings.end(acceptance, event=EndingEvent.BREACH, reason=WHY, by=steward)
    with refused_by("agreements_ending_acceptance_id_key"):
        Ending.objects.create(acceptance=acceptance, event=EndingEvent.SUIT, at=timezone.now())

    Deletion.objects.create(ending=ending, by=acceptance.user, at=timezone.now())
    with refused_by("agreements_deletion_ending_id_key"):
        Deletion.objects.create(ending=ending, by=acceptance.user, at=timezone.now())


def test_endings_and_deletions_are_evidence(release, steward):
    ada = factories.make_user()
    acceptance = factories.accept_terms(release, ada)
    ending = endings.end(acceptance, event=EndingEvent.BREACH, reason=WHY, by=steward)
    endings.confirm_deletion(ending, by=as_caller(ada))

    for table in (Ending, Deletion):
        with refused_as_evidence():
            table.objects.update(at=timezone.now())
        with refused_as_evidence(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table._meta.db_table}")  # noqa: S608 - names of our own


@pytest.mark.django_db(transaction=True)
def test_two_stewards_at_once_end_a_license_once():
    release = factories.make_released()
    acceptance = factories.accept_terms(release, factories.make_user())
    stewards = [as_caller(factories.make_user(site_role="steward")) for _ in range(2)]

    gave = at_once(
        *(
            lambda by=by: endings.end(acceptance, event=EndingEvent.BREACH, reason=WHY, by=by)
            for by in stewards
        )
    )

    assert Ending.objects.count() == 1
    assert sorted(type(one).__name__ for one in gave) == ["Conflict", "Ending"]
    assert len(mails_to(acceptance.user)) == 1
