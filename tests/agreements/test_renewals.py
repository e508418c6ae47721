"""Single grants of a person: one more, renewed, revoked; and acts about them at the same moment."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope, User
from registry.agreements import grants, locks, requests, scopes
from registry.agreements.models import AccessDecision, AccessRequest, Grant
from registry.audit.models import Entry
from registry.catalog.models import Gated, Repository
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow, SignInRequired
from registry.outbox.models import Message
from tests import factories
from tests.agreements.access import ask, owner_of, set_mode
from tests.refusals import at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = timezone.now()


def _gated() -> Repository:
    made = factories.make_repository()
    set_mode(made, Gated.MANUAL)
    return made


@pytest.fixture
def repository() -> Repository:
    return _gated()


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


def _let_in(repository: Repository, days: int = 10, **rest) -> Grant:
    scope = scopes.Scope(ends_at=NOW + days * DAY, **rest)
    by = owner_of(repository)
    return requests.grant(repository, user="bob", by=by, scope=scope, now=NOW).grants.get()


def _opens(repository: Repository, user: User, now: datetime) -> list[Grant]:
    return grants.opening(repository, factories.as_caller(user), now)


def test_a_renewal_is_a_row_that_goes_on_where_the_other_ends(repository, bob):
    grant = _let_in(repository, patterns=["*.json"], purpose="tests", full_downloads=3)

    made = grants.renew(grant, NOW + 40 * DAY, by=owner_of(repository), now=NOW + DAY)

    assert (made.starts_at, made.ends_at, made.renews) == (grant.ends_at, NOW + 40 * DAY, grant)
    assert (made.patterns, made.purpose, made.full_downloads) == (["*.json"], "tests", 3)
    tick = timedelta(microseconds=1)
    assert _opens(repository, bob, grant.ends_at - tick) == [grant]
    assert _opens(repository, bob, grant.ends_at) == [made]
    assert _opens(repository, bob, made.ends_at) == []
    assert Entry.objects.get(event="grant.renew").details["renews"] == grant.public_id
    with pytest.raises(Conflict):
        grants.renew(grant, NOW + 50 * DAY, by=owner_of(repository), now=NOW + DAY)


def test_what_cannot_be_renewed_is_said(repository, bob):
    grant, by = _let_in(repository), owner_of(repository)

    for end in (grant.ends_at, NOW, grant.ends_at + 3654 * DAY):
        with pytest.raises(Invalid):
            grants.renew(grant, end, by=by, now=NOW)
    endless = grants.add(grant.request, scopes.Scope(is_endless=True), by=by, now=NOW)
    with pytest.raises(NotNow, match="no end"):
        grants.renew(endless, NOW + DAY, by=by, now=NOW)
    grants.revoke(grant, by=by, now=NOW)
    with pytest.raises(NotNow, match="taken back"):
        grants.renew(grant, NOW + 20 * DAY, by=by, now=NOW)


def test_a_person_has_several_grants_and_one_of_them_is_revoked(repository, bob):
    first, by = _let_in(repository), owner_of(repository)
    second = grants.add(first.request, scopes.Scope(patterns=["*.gguf"]), by=by, now=NOW)
    with pytest.raises(Invalid, match="without an end"):
        grants.add(first.request, scopes.Scope(), by=by, now=NOW)

    grants.revoke(first, by=by, reason="moved", now=NOW + DAY)

    assert _opens(repository, bob, NOW + DAY) == [second]
    assert requests.newest(repository, bob).state == "accepted"
    first.refresh_from_db()
    assert (first.ends_at, first.revoked_at, first.revoked_by) == (NOW + DAY, NOW + DAY, by.user)
    assert Entry.objects.get(event="grant.revoke").details["reason"] == "moved"
    with pytest.raises(NotNow):
        grants.revoke(first, by=by, now=NOW + DAY)


def test_with_the_last_grant_the_access_is_revoked_and_the_cool_down_begins(repository, bob):
    grant, by = _let_in(repository), owner_of(repository)
    grants.renew(grant, NOW + 40 * DAY, by=by, now=NOW)

    request = grants.revoke(grant, by=by, reason="over", now=NOW)

    assert (request.state, request.reason) == ("rejected", "over")
    assert _opens(repository, bob, NOW) == _opens(repository, bob, NOW + 20 * DAY) == []
    assert requests.asks_again_from(request) == NOW + locks.DEFAULT_DAYS * DAY
    assert ask(repository, bob) == request


def test_revoking_a_grant_revokes_what_renews_it(repository, bob):
    grant, by = _let_in(repository), owner_of(repository)
    other = grants.add(grant.request, scopes.Scope(), by=by, now=NOW)
    grants.renew(grant, NOW + 40 * DAY, by=by, now=NOW)

    grants.revoke(grant, by=by, now=NOW)

    assert _opens(repository, bob, NOW + 20 * DAY) == [other]


def test_a_person_asks_for_a_renewal_once(repository, bob):
    grant, person = _let_in(repository), factories.as_caller(bob)
    Message.objects.all().delete()

    grants.ask_renewal(grant, by=person, now=NOW)
    grants.ask_renewal(grant, by=person, now=NOW + DAY)

    grant.refresh_from_db()
    assert grant.renewal_asked_at == NOW
    (mail,) = Message.objects.all()
    assert mail.body["to"] == repository.created_by.email
    with pytest.raises(NotNow):
        grants.ask_renewal(grant, by=person, now=grant.ends_at)


def test_who_lacks_the_right_does_nothing_to_a_grant(repository, bob):
    grant = _let_in(repository)
    writer = factories.make_member(factories.make_organisation(), Role.WRITE)
    reading = Caller(user=repository.created_by, scope=Scope.READ)

    for caller in (NOBODY, factories.as_caller(bob), factories.as_caller(writer), reading):
        with pytest.raises((NotAllowed, SignInRequired)):
            grants.renew(grant, NOW + 40 * DAY, by=caller, now=NOW)
        with pytest.raises((NotAllowed, SignInRequired)):
            grants.revoke(grant, by=caller, now=NOW)
        with pytest.raises((NotAllowed, SignInRequired)):
            grants.add(grant.request, scopes.Scope(), by=caller, now=NOW)
    for caller in (NOBODY, owner_of(repository)):
        with pytest.raises(Missing):
            grants.ask_renewal(grant, by=caller, now=NOW)
    with pytest.raises(NotAllowed):
        grants.ask_renewal(grant, by=Caller(user=bob, scope=Scope.READ), now=NOW)
    assert Grant.objects.count() == 1


def test_only_who_is_let_in_gets_one_more(repository, bob):
    request = ask(repository, bob)

    with pytest.raises(NotNow):
        grants.add(request, scopes.Scope(), by=owner_of(repository))


# Several at once


def _consistent(request: AccessRequest) -> None:
    """Each decision goes on from the one before, the last says the state, and each is in the log."""
    request.refresh_from_db()
    steps = list(AccessDecision.objects.filter(request=request).values_list("before", "after"))
    assert [before for before, _ in steps] == ["", *(after for _, after in steps[:-1])]
    assert steps[-1][1] == request.state
    events = Entry.objects.filter(subject=request.public_id, event__startswith="access.")
    assert [(e.details["before"], e.details["after"]) for e in events] == steps


def _kinds(given: list) -> list[str]:
    return sorted(type(one).__name__ for one in given)


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_at_once_decide_once():
    repository = _gated()
    request = ask(repository, factories.make_user("bob"))

    def decide(status: str) -> Callable[[], AccessRequest]:
        by = owner_of(repository)
        return lambda: requests.handle(repository, status=status, user="bob", by=by)

    given = at_once(decide("accepted"), decide("accepted"), decide("accepted"))

    assert _kinds(given) == ["AccessRequest", "Missing", "Missing"]
    assert Grant.objects.count() == 1
    _consistent(request)


@pytest.mark.django_db(transaction=True)
def test_accepting_and_rejecting_at_once_leave_one_order_of_steps():
    repository = _gated()
    bob = factories.make_user("bob")
    request = ask(repository, bob)
    by = owner_of(repository)

    at_once(
        lambda: requests.handle(repository, status="accepted", user="bob", by=by),
        lambda: requests.handle(repository, status="rejected", user="bob", by=by),
        lambda: requests.withdraw(repository, by=factories.as_caller(bob)),
        lambda: requests.ask_back(repository, request_id=request.public_id, question="?", by=by),
    )

    _consistent(request)
    is_open = bool(grants.opening(repository, factories.as_caller(bob)))
    assert is_open == (request.state == "accepted")


@pytest.mark.django_db(transaction=True)
def test_revoking_while_renewing_leaves_nothing_open():
    repository = _gated()
    bob = factories.make_user("bob")
    grant, by = _let_in(repository), owner_of(repository)

    given = at_once(
        lambda: grants.renew(grant, NOW + 40 * DAY, by=by),
        lambda: grants.revoke(grant, by=by),
    )

    assert _kinds(given) in (["AccessRequest", "Grant"], ["AccessRequest", "NotNow"])
    later = timezone.now()
    assert _opens(repository, bob, later) == _opens(repository, bob, NOW + 20 * DAY) == []
    _consistent(grant.request)


@pytest.mark.django_db(transaction=True)
def test_renewing_at_once_renews_once():
    repository = _gated()
    factories.make_user("bob")
    grant, by = _let_in(repository), owner_of(repository)

    given = at_once(*[lambda: grants.renew(grant, NOW + 40 * DAY, by=by)] * 3)

    assert _kinds(given) == ["Conflict", "Conflict", "Grant"]
    assert Entry.objects.filter(event="grant.renew").count() == 1


@pytest.mark.django_db(transaction=True)
def test_asking_while_the_lock_is_changed_ends_in_one_state():
    repository = _gated()
    bob, by = factories.make_user("bob"), owner_of(repository)

    given = at_once(
        lambda: ask(repository, bob),
        lambda: locks.set_mode(repository, Gated.AUTO, by=by),
        lambda: ask(repository, bob),
    )

    assert not [one for one in given if isinstance(one, Exception)], given
    request = AccessRequest.objects.get()
    _consistent(request)
    assert request.state == ("accepted" if request.mode == Gated.AUTO else "pending")
