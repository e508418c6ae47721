"""When a message is sent, tried again and given up. The row is the truth."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from registry.outbox.models import Kind, Message, State, Webhook

# Longer than any attempt takes: whoever holds a message past it was lost
LEASE = timedelta(minutes=3)
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(hours=4)
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Delivered:
    """The other side took the message."""

    status: int | None = None


class Undelivered(Exception):
    """The other side did not take it. `is_final` says that it never will."""

    def __init__(self, reason: str, *, status: int | None = None, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.is_final = is_final


class Unwanted(Exception):
    """Nobody may be told this any more; nothing of it is kept."""


def write(kind: Kind, body: dict[str, Any], *, webhook: Webhook | None = None) -> Message:
    """A message to send once the transaction of the act is there."""
    return Message.objects.create(kind=kind, body=body, webhook=webhook)


@transaction.atomic
def claim() -> Message | None:
    """The message that is due longest, for this worker alone, or None."""
    now = timezone.now()
    found = (
        Message.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(state=State.WAITING, due_at__lte=now)
        .order_by("due_at")
        .first()
    )
    if found is None:
        return None
    found.attempt += 1
    found.due_at = now + LEASE
    found.save(update_fields=["attempt", "due_at"])
    return found


def carry(message: Message) -> None:
    """Hand a claimed message to the carrier of its kind, and write down what came of it."""
    carrier = import_string(settings.OUTBOX_CARRIERS[message.kind])
    try:
        done: Delivered = carrier(message)
    except Unwanted:
        _mine(message).delete()
    except Undelivered as failure:
        _failed(message, failure)
    else:
        _end(message, State.SENT, status=done.status)


def speaking_to_the_other_side(message: Message) -> None:
    """Note that an attempt is about to reach the other side. A message without this was seen by
    nobody, its owner included."""
    message.tried_at = timezone.now()
    _mine(message).update(tried_at=message.tried_at)


def send_again(message: Message) -> None:
    """Start over with a message that was sent or given up."""
    now = timezone.now()
    Message.objects.filter(pk=message.pk).exclude(state=State.WAITING).update(
        state=State.WAITING, attempt=0, since=now, due_at=now, ended_at=None, status=None, note=""
    )


def given_up() -> QuerySet[Message]:
    return Message.objects.filter(state=State.DEAD).select_related("webhook")


def forget_old() -> int:
    """Remove what ended long ago. Returns how many."""
    ended = Message.objects.filter(ended_at__lt=timezone.now() - KEPT)
    return ended.delete()[0]


def _failed(message: Message, failure: Undelivered) -> None:
    now = timezone.now()
    is_late = now + _pause(message.attempt) > message.since + give_up_after()
    if failure.is_final or is_late:
        _end(message, State.DEAD, status=failure.status, note=failure.reason)
        return
    _mine(message).update(
        due_at=_next(now, message.attempt), status=failure.status, note=failure.reason[:300]
    )


def give_up_after() -> timedelta:
    return timedelta(days=settings.OUTBOX_DAYS)


def _next(now: datetime, attempt: int) -> datetime:
    """Later with each attempt, and not all at once when a receiver comes back."""
    return now + _pause(attempt) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _pause(attempt: int) -> timedelta:
    return min(FIRST_PAUSE * 2 ** min(attempt - 1, 20), LONGEST_PAUSE)


def _end(message: Message, state: State, *, status: int | None, note: str = "") -> None:
    message.state, message.status, message.note = state, status, note[:300]
    message.ended_at = timezone.now()
    _mine(message).update(
        state=state, status=status, note=message.note, ended_at=message.ended_at, body=message.body
    )


def _mine(message: Message) -> QuerySet[Message]:
    """The row, unless another attempt has it by now."""
    return Message.objects.filter(pk=message.pk, attempt=message.attempt, state=State.WAITING)
