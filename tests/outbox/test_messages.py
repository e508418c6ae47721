"""The outbox: what is written with an act is sent, once, or tried again, or given up and shown."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from registry.outbox import mail, messages, tasks
from registry.outbox.messages import Delivered, Undelivered, Unwanted
from registry.outbox.models import Kind, Message, State, Webhook
from tests.factories import make_user
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db
carried: list[str] = []


def take(message: Message) -> Delivered:
    carried.append(message.public_id)
    return Delivered(200)


def fail(message: Message) -> Delivered:
    raise Undelivered("It did not work.", status=500)


def refuse(message: Message) -> Delivered:
    raise Undelivered("Never.", is_final=True)


def drop(message: Message) -> Delivered:
    raise Unwanted


@pytest.fixture
def carrier(settings: Any) -> Callable[[str], None]:
    def choose(name: str) -> None:
        settings.OUTBOX_CARRIERS = {"mail": f"{__name__}.{name}"}

    carried.clear()
    return choose


def queue(**changed: Any) -> Message:
    message = mail.queue(to="ada@example.org", subject="A thing", text="It happened.")
    Message.objects.filter(pk=message.pk).update(**{"attempt": 0} | changed)
    return message


def test_a_mail_is_sent_and_its_text_forgotten() -> None:
    message = queue()

    tasks.send_due()

    message.refresh_from_db()
    (sent,) = django_mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["ada@example.org"], "A thing", "It happened.")
    assert (message.state, message.body) == (
        State.SENT,
        {"to": "ada@example.org", "subject": "A thing"},
    )


def test_a_mail_to_an_address_that_is_none_holds_up_no_other() -> None:
    broken = queue()
    Message.objects.update(body={"to": f"ada@{'é' * 70}.org", "subject": "A thing", "text": "…"})
    queue()

    tasks.send_due()

    broken.refresh_from_db()
    assert (broken.state, broken.note) == (State.DEAD, "No mail can be sent to such an address.")
    assert [sent.to for sent in django_mail.outbox] == [["ada@example.org"]]


@pytest.mark.django_db(transaction=True)
def test_what_an_act_that_failed_wrote_is_not_there() -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)

    assert messages.claim() is None


def test_what_fails_is_tried_again_later_and_later(carrier: Any) -> None:
    carrier("fail")
    message = queue()
    pauses = []
    for _ in range(4):
        Message.objects.update(due_at=timezone.now())
        tasks.send_due()
        message.refresh_from_db()
        pauses.append(message.due_at - timezone.now())

    assert (message.state, message.attempt) == (State.WAITING, 4)
    assert (message.note, message.status) == ("It did not work.", 500)
    assert all(b > a * 1.3 for a, b in zip(pauses, pauses[1:], strict=False))
    assert messages.claim() is None


def test_after_days_it_is_given_up_and_shown_and_can_be_sent_again(carrier: Any) -> None:
    carrier("fail")
    message = queue(since=timezone.now() - timedelta(days=3))

    tasks.send_due()

    message.refresh_from_db()
    assert (message.state, message.note) == (State.DEAD, "It did not work.")
    assert message.public_id in _printed("list")
    carrier("take")
    assert _printed("retry", "all") == "1 sent again\n"
    tasks.send_due()
    message.refresh_from_db()
    assert (message.state, message.note) == (State.SENT, "")


def test_what_can_never_arrive_is_given_up_at_once(carrier: Any) -> None:
    carrier("refuse")
    message = queue()

    tasks.send_due()

    message.refresh_from_db()
    assert message.state == State.DEAD


def test_what_nobody_may_be_told_any_more_leaves_nothing(carrier: Any) -> None:
    carrier("drop")
    queue()

    tasks.send_due()

    assert not Message.objects.exists()


def test_a_message_whose_worker_was_lost_is_sent_by_another(carrier: Any) -> None:
    carrier("take")
    message = queue()
    lost = messages.claim()
    assert lost is not None
    assert messages.claim() is None

    Message.objects.update(due_at=timezone.now())
    tasks.send_due()
    messages.carry(lost)  # it comes back after all, and writes nothing

    message.refresh_from_db()
    assert (message.state, message.attempt) == (State.SENT, 2)


@pytest.mark.django_db(transaction=True)
def test_workers_beside_each_other_send_each_message_once(carrier: Any) -> None:
    carrier("take")
    wanted = {queue().public_id for _ in range(20)}

    at_once(*[tasks.send_due] * 4)

    assert sorted(carried) == sorted(wanted)


def test_what_ended_long_ago_is_forgotten(carrier: Any) -> None:
    carrier("take")
    queue()
    tasks.send_due()
    assert messages.forget_old() == 0

    Message.objects.update(ended_at=timezone.now() - timedelta(days=31))

    assert messages.forget_old() == 1


def test_a_webhook_message_names_its_webhook() -> None:
    with refused_by("message_names_its_webhook"):
        Message.objects.create(kind=Kind.WEBHOOK, body={})


def test_a_message_that_waits_has_not_ended() -> None:
    with refused_by("message_ends_once_it_waits_no_more"):
        Message.objects.create(kind=Kind.MAIL, body={}, state=State.SENT)


def test_a_webhook_is_told_over_http() -> None:
    with refused_by("webhook_is_told_over_http"):
        Webhook.objects.create(owner=make_user(), url="file:///etc/passwd", secret="")


def _printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("outbox", *arguments, stdout=out)
    return out.getvalue()
