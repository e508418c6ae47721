"""What workers do about agreements as time passes."""

import logging

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.utils import timezone

from registry.agreements import lapses, privacy

log = logging.getLogger(__name__)


@shared_task(base=DjangoTask, ignore_result=True, soft_time_limit=240, time_limit=270)
def sweep_access() -> None:
    """Let requests lapse, remind people, and end what is over. Runs every few minutes, beside
    others of its kind without harm."""
    done = lapses.sweep(timezone.now())
    if found := {name: count for name, count in done.items() if count}:
        log.info("Swept access requests and grants: %s.", found)


@shared_task(base=DjangoTask, ignore_result=True, soft_time_limit=600, time_limit=660)
def forget_words() -> None:
    """Empty what people wrote, once it was kept for as long as the site keeps it."""
    if found := +privacy.forget_old(timezone.now()):
        log.info("Emptied words of people: %s.", dict(found))
