"""The Celery application of a worker whose pool processes never outlive it."""

import logging
import os
import signal
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.signals import celeryd_after_setup, worker_process_init, worker_ready, worker_shutdown
from django.conf import settings

from registry.celery import app
from registry.instance.processes import die_with_parent

__all__ = ["app"]

log = logging.getLogger(__name__)

# Messages are JSON with ids in it, which root may read as well as anybody
warnings.filterwarnings("ignore", message="You're running the worker with superuser")
# About tasks that are acknowledged late; ours are acknowledged early
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

# Django is not set up yet when Celery imports this module: what knows models is imported later.
# What the pool's processes share, each with one device; empty in workers that check nothing
_devices: list[str] = []


@celeryd_after_setup.connect
def _plan(sender: str, instance: Any, **_: Any) -> None:
    """Before the first process of the pool is there, so that all of them know it."""
    from registry.checks import devices, slots
    from registry.checks.models import Queue

    queues = [name for name in instance.app.amqp.queues.consume_from if name in Queue.values]
    if queues:
        gpus = [one["id"] for one in devices.found(settings.WORKER_DEVICES)]
        _devices[:] = slots.devices_for(queues, processes=instance.concurrency, gpus=gpus)


@worker_process_init.connect
def _die_with_the_worker(**_: Any) -> None:
    # A killed worker would leave its running task behind, to finish beside the next attempt
    die_with_parent(signal.SIGKILL)()
    if _devices:
        _take_a_device()


@worker_ready.connect
def _begin_to_beat(sender: Any, **_: Any) -> None:
    from registry.checks.models import Queue
    from registry.instance import heartbeat

    served = [name for name in app.amqp.queues.consume_from if name in Queue.values]
    if served:
        heartbeat.begin(sender.hostname, queues=served, slots=len(_devices))


@worker_shutdown.connect
def _end_the_beat(**_: Any) -> None:
    from registry.instance import heartbeat

    heartbeat.end()


def _take_a_device() -> None:
    from registry.checks import runs, slots
    from registry.checks.smoke.isolation import DEVICE_VARIABLE

    slot = slots.take(_devices)
    os.environ[DEVICE_VARIABLE] = slot.device
    if not slot.may_work:
        log.warning("Another worker of %s has the devices; this process takes no jobs.", slot.host)
    elif lost := runs.take_back_of(slot):
        log.warning("Took back %s that ran on %s before.", lost, slot.device)
