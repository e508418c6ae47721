"""Waking workers where jobs are due, and running those that they claim."""

import logging
import os
import socket
from contextlib import suppress
from typing import Any

from celery import current_app, shared_task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.utils import timezone
from kombu import Connection
from kombu.exceptions import OperationalError

from registry.checks import attestations, deadlines, hosts, queues, rescans, runs, slots, work
from registry.checks.models import Queue
from registry.errors import Conflict, NotNow

log = logging.getLogger(__name__)

LAST_RESORT_SECONDS = 24 * 3600
GRACE_SECONDS = 60
# More messages than any site has workers: each that ends a job sees to those that follow.
MOST_MESSAGES = 100


@shared_task(
    base=DjangoTask,
    ignore_result=True,
    soft_time_limit=LAST_RESORT_SECONDS,
    time_limit=LAST_RESORT_SECONDS + GRACE_SECONDS,
)
def take(queue: str) -> None:
    """Claim the job of the queue whose turn it is, and run it. The message names none: which one is
    next is decided when somebody is free. How long it may take, too."""
    job = runs.claim_next(
        Queue(queue), worker=f"{socket.gethostname()}:{os.getpid()}", slot=slots.mine()
    )
    if job is None:
        return
    with deadlines.within(work.seconds_allowed(job)):
        work.perform(job)
    wake()


@shared_task(ignore_result=True, soft_time_limit=60, time_limit=90)
def sweep() -> None:
    """Take back the jobs of lost workers, move those whose machines are gone, and wake the living.
    Runs every few seconds, beside others of its kind without harm, and is what no lost message
    survives."""
    if lost := runs.take_back_lost():
        log.warning("Took back %s from lost workers.", lost)
    if moved := hosts.reroute(now=timezone.now()):
        log.warning("Moved %s to another kind of machine.", moved)
    attestations.sign_missing(timezone.now())
    wake()


@shared_task(ignore_result=True, soft_time_limit=300, time_limit=330)
def rescan_on_upgrade() -> None:
    """Have what is released checked again once the checks changed, where the site wants that."""
    if not settings.RESCAN_ON_UPGRADE:
        return
    # Where all that is released is being checked just now, the next time will do
    with suppress(NotNow, Conflict):
        if rescan := rescans.start_by_itself(now=timezone.now()):
            log.warning("The checks changed; rescan %s began.", rescan.public_id)


def wake() -> None:
    """Have as many messages in each queue as it has jobs that could begin. A broker that is away is
    tried again by the sweep."""
    now = timezone.now()
    due = {queue: min(queues.claimable(queue, now=now), MOST_MESSAGES) for queue in Queue}
    try:
        with current_app.connection_for_write() as connection:
            for queue, jobs in due.items():
                for _ in range(jobs - _messages(connection, queue) if jobs else 0):
                    take.apply_async_on_commit((str(queue),), queue=str(queue))
    except OperationalError as error:
        log.warning("The broker cannot be reached; jobs wait in their rows: %s", error)


def _messages(connection: Connection, queue: Queue) -> int:
    try:
        connection.ensure_connection(max_retries=1, interval_start=0)
        channel: Any = connection.default_channel
        return int(channel.queue_declare(str(queue), passive=True).message_count)
    except connection.channel_errors:
        return 0
    except connection.connection_errors as error:
        raise OperationalError(str(error)) from error
