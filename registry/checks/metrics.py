"""The state of the checks as Prometheus reads it: text format 0.0.4, figures and names alone."""

from collections.abc import Iterator
from datetime import datetime

from registry.checks import catalogue, operations
from registry.checks.models import Host

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Labels = dict[str, str]
_Family = tuple[str, str, list[tuple[_Labels, float]]]


def text(*, now: datetime) -> str:
    """All families, each with its help. Every value is one of the moment: a gauge."""
    lines: list[str] = []
    for name, words, samples in (*_of_queues(now), *_of_hosts(now), *_of_runs(now)):
        lines += [f"# HELP registry_{name} {words}", f"# TYPE registry_{name} gauge"]
        lines += [f"registry_{name}{_labels(labels)} {value:g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _of_queues(now: datetime) -> Iterator[_Family]:
    states = operations.queue_states(now=now)
    by = [({"queue": str(state.queue)}, state) for state in states]
    yield "check_jobs_waiting", "Jobs that are due.", [(queue, one.waiting) for queue, one in by]
    yield "check_jobs_running", "Jobs in work.", [(queue, one.running) for queue, one in by]
    yield (
        "check_oldest_wait_seconds",
        "How long the oldest due job has waited.",
        [(queue, (now - one.oldest).total_seconds() if one.oldest else 0) for queue, one in by],
    )
    yield (
        "check_jobs_done_last_hour",
        "Jobs that were done within an hour.",
        [(queue, one.done_lately) for queue, one in by],
    )
    yield (
        "check_job_seconds",
        "What a job took on average, of those done within a day.",
        [(queue, one.seconds) for queue, one in by if one.seconds is not None],
    )
    yield (
        "check_slots",
        "Jobs that the living machines could run at once.",
        [(queue, one.slots) for queue, one in by],
    )


def _of_hosts(now: datetime) -> Iterator[_Family]:
    states = operations.host_states(now=now)
    yield (
        "worker_up",
        "Whether a machine with workers was heard of within a minute.",
        [(_name(one.host), float(one.is_alive)) for one in states],
    )
    yield (
        "worker_draining",
        "Whether a machine takes nothing new.",
        [(_name(one.host), float(one.host.is_draining)) for one in states],
    )
    yield (
        "worker_seen_seconds",
        "How long ago a machine was heard of.",
        [(_name(one.host), (now - one.host.seen_at).total_seconds()) for one in states],
    )
    devices = [
        (_name(one.host) | {"device": device.id}, device)
        for one in states
        for device in one.devices
    ]
    yield (
        "device_healthy",
        "Whether a device answers.",
        [(labels, float(device.healthy)) for labels, device in devices],
    )
    yield (
        "device_busy",
        "Whether a job runs on a device.",
        [(labels, float(device.job is not None)) for labels, device in devices],
    )


def _of_runs(now: datetime) -> Iterator[_Family]:
    ended = operations.verdicts(since=now - operations.DAY)
    yield (
        "check_runs_last_day",
        "Runs that ended within a day, by verdict.",
        [({"verdict": verdict}, count) for verdict, count in ended.items()],
    )
    yield (
        "check_dead_letters",
        "Runs that ended as an error and were not run again.",
        [({}, operations.dead_letters().count())],
    )
    yield (
        "check_catalogue_info",
        "The catalogue of checks in use.",
        [({"catalogue": catalogue.CATALOGUE}, 1)],
    )


def _name(host: Host) -> _Labels:
    return {"host": host.name}


def _labels(labels: _Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
