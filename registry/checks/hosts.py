"""Which machines check: who is alive, what each of them serves, and which takes nothing new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.audit import log
from registry.checks.models import Host, Job, JobState, Queue
from registry.errors import NotAllowed, NotNow

# Longer than a restart takes, so that a new version moves no job to another queue.
ALIVE_SECONDS = 60


@dataclass(frozen=True)
class Service:
    """That the workers of a machine serve a queue: with how many processes, as of when."""

    queue: str
    slots: int
    seen_at: datetime


@transaction.atomic
def beat(
    name: str,
    *,
    services: Mapping[str, int],
    devices: Sequence[Mapping[str, Any]] | None = None,
    now: datetime | None = None,
) -> Host:
    """A worker on this machine lives, and serves these queues with so many processes each. Several
    workers of a machine share its row. `devices` replaces what was known of them."""
    now = now or timezone.now()
    Host.objects.get_or_create(name=name, defaults={"started_at": now, "seen_at": now})
    host = Host.objects.select_for_update().get(name=name)
    if not is_alive(host, now=now):
        host.started_at = now
    others = [one for one in served(host, now=now) if one.queue not in services]
    mine = [Service(queue, slots, now) for queue, slots in services.items()]
    host.queues = [
        {"queue": one.queue, "slots": one.slots, "seen_at": one.seen_at.isoformat()}
        for one in sorted([*others, *mine], key=lambda one: one.queue)
    ]
    host.seen_at = now
    if devices is not None:
        host.devices = list(devices)
    host.save(update_fields=["queues", "devices", "seen_at", "started_at"])
    return host


def known(name: str) -> Host:
    """The row of a machine whose worker asks for a job, perhaps before its first heartbeat."""
    now = timezone.now()
    return Host.objects.get_or_create(name=name, defaults={"started_at": now, "seen_at": now})[0]


def is_alive(host: Host, *, now: datetime) -> bool:
    return host.seen_at > now - timedelta(seconds=ALIVE_SECONDS)


def served(host: Host, *, now: datetime) -> list[Service]:
    """The queues that the machine's workers served a moment ago."""
    found = []
    for one in host.queues:
        seen_at = parse_datetime(one["seen_at"])
        if seen_at and seen_at > now - timedelta(seconds=ALIVE_SECONDS):
            found.append(Service(one["queue"], one["slots"], seen_at))
    return found


def takes(host: Host, queue: str, *, now: datetime) -> bool:
    """Whether a job of the queue could begin there."""
    if host.is_draining or not any(one.queue == queue for one in served(host, now=now)):
        return False
    if queue != Queue.SMOKE_GPU:
        return True
    return any(one["kind"] == "cuda" and one["healthy"] for one in host.devices)


def is_served(queue: str, *, now: datetime) -> bool:
    """Whether any machine would take a job of the queue."""
    alive = Host.objects.filter(seen_at__gt=now - timedelta(seconds=ALIVE_SECONDS))
    return any(takes(host, queue, now=now) for host in alive)


def is_healthy(host: Host, device: str) -> bool:
    """What the machine does not list, such as a processor, is taken to be well."""
    return all(one["healthy"] for one in host.devices if one["id"] == device)


def queue_for_smoke(*, now: datetime) -> Queue:
    """Where a smoke test waits: for a GPU, where a machine with one lives."""
    return Queue.SMOKE_GPU if is_served(Queue.SMOKE_GPU, now=now) else Queue.SMOKE_CPU


def reroute(*, now: datetime) -> int:
    """Move the smoke tests that wait for machines of which none lives to those of the other kind,
    if there are any. Returns how many."""
    moved = 0
    for queue, other, why in (
        (Queue.SMOKE_GPU, Queue.SMOKE_CPU, "No machine with a GPU is there; it runs without one."),
        (Queue.SMOKE_CPU, Queue.SMOKE_GPU, "It runs on a machine with a GPU."),
    ):
        waiting = Job.objects.filter(queue=queue, state=JobState.QUEUED)
        if waiting.exists() and not is_served(queue, now=now) and is_served(other, now=now):
            moved += waiting.update(queue=other, note=why)
    return moved


def note_test(name: str, *, isolation: Mapping[str, Any], versions: Mapping[str, Any]) -> None:
    """What the last smoke test on a machine reached and ran with."""
    Host.objects.filter(name=name).update(isolation=dict(isolation), versions=dict(versions))


def may_operate(caller: Caller) -> bool:
    """Who sees the machines and decides what they do: site maintainers."""
    return caller.is_maintainer and caller.can_administer


def set_draining(host: Host, *, draining: bool, by: Caller) -> None:
    """Have a machine end what it has and take nothing new, or have it take jobs again."""
    if not may_operate(by):
        raise NotAllowed(_("Only site maintainers decide which machines take jobs."))
    _write_draining(host, draining=draining, actor=by.public_id)


def set_draining_at_the_machine(host: Host, *, draining: bool) -> None:
    """As `set_draining`, for the operator, who is nobody to the registry."""
    _write_draining(host, draining=draining, actor="")


@transaction.atomic
def forget(host: Host, *, now: datetime | None = None) -> None:
    """Remove the row of a machine that is gone for good."""
    now = now or timezone.now()
    host = Host.objects.select_for_update().get(pk=host.pk)
    if is_alive(host, now=now):
        raise NotNow(_("%(host)s is alive; stop its workers first.") % {"host": host.name})
    log.record("worker.forget", actor="", subject=host)
    host.delete()


@transaction.atomic
def _write_draining(host: Host, *, draining: bool, actor: str) -> None:
    changed = Host.objects.filter(pk=host.pk, is_draining=not draining)
    if changed.update(is_draining=draining):
        event = "worker.drain" if draining else "worker.resume"
        log.record(event, actor=actor, subject=host)
