"""A publisher asks back, the person answers; purpose and end that are wished; what a scope may be."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope, User
from registry.agreements import grants, locks, requests, scopes
from registry.agreements.models import AccessMessage, AccessPolicy, AccessRequest, Grant
from registry.agreements.requests import Shown
from registry.audit.models import Entry
from registry.catalog import questions
from registry.catalog.models import Gated, Repository
from registry.errors import Invalid, Missing, NotAllowed, SignInRequired
from registry.outbox.models import Message
from tests import factories
from tests.agreements.access import ask, owner_of, set_mode
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def repository() -> Repository:
    made = factories.make_repository()
    set_mode(made, Gated.MANUAL)
    return made


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


def _ask_back(request: AccessRequest, question: str = "What for?") -> AccessRequest:
    return requests.ask_back(
        request.repository,
        request_id=request.public_id,
        question=question,
        by=owner_of(request.repository),
    )


def _accept(repository: Repository, **rest) -> Grant:
    by = owner_of(repository)
    request = requests.handle(repository, status="accepted", user="bob", by=by, **rest)
    return request.grants.get()


def _mails(user: User) -> list[str]:
    return [m.body["subject"] for m in Message.objects.order_by("pk") if m.body["to"] == user.email]


def test_a_question_waits_for_the_person_and_their_answer_for_the_publisher(repository, bob):
    request = ask(repository, bob)

    returned = _ask_back(request)
    assert (returned.state, requests.status_of(returned)) == ("returned", "pending")
    assert list(requests.listed(repository, "pending")) == [request]
    answered = requests.answer(repository, text=" For tests. ", by=factories.as_caller(bob))

    assert answered.state == "pending"
    assert [m.text for m in AccessMessage.objects.all()] == ["What for?", "For tests."]
    events = Entry.objects.filter(subject=request.public_id).values_list("event", flat=True)
    assert list(events) == ["access.ask", "access.ask-back", "access.answer"]
    assert "For tests" not in str(list(Entry.objects.values()))
    (mail,) = _mails(bob)
    assert mail.endswith(f"A question about your request: {repository}")


def test_a_question_and_an_answer_give_the_whole_time_again(repository, bob):
    request = ask(repository, bob)
    first = request.lapses_at

    returned = _ask_back(request)

    assert first == request.asked_at + 60 * DAY
    assert returned.lapses_at > first
    assert returned.reminded_at is None


@pytest.mark.parametrize("status", ["accepted", "rejected"])
def test_what_was_asked_back_can_be_decided_on_without_an_answer(repository, bob, status):
    _ask_back(ask(repository, bob))

    decided = requests.handle(repository, status=status, user="bob", by=owner_of(repository))

    assert decided.state == status


def test_what_was_asked_back_is_pending_on_the_wire_already(repository, bob):
    _ask_back(ask(repository, bob))

    with pytest.raises(Missing):
        requests.handle(repository, status="pending", user="bob", by=owner_of(repository))
    assert ask(repository, bob).state == "returned"
    assert requests.withdraw(repository, by=factories.as_caller(bob)).state == "withdrawn"


def test_only_what_waits_is_asked_about_and_only_what_was_asked_is_answered(repository, bob):
    request = ask(repository, bob)

    with pytest.raises(Missing):
        requests.answer(repository, text="yes", by=factories.as_caller(bob))
    for text in ("", "  ", "x" * 2001):
        with pytest.raises(Invalid):
            _ask_back(request, text)
    _ask_back(request)
    with pytest.raises(Missing):
        _ask_back(request)
    with pytest.raises(Missing):
        requests.answer(repository, text="I", by=factories.as_caller(factories.make_user()))


def test_who_does_not_write_the_repository_asks_nothing_back(repository, bob):
    request = ask(repository, bob)
    reader = factories.as_caller(factories.make_member(repository.namespace, Role.READ))
    reading = Caller(user=repository.created_by, scope=Scope.READ)

    for caller in (NOBODY, factories.as_caller(bob), reader, reading):
        with pytest.raises((NotAllowed, SignInRequired)):
            requests.ask_back(repository, request_id=request.public_id, question="What?", by=caller)
    _ask_back(request)
    with pytest.raises(NotAllowed):
        requests.answer(repository, text="yes", by=Caller(user=bob, scope=Scope.READ))


def test_the_purpose_and_the_end_that_were_asked_for_are_what_is_granted(repository, bob):
    until = timezone.now() + 20 * DAY
    shown = Shown(questions.of_card({}), {}, purpose="  an  evaluation ", wanted_until=until)
    by = factories.as_caller(bob)
    requests.ask(repository, by=by, shown=shown, terms_are_open=True)

    grant = _accept(repository)

    assert (grant.purpose, grant.ends_at) == ("an evaluation", until)


def test_a_wish_that_cannot_be_makes_no_request(repository, bob):
    now = timezone.now()
    for wish in (now - DAY, now + 4000 * DAY, datetime(2100, 1, 1)):  # noqa: DTZ001 - no zone
        shown = Shown(questions.of_card({}), {}, wanted_until=wish)
        by = factories.as_caller(bob)
        with pytest.raises(Invalid):
            requests.ask(repository, by=by, shown=shown, terms_are_open=True, now=now)
    assert not AccessRequest.objects.exists()


def test_the_publishers_days_end_a_grant_unless_the_reviewer_says_otherwise(repository, bob):
    locks.set_days(repository, lapse_days=60, grant_days=90, by=owner_of(repository))
    now = timezone.now()
    ask(repository, bob)

    grant = _accept(repository, now=now)
    assert grant.ends_at == now + 90 * DAY

    requests.handle(repository, status="rejected", user="bob", by=owner_of(repository), now=now)
    scope = scopes.Scope(is_endless=True, patterns=["*.json", " *.json ", ""], full_downloads=2)
    requests.handle(
        repository, status="accepted", user="bob", by=owner_of(repository), scope=scope, now=now
    )

    newest = Grant.objects.first()
    assert (newest.ends_at, newest.patterns, newest.full_downloads) == (None, ["*.json"], 2)


@pytest.mark.parametrize(
    "scope",
    [
        {"ends_at": -DAY},
        {"ends_at": timedelta(0)},
        {"starts_at": DAY, "ends_at": DAY},
        {"ends_at": 3654 * DAY},
        {"starts_at": -DAY - timedelta(microseconds=1)},
        {"starts_at": 3654 * DAY},
        {"ends_at": DAY, "is_endless": True},
        {"patterns": ["x" * 201]},
        {"patterns": ["a\nb"]},
        {"patterns": ["/etc"]},
        {"patterns": [f"{n}" for n in range(51)]},
        {"first_release": "v1.0"},
        {"full_downloads": 0},
        {"full_downloads": 2**40},
        {"purpose": "x" * 501},
    ],
)
def test_a_scope_that_cannot_be_grants_nothing(repository, bob, scope):
    now = timezone.now()
    dates = {key: now + value for key, value in scope.items() if isinstance(value, timedelta)}
    ask(repository, bob)

    with pytest.raises(Invalid):
        _accept(repository, scope=scopes.Scope(**(scope | dates)), now=now)
    assert not Grant.objects.exists()
    assert requests.newest(repository, bob).state == "pending"


def test_a_grant_begins_at_most_a_day_late_and_may_begin_later(repository, bob):
    now = timezone.now()
    ask(repository, bob)

    grant = _accept(repository, scope=scopes.Scope(starts_at=now + DAY), now=now)

    by = factories.as_caller(bob)
    assert grants.opening(repository, by, now) == []
    assert grants.opening(repository, by, now + DAY) == [grant]
    requests.handle(repository, status="rejected", user="bob", by=owner_of(repository), now=now)
    assert grants.opening(repository, by, now + DAY) == []


def test_an_admin_sets_the_days_and_a_writer_does_not(repository):
    organisation = factories.make_organisation()
    owner = organisation.memberships.get().user
    made = factories.make_repository(owner, namespace=organisation.name)
    writer = factories.as_caller(factories.make_member(organisation, Role.WRITE))

    with pytest.raises(NotAllowed):
        locks.set_days(made, lapse_days=5, grant_days=None, by=writer)
    for days in ({"lapse_days": 0, "grant_days": 1}, {"lapse_days": 1, "grant_days": 3651}):
        with pytest.raises(Invalid):
            locks.set_days(made, **days, by=factories.as_caller(owner))
    locks.set_days(made, lapse_days=5, grant_days=None, by=factories.as_caller(owner))
    locks.set_days(made, lapse_days=5, grant_days=None, by=factories.as_caller(owner))

    entry = Entry.objects.get(event="repository.set-access-days")
    assert entry.details["after"] == {"lapse_days": 5, "grant_days": None}


def test_the_database_keeps_days_within_reason(repository):
    with refused_by("a_request_waits_some_days"):
        AccessPolicy.objects.create(repository=repository, lapse_days=0)
    with refused_by("a_grant_lasts_some_days"):
        AccessPolicy.objects.create(repository=repository, grant_days=3651)
