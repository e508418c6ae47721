"""Sending what is due. Several of these run beside each other; each message is claimed by one."""

from celery import shared_task
from celery.contrib.django.task import DjangoTask

from registry.outbox import messages

MOST_AT_ONCE = 200


@shared_task(base=DjangoTask, ignore_result=True, soft_time_limit=3600, time_limit=3660)
def send_due() -> None:
    """Send what waits. Runs every few seconds; whatever one run leaves, the next one takes."""
    for _ in range(MOST_AT_ONCE):
        if (message := messages.claim()) is None:
            return
        messages.carry(message)
