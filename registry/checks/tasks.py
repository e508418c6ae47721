"""Telling workers of jobs, and running those that they claim."""

import logging
import os
import socket
from typing import Any

from celery import current_app, shared_task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from registry.checks import runs, work
from registry.checks.models import JobKind

log = logging.getLogger(__name__)

LAST_RESORT_SECONDS = 24 * 3600
# Between the soft and the hard limit a task may still write that it failed.
GRACE_SECONDS = 60


@shared_task(
    base=DjangoTask,
    ignore_result=True,
    soft_time_limit=LAST_RESORT_SECONDS,
    time_limit=LAST_RESORT_SECONDS + GRACE_SECONDS,
)
def run_scan(job_id: int) -> None:
    """Run the scanners of a job. Delivered twice, they still run once: `claim` decides.

    The message that `sweep` sends carries a narrower limit, by the size of the revision.
    """
    _run(job_id)


@shared_task(
    base=DjangoTask,
    ignore_result=True,
    soft_time_limit=LAST_RESORT_SECONDS,
    time_limit=LAST_RESORT_SECONDS + GRACE_SECONDS,
)
def run_smoke(job_id: int) -> None:
    """Run the smoke test of a job, as `run_scan` does the scanners."""
    _run(job_id)


@shared_task(ignore_result=True, soft_time_limit=60, time_limit=90)
def sweep() -> None:
    """Take back the jobs of lost workers and tell the living of what is due. Runs every few
    seconds, beside others of its kind without harm, and is what no lost message survives."""
    if lost := runs.take_back_lost():
        log.warning("Took back %s from lost workers.", lost)
    send_due()


def send_due() -> None:
    """Tell workers of the jobs that are due. A broker that is away is tried again by the sweep."""
    try:
        drained = [kind for kind, task in TASKS.items() if _is_drained(task)]
        with transaction.atomic():
            for job in runs.to_send(drained=drained):
                limit = work.seconds_allowed(job)
                TASKS[JobKind(job.kind)].apply_async_on_commit(
                    (job.pk,), soft_time_limit=limit, time_limit=limit + GRACE_SECONDS
                )
    except OperationalError as error:
        log.warning("The broker cannot be reached; jobs wait in their rows: %s", error)


def _run(job_id: int) -> None:
    job = runs.claim(job_id, worker=f"{socket.gethostname()}:{os.getpid()}")
    if job is None:
        return
    work.perform(job)
    send_due()


def _is_drained(task: DjangoTask) -> bool:
    """Whether the queue of a task holds no message, so that a job sent there and never claimed
    would wait for ever. Where messages wait, their turn comes and sending more would only pile up."""
    queue = settings.CELERY_TASK_ROUTES[task.name]["queue"]
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
        try:
            channel: Any = connection.default_channel
            return bool(channel.queue_declare(queue, passive=True).message_count == 0)
        except connection.channel_errors:
            return True
        except connection.connection_errors as error:
            raise OperationalError(str(error)) from error


TASKS: dict[JobKind, DjangoTask] = {JobKind.SCAN: run_scan, JobKind.SMOKE: run_smoke}
