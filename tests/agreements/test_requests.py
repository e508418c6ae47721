"""Asking the publisher for access, and deciding: which step is there, for whom, and what it leaves."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope, User
from registry.agreements import grants, locks, requests
from registry.agreements.models import (
    AccessDecision,
    AccessPolicy,
    AccessRequest,
    Grant,
    RequestState,
)
from registry.audit.models import Entry
from registry.catalog import questions
from registry.catalog.models import Gated, Repository
from registry.errors import Invalid, Missing, NotAllowed, NotGated, SignInRequired
from tests import factories
from tests.agreements.access import ask, owner_of, set_mode
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    made = factories.make_repository()
    set_mode(made, Gated.MANUAL)
    return made


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


def _decide(repository: Repository, status: str, user: str = "bob", **rest: str) -> AccessRequest:
    return requests.handle(repository, status=status, user=user, by=owner_of(repository), **rest)


def _is_in(repository: Repository, user: User) -> bool:
    return grants.in_force(repository, caller=factories.as_caller(user)) is not None


def test_a_request_waits_for_a_person_and_then_lets_in(repository, bob):
    asked = ask(repository, bob)
    assert (asked.state, _is_in(repository, bob)) == ("pending", False)

    _decide(repository, "accepted")

    accepted = requests.newest(repository, bob)
    assert (accepted.state, accepted.decided_by) == ("accepted", repository.created_by)
    assert accepted.asked_at == asked.asked_at
    assert _is_in(repository, bob)


def test_who_asks_a_publisher_that_lets_in_whoever_asks_is_in_at_once(repository, bob):
    set_mode(repository, Gated.AUTO)

    assert ask(repository, bob).state == "accepted"
    assert _is_in(repository, bob)


def test_changing_the_mode_accepts_nobody_who_waits_for_a_person(repository, bob):
    ask(repository, bob)
    set_mode(repository, Gated.AUTO)

    assert ask(repository, bob).state == "pending"
    assert not _is_in(repository, bob)


def test_revoking_acts_at_once_and_can_be_undone(repository, bob):
    ask(repository, bob)
    _decide(repository, "accepted")

    _decide(repository, "rejected", reason="left the project")
    assert not _is_in(repository, bob)
    _decide(repository, "accepted")

    assert _is_in(repository, bob)
    assert Grant.objects.count() == 2
    assert Entry.objects.filter(event="access.revoke").get().details["reason"] == "left the project"


def test_putting_back_to_pending_closes_too_and_no_mode_opens_it_by_itself(repository, bob):
    set_mode(repository, Gated.AUTO)
    ask(repository, bob)

    _decide(repository, "pending")

    assert ask(repository, bob).state == "pending"
    assert not _is_in(repository, bob)


@pytest.mark.parametrize("state", ["pending", "accepted", "rejected"])
def test_a_step_to_where_the_request_is_already_is_no_step(repository, bob, state):
    ask(repository, bob)
    if state != "pending":
        _decide(repository, state)

    with pytest.raises(Missing, match=requests.NO_REQUEST):
        _decide(repository, state)


def test_only_the_newest_request_of_a_person_is_decided_on(repository, bob):
    first = ask(repository, bob)
    requests.withdraw(repository, by=factories.as_caller(bob))
    second = ask(repository, bob)

    with pytest.raises(Missing):
        _decide(repository, "accepted", user="", request_id=first.public_id)
    _decide(repository, "accepted", user="", request_id=second.public_id)

    first.refresh_from_db()
    assert first.state == "withdrawn"
    assert [one.pk for one in requests.listed(repository)] == [second.pk]


def test_a_rejected_person_asks_again_after_the_cool_down_of_the_repository(repository, bob):
    ask(repository, bob)
    rejected = _decide(repository, "rejected", reason="say what for")
    later = rejected.reviewed_at + timedelta(days=locks.DEFAULT_DAYS)
    caller, shown = factories.as_caller(bob), requests.Shown(questions.of_card({}), {})

    def again(now):
        return requests.ask(repository, by=caller, shown=shown, terms_are_open=True, now=now)

    assert again(later - timedelta(seconds=1)) == rejected
    assert requests.asks_again_from(rejected) == later
    assert again(later).state == "pending"
    locks.set_ask_again(repository, 0, by=owner_of(repository))
    _decide(repository, "rejected")
    assert again(later).state == "pending"
    assert AccessRequest.objects.count() == 3


def test_a_grant_lets_in_who_never_asked_and_who_was_rejected(repository, bob):
    made = requests.grant(repository, user="BOB", by=owner_of(repository))
    assert made.granted_without_asking
    assert _is_in(repository, bob)
    with pytest.raises(Invalid, match=requests.HAS_ACCESS):
        requests.grant(repository, user="bob", by=owner_of(repository))

    _decide(repository, "rejected")
    again = requests.grant(repository, user="bob", by=owner_of(repository))

    assert again == made
    assert _is_in(repository, bob)
    with pytest.raises(Missing, match=requests.NO_USER):
        requests.grant(repository, user="nobody", by=owner_of(repository))


def test_without_a_lock_nothing_is_asked_and_nothing_granted(repository, bob):
    set_mode(repository, Gated.NO)

    with pytest.raises(NotGated):
        ask(repository, bob)
    with pytest.raises(NotGated):
        requests.grant(repository, user="bob", by=owner_of(repository))


def test_the_lock_that_counts_is_the_one_in_the_database(repository, bob):
    set_mode(repository, Gated.AUTO)
    Repository.objects.filter(pk=repository.pk).update(gated=Gated.MANUAL)

    assert ask(repository, bob).state == "pending"


def test_every_step_is_on_record_with_who_whom_before_and_after(repository, bob):
    request = ask(repository, bob)
    _decide(repository, "rejected", reason="no")
    _decide(repository, "accepted")

    entries = Entry.objects.filter(subject=request.public_id)
    owner = repository.created_by.public_id
    seen = [(e.event, e.actor, e.details["before"], e.details["after"]) for e in entries]
    assert seen == [
        ("access.ask", bob.public_id, "", "pending"),
        ("access.reject", owner, "pending", "rejected"),
        ("access.accept", owner, "rejected", "accepted"),
    ]
    assert {e.details["person"] for e in entries} == {bob.public_id}
    assert {e.details["repository"] for e in entries} == {repository.public_id}
    decisions = AccessDecision.objects.values_list("before", "after", "reason")
    assert list(decisions) == [
        ("", "pending", ""),
        ("pending", "rejected", "no"),
        ("rejected", "accepted", ""),
    ]


def test_answers_stand_apart_and_only_their_salted_digest_is_in_the_request(repository, bob):
    card = {"extra_gated_fields": {"Affiliation": "text", "Where": "ip_location"}}

    request = ask(repository, bob, card=card, Affiliation=" ACME ")

    assert requests.answers_of(request) == {"Affiliation": "ACME", "Where": "unknown"}
    assert len(request.answers_digest) == len(request.prompt_hash) == 64
    assert "ACME" not in str(AccessRequest.objects.values().get())
    assert "ACME" not in str(list(Entry.objects.values()))


def test_a_request_without_its_answers_is_not_made(repository, bob):
    card = {"extra_gated_fields": {"Affiliation": "text", "I agree": "checkbox"}}

    with pytest.raises(Invalid, match="Affiliation: An answer is needed.*I agree"):
        ask(repository, bob, card=card)
    assert not AccessRequest.objects.exists()


@pytest.mark.parametrize("who", ["nobody", "reader", "member", "read token", "service"])
def test_who_does_not_write_the_repository_decides_nothing(repository, bob, who):
    ask(repository, bob)
    organisation = repository.namespace
    caller = {
        "nobody": lambda: NOBODY,
        "reader": lambda: factories.as_caller(factories.make_user()),
        "member": lambda: factories.as_caller(factories.make_member(organisation, Role.READ)),
        "read token": lambda: Caller(user=repository.created_by, scope=Scope.READ),
        "service": lambda: factories.as_caller(factories.make_maintainer()),
    }[who]()

    with pytest.raises((NotAllowed, SignInRequired)):
        requests.handle(repository, status="accepted", user="bob", by=caller)
    with pytest.raises((NotAllowed, SignInRequired)):
        requests.grant(repository, user="bob", by=caller)
    with pytest.raises((NotAllowed, SignInRequired)):
        locks.set_mode(repository, Gated.NO, by=caller)
    assert requests.newest(repository, bob).state == "pending"


def test_asking_needs_a_person_who_may_change_things(repository, bob):
    shown = requests.Shown(questions.of_card({}), {})
    reading = Caller(user=bob, scope=Scope.READ)

    for caller, refusal in [(NOBODY, SignInRequired), (reading, NotAllowed)]:
        with pytest.raises(refusal):
            requests.ask(repository, by=caller, shown=shown, terms_are_open=True)
        with pytest.raises(refusal):
            requests.withdraw(repository, by=caller)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "granted", "user": "bob"},
        {"status": "accepted"},
        {"status": "accepted", "user": "bob", "request_id": "x"},
        {"status": "rejected", "user": "bob", "reason": "x" * 201},
    ],
)
def test_what_cannot_be_right_is_refused_in_words(repository, bob, wrong):
    ask(repository, bob)

    with pytest.raises(Invalid):
        requests.handle(repository, by=owner_of(repository), **wrong)


def test_an_admin_sets_the_lock_and_a_writer_does_not(repository):
    organisation = factories.make_organisation()
    owner = organisation.memberships.get().user
    made = factories.make_repository(owner, namespace=organisation.name)
    writer = factories.as_caller(factories.make_member(organisation, Role.WRITE))

    with pytest.raises(NotAllowed):
        locks.set_mode(made, Gated.MANUAL, by=writer)
    with pytest.raises(NotAllowed):
        locks.set_ask_again(made, 3, by=writer)
    locks.set_mode(made, Gated.MANUAL, by=factories.as_caller(owner))

    entry = Entry.objects.get(event="repository.set-gated")
    assert (entry.details["before"], entry.details["after"]) == ("false", "manual")


# What the database refuses


def test_the_database_keeps_requests_and_grants_consistent(repository, bob):
    request = ask(repository, bob)
    now = timezone.now()
    rest = {"repository": repository, "user": bob, "asked_at": now, "mode": "manual"}

    with refused_by("one_living_request_of_a_person"):
        AccessRequest.objects.create(**rest)
    with refused_by("request_is_dated_once_decided"):
        AccessRequest.objects.create(**rest, state=RequestState.REJECTED)
    with refused_by("reason_belongs_to_a_rejection"):
        AccessRequest.objects.filter(pk=request.pk).update(reason="why")
    with refused_by("access_decision_changes_something"):
        AccessDecision.objects.create(request=request, before="pending", after="pending", at=now)
    with refused_by("a_rejected_person_may_ask_again_some_day"):
        AccessPolicy.objects.create(repository=repository, ask_again_days=3651)


def test_the_database_keeps_grants_consistent(repository, bob):
    requests.grant(repository, user="bob", by=owner_of(repository))
    grant = Grant.objects.get()
    again = {"request": grant.request, "repository": repository, "user": bob}

    with refused_by("one_open_grant_of_a_request"):
        Grant.objects.create(**again, starts_at=timezone.now())
    with refused_by("grant_ends_after_its_start"):
        Grant.objects.filter(pk=grant.pk).update(ends_at=grant.starts_at - timedelta(seconds=1))


def test_decisions_are_evidence(repository, bob):
    ask(repository, bob)

    with refused_as_evidence():
        AccessDecision.objects.update(reason="another")
    with refused_as_evidence():
        AccessDecision.objects.all().delete()


# Several at once


@pytest.mark.django_db(transaction=True)
def test_asking_many_times_at_once_makes_one_request():
    repository, bob = factories.make_repository(), factories.make_user()
    set_mode(repository, Gated.AUTO)

    given = at_once(*[lambda: ask(repository, bob)] * 4)

    assert len({one.pk for one in given}) == 1
    assert Grant.objects.filter(ends_at=None).count() == 1
    assert AccessDecision.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_deciding_at_once_takes_each_step_once():
    repository, bob = factories.make_repository(), factories.make_user()
    set_mode(repository, Gated.MANUAL)
    ask(repository, bob)
    name, owner = bob.username, owner_of(repository)

    given = at_once(
        lambda: requests.handle(repository, status="accepted", user=name, by=owner),
        lambda: requests.handle(repository, status="accepted", user=name, by=owner),
        lambda: requests.withdraw(repository, by=factories.as_caller(bob)),
        lambda: requests.grant(repository, user=name, by=owner),
    )

    refused = [one for one in given if isinstance(one, Missing | Invalid)]
    assert len(refused) >= 2
    assert not [one for one in given if isinstance(one, Exception) and one not in refused]
    last = requests.newest(repository, bob)
    open_grants = Grant.objects.filter(ends_at=None).count()
    assert open_grants == (1 if last.state == "accepted" else 0)
    steps = list(AccessDecision.objects.filter(request=last).values_list("before", "after"))
    for (_, after), (before, _) in zip(steps, steps[1:], strict=False):
        assert after == before
    connection.close()
