"""Tells the registry every few seconds that the workers of this machine live, and what they can do."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from kombu.exceptions import OperationalError as BrokerError

from registry.celery import app
from registry.checks import devices, hosts
from registry.checks.models import Host, Queue

log = logging.getLogger(__name__)

EVERY_SECONDS = 10
LOOK_AT_DEVICES_SECONDS = 30

_ended = threading.Event()
_thread: threading.Thread | None = None


def begin(worker: str, *, queues: Sequence[str], slots: int) -> None:
    """Beat in a thread of its own until `end`."""
    global _thread
    _thread = threading.Thread(
        target=_beat, args=(worker, tuple(queues), slots), name="heartbeat", daemon=True
    )
    _thread.start()


def end() -> None:
    _ended.set()
    if _thread is not None:
        _thread.join(EVERY_SECONDS)


def _beat(worker: str, queues: tuple[str, ...], slots: int) -> None:
    looked_at = 0.0
    listens = True
    while not _ended.is_set():
        there = None
        if Queue.SMOKE_GPU in queues and time.monotonic() - looked_at > LOOK_AT_DEVICES_SECONDS:
            there, looked_at = devices.found(settings.WORKER_DEVICES), time.monotonic()
        host = _tell(queues, slots, there)
        if host is not None and listens == host.is_draining:
            listens = not host.is_draining
            _listen(worker, queues, listens)
        _ended.wait(EVERY_SECONDS)


def _tell(queues: tuple[str, ...], slots: int, there: list[dict[str, Any]] | None) -> Host | None:
    try:
        services = dict.fromkeys(queues, slots)
        return hosts.beat(settings.WORKER_NAME, services=services, devices=there)
    except (OperationalError, InterfaceError) as error:
        log.warning("The database did not take the heartbeat: %s", error)
        return None
    finally:
        connection.close()


def _listen(worker: str, queues: tuple[str, ...], listens: bool) -> None:
    """A draining machine leaves the messages to others, which would else wait for the next sweep."""
    act = app.control.add_consumer if listens else app.control.cancel_consumer
    log.info("%s %s.", worker, "takes jobs again" if listens else "takes no new jobs")
    try:
        for queue in queues:
            act(queue, destination=[worker])
    except (BrokerError, OSError) as error:
        log.warning("The broker cannot be reached: %s", error)
