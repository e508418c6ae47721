"""What time does: reminders, requests that lapse, grants that end, and asking again afterwards."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts.models import User
from registry.agreements import grants, lapses, locks, requests
from registry.agreements.models import AccessDecision, AccessRequest, Grant
from registry.agreements.scopes import Scope
from registry.agreements.tasks import sweep_access
from registry.audit.models import Entry
from registry.catalog.models import Gated, Repository
from registry.outbox.models import Message
from tests import factories
from tests.agreements.access import ask, owner_of, set_mode
from tests.refusals import at_once

pytestmark = pytest.mark.django_db
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
def repository() -> Repository:
    made = factories.make_repository()
    set_mode(made, Gated.MANUAL)
    return made


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


def _subjects(user: User) -> list[str]:
    sent = Message.objects.order_by("pk")
    return [m.body["subject"].split(": ")[1] for m in sent if m.body["to"] == user.email]


def _grant(repository: Repository, days: int, now) -> Grant:
    scope = Scope(ends_at=now + days * DAY)
    made = requests.grant(repository, user="bob", by=owner_of(repository), scope=scope, now=now)
    Message.objects.all().delete()
    return made.grants.get()


def test_silence_lets_a_request_lapse_and_never_grants(repository, bob):
    request = ask(repository, bob)
    end = request.lapses_at

    assert not lapses.sweep(end - TICK)["lapsed"]
    assert lapses.sweep(end)["lapsed"] == 1
    assert not lapses.sweep(end)["lapsed"]

    request.refresh_from_db()
    assert request.state == "lapsed"
    assert not Grant.objects.exists()
    assert requests.of_caller(repository, factories.as_caller(bob)) is None
    assert list(requests.listed(repository)) == []
    assert list(requests.listed(repository, "over")) == [request]
    assert AccessDecision.objects.get(after="lapsed").by is None
    assert Entry.objects.filter(event="access.lapse", actor="").count() == 1
    assert _subjects(bob)[-1] == "Your request lapsed"
    assert ask(repository, bob).state == "pending"


def test_the_person_and_the_reviewers_are_reminded_once_before_a_lapse(repository, bob):
    request = ask(repository, bob)
    lapses.sweep(request.asked_at)
    due = request.lapses_at - lapses.NOTICE

    for moment in (due - TICK, due, due + DAY, request.lapses_at - TICK):
        lapses.sweep(moment)

    assert _subjects(bob) == ["Your request lapses soon"]
    assert _subjects(repository.created_by) == ["Access requests", "A request lapses soon"]


def test_a_short_wait_is_reminded_of_when_half_of_it_is_over(repository, bob):
    locks.set_days(repository, lapse_days=4, grant_days=None, by=owner_of(repository))
    request = ask(repository, bob)
    lapses.sweep(request.asked_at)

    lapses.sweep(request.asked_at + 2 * DAY - TICK)
    assert _subjects(bob) == []
    lapses.sweep(request.asked_at + 2 * DAY)

    assert _subjects(bob) == ["Your request lapses soon"]


def test_what_was_asked_back_lapses_too_and_only_the_person_is_reminded(repository, bob):
    request = ask(repository, bob)
    by = owner_of(repository)
    request = requests.ask_back(repository, request_id=request.public_id, question="?", by=by)
    Message.objects.all().delete()

    lapses.sweep(request.lapses_at - DAY)
    lapses.sweep(request.lapses_at)

    assert _subjects(bob) == ["Your request lapses soon", "Your request lapsed"]
    assert _subjects(repository.created_by) == []


def test_new_requests_are_told_of_in_one_mail(repository, bob):
    for number in range(3):
        ask(repository, factories.make_user(f"reader{number}"))
    other = factories.make_repository(repository.created_by)
    set_mode(other, Gated.MANUAL)
    ask(other, bob)

    now = timezone.now()
    assert lapses.sweep(now)["told"] == 4
    assert lapses.sweep(now)["told"] == 0

    texts = [m.body["text"] for m in Message.objects.order_by("pk")]
    assert len(texts) == 2
    assert f"3 requests for access to {repository} wait for you." in texts[0]
    assert texts[0].count("http") == 1


def test_what_waits_since_before_requests_lapsed_has_its_whole_time(repository, bob):
    request = ask(repository, bob)
    AccessRequest.objects.update(lapses_at=None)
    now = request.asked_at + 500 * DAY

    lapses.sweep(now)

    request.refresh_from_db()
    assert (request.state, request.lapses_at) == ("pending", now + 60 * DAY)


def test_the_end_of_a_grant_is_reminded_of_twice(repository, bob):
    now = timezone.now()
    grant = _grant(repository, 30, now)

    for days in (15, 14, 13, 4, 3, 2, 1):
        lapses.sweep(grant.ends_at - days * DAY)

    assert _subjects(bob) == ["Your access ends soon"] * 2
    assert Message.objects.count() == 2


@pytest.mark.parametrize(("days", "mails"), [(2, 0), (7, 1), (14, 2)])
def test_a_grant_is_reminded_of_as_often_as_it_is_long_enough_for(repository, bob, days, mails):
    now = timezone.now()
    _grant(repository, days, now)

    for hours in range(0, days * 24, 12):
        lapses.sweep(now + timedelta(hours=hours))

    assert len(_subjects(bob)) == mails


def test_of_the_end_of_what_was_renewed_nobody_is_reminded(repository, bob):
    now = timezone.now()
    grant = _grant(repository, 10, now)
    grants.renew(grant, now + 40 * DAY, by=owner_of(repository), now=now)
    Message.objects.all().delete()

    lapses.sweep(now + 8 * DAY)

    assert _subjects(bob) == []


def test_when_all_grants_have_ended_the_request_is_over_and_one_may_ask_again(repository, bob):
    now = timezone.now()
    grant = _grant(repository, 10, now)
    by = owner_of(repository)
    grants.add(grant.request, Scope(ends_at=now + 20 * DAY), by=by, now=now)

    assert lapses.sweep(now + 20 * DAY - TICK)["over"] == 0
    assert lapses.sweep(now + 20 * DAY)["over"] == 1

    assert requests.newest(repository, bob).state == "ended"
    assert Entry.objects.filter(event="access.end").count() == 1
    assert ask(repository, bob).state == "pending"


def test_one_may_ask_again_at_the_end_before_any_sweep(repository, bob):
    now = timezone.now() - 10 * DAY
    _grant(repository, 10, now)

    assert ask(repository, bob).state == "pending"
    assert AccessRequest.objects.filter(state="ended").count() == 1


def test_the_task_does_what_is_due(repository, bob):
    ask(repository, bob)
    AccessRequest.objects.update(lapses_at=timezone.now() - TICK)

    sweep_access()
    sweep_access()

    assert requests.newest(repository, bob).state == "lapsed"
    assert Entry.objects.filter(event="access.lapse").count() == 1


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_do_each_thing_once():
    repository = factories.make_repository()
    set_mode(repository, Gated.MANUAL)
    lapsing = [ask(repository, factories.make_user(f"lapsing{n}")) for n in range(3)]
    now = lapsing[-1].lapses_at
    for number in range(3):
        ask(repository, factories.make_user(f"new{number}"))
    AccessRequest.objects.exclude(pk__in=[one.pk for one in lapsing]).update(
        lapses_at=now + 60 * DAY
    )
    factories.make_user("bob")
    scope = Scope(ends_at=now + 10 * DAY)
    requests.grant(repository, user="bob", by=owner_of(repository), scope=scope)
    Message.objects.all().delete()

    done = at_once(*[lambda: lapses.sweep(now)] * 4)

    total = sum(done, start=type(done[0])())
    assert {name: count for name, count in total.items() if count} == {
        "lapsed": 3,
        "told": 3,
        "ending": 1,
    }
    assert AccessDecision.objects.filter(after="lapsed").count() == 3
    assert Message.objects.count() == 3 + 1 + 1
