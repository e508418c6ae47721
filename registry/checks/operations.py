"""How the checks go as a whole: what waits and for how long, what was done, what was given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Avg, Count, F, Min, OuterRef, Q, QuerySet, Subquery

from registry.checks import hosts
from registry.checks.models import (
    CheckRun,
    Host,
    Job,
    JobState,
    Queue,
    RunState,
    Verdict,
)

LATELY = timedelta(hours=1)
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class QueueState:
    """One queue. `oldest` is since when a job is due, `seconds` what one takes on average."""

    queue: Queue
    waiting: int
    running: int
    oldest: datetime | None
    done_lately: int
    done_in_a_day: int
    seconds: float | None
    slots: int

    @property
    def is_stuck(self) -> bool:
        """Whether jobs wait for workers of which there are none."""
        return bool(self.waiting and not self.slots)


@dataclass(frozen=True)
class DeviceState:
    """A device, or a processor that serves as one, and what runs on it."""

    id: str
    kind: str
    name: str
    memory_mb: int | None
    driver: str
    healthy: bool
    note: str
    job: Job | None


@dataclass(frozen=True)
class HostState:
    """A machine as it is now."""

    host: Host
    is_alive: bool
    services: list[hosts.Service]
    devices: list[DeviceState]
    running: int


def queue_states(*, now: datetime) -> list[QueueState]:
    due = Q(state=JobState.QUEUED, due_at__lte=now)
    running = Q(state=JobState.RUNNING)
    live = _by_queue(
        Job.objects.filter(due | running),
        waiting=Count("pk", filter=due),
        running=Count("pk", filter=running),
        oldest=Min("due_at", filter=due),
    )
    begun = Job.objects.filter(queue__in=Queue.values, started_at__gt=now - DAY)
    done = _by_queue(
        begun.filter(state=JobState.DONE),
        done_lately=Count("pk", filter=Q(finished_at__gt=now - LATELY)),
        done_in_a_day=Count("pk"),
        taking=Avg(F("finished_at") - F("started_at")),
    )
    slots = _slots(now=now)
    return [
        _queue_state(queue, live.get(queue, {}) | done.get(queue, {}), slots[queue])
        for queue in Queue
    ]


def host_states(*, now: datetime) -> list[HostState]:
    """All machines that were ever heard of, the living first."""
    found = []
    running: dict[int, list[Job]] = {}
    for job in Job.objects.filter(state=JobState.RUNNING, host__isnull=False).select_related(
        "run__revision__repository__namespace"
    ):
        running.setdefault(job.host_id or 0, []).append(job)
    for host in Host.objects.all():
        jobs = running.get(host.pk, [])
        found.append(
            HostState(
                host=host,
                is_alive=hosts.is_alive(host, now=now),
                services=hosts.served(host, now=now),
                devices=_devices(host, jobs),
                running=len(jobs),
            )
        )
    return sorted(found, key=lambda state: (not state.is_alive, state.host.name))


def dead_letters() -> QuerySet[CheckRun]:
    """Runs that ended as an error and that nobody has had run again, the newest first."""
    newest = (
        CheckRun.objects.filter(revision=OuterRef("revision"))
        .exclude(state=RunState.SUPERSEDED)
        .order_by("-pk")
        .values("pk")[:1]
    )
    return (
        CheckRun.objects.filter(verdict=Verdict.ERROR, pk=Subquery(newest))
        .select_related("revision__repository__namespace")
        .order_by("-finished_at", "-pk")
    )


def waiting_namespaces(*, now: datetime) -> list[tuple[str, int, datetime]]:
    """Whose jobs wait: the namespace, how many, and since when, the longest first."""
    rows = (
        Job.objects.filter(state=JobState.QUEUED, due_at__lte=now)
        .order_by()
        .values_list("run__revision__repository__namespace__name")
        .annotate(jobs=Count("pk"), oldest=Min("due_at"))
        .order_by("-jobs", "oldest")
    )
    return list(rows[:20])


def verdicts(*, since: datetime) -> dict[str, int]:
    """How many runs ended with each verdict."""
    counted = (
        CheckRun.objects.filter(finished_at__gt=since)
        .order_by()
        .values_list("verdict")
        .annotate(Count("pk"))
    )
    return {str(verdict): 0 for verdict in Verdict if verdict} | dict(counted)


def _by_queue(jobs: QuerySet[Job], **figures: Aggregate) -> dict[str, dict[str, Any]]:
    rows = jobs.order_by().values("queue").annotate(**figures)
    return {row["queue"]: dict(row.items()) for row in rows}


def _queue_state(queue: Queue, row: dict[str, Any], slots: int) -> QueueState:
    taking = row.get("taking")
    return QueueState(
        queue=queue,
        waiting=row.get("waiting", 0),
        running=row.get("running", 0),
        oldest=row.get("oldest"),
        done_lately=row.get("done_lately", 0),
        done_in_a_day=row.get("done_in_a_day", 0),
        seconds=taking.total_seconds() if taking else None,
        slots=slots,
    )


def _slots(*, now: datetime) -> dict[str, int]:
    """How many jobs of each queue could run at once on the machines that take any."""
    slots = dict.fromkeys(map(str, Queue), 0)
    for host in Host.objects.filter(seen_at__gt=now - timedelta(seconds=hosts.ALIVE_SECONDS)):
        for service in hosts.served(host, now=now):
            if hosts.takes(host, service.queue, now=now) and service.queue in slots:
                well = sum(one["healthy"] for one in host.devices)
                on_gpus = service.queue == Queue.SMOKE_GPU
                slots[service.queue] += min(service.slots, well) if on_gpus else service.slots
    return slots


def _devices(host: Host, jobs: list[Job]) -> list[DeviceState]:
    on = {job.device: job for job in jobs if job.device}
    listed = [
        DeviceState(
            **{
                name: one[name]
                for name in ("id", "kind", "name", "memory_mb", "driver", "healthy", "note")
            },
            job=on.pop(one["id"], None),
        )
        for one in host.devices
    ]
    # Processors are no devices that a driver lists
    others = [
        DeviceState(device, "cpu", "", None, "", True, "", job)
        for device, job in sorted(on.items())
    ]
    return listed + others
