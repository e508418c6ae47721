"""Workers of the checks alone, on a machine that has nothing else of the registry."""

import os
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from registry.checks import devices
from registry.checks.models import Queue
from registry.instance import parts, secrets
from registry.instance.processes import InstanceError
from registry.instance.supervisor import StopAsked, Supervisor

# What a killed test would have done is done again, but not its worker's goodbye
STOP_SECONDS = 30


def queues_here() -> dict[str, int]:
    """What a machine serves where nobody says it: scans, and smoke tests on what it has."""
    gpus = len(devices.found(settings.WORKER_DEVICES))
    smoke = {Queue.SMOKE_GPU: gpus} if gpus else {Queue.SMOKE_CPU: 1}
    return {str(queue): processes for queue, processes in {Queue.SCAN: 1, **smoke}.items()}


def queues_of(text: str) -> dict[str, int]:
    """`scan=2,smoke.gpu` as queues with numbers of processes. A GPU has one process, always."""
    found: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        queue, _, number = part.partition("=")
        if queue not in Queue.values:
            raise InstanceError(f"{queue!r} is no queue; choose of {', '.join(Queue.values)}.")
        if number and not (number.isascii() and number.isdigit() and 0 < int(number) <= 64):
            raise InstanceError(f"{part!r}: the number of processes is 1 to 64.")
        found[queue] = int(number or 1)
    if Queue.SMOKE_GPU in found:
        gpus = len(devices.found(settings.WORKER_DEVICES))
        if not gpus:
            raise InstanceError("This machine has no GPU, so it cannot serve smoke.gpu.")
        found[Queue.SMOKE_GPU] = gpus
    if not found:
        raise InstanceError("No queue was named.")
    return found


def run(queues: Mapping[str, int]) -> int:
    """Run them until somebody stops it. The exit code says whether it ended well."""
    env = environment(settings.DATA_DIR)
    with Supervisor().listening() as supervisor:
        try:
            for part in parts.check_parts(queues, env):
                supervisor.start(part, ready=lambda: True, seconds=STOP_SECONDS)
            shown = ", ".join(f"{queue} × {number}" for queue, number in queues.items())
            supervisor.say(f"{settings.WORKER_NAME} serves {shown}. Ctrl-C stops it.")
            supervisor.watch()
        except StopAsked:
            supervisor.say("Stopping; what is not done is done again elsewhere.")
            supervisor.stop_all()
            return 0
        except InstanceError as error:
            supervisor.say(str(error))
            return 1
    return 0


def environment(data: Path) -> dict[str, str]:
    """What the workers are told. They sign no sessions, so any secret key will do: a machine that
    opens hostile files needs none of the site's."""
    found = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "registry.settings",
        "REGISTRY_DATA_DIR": str(data),
        "PYTHONUNBUFFERED": "1",
    }
    if not os.environ.get("REGISTRY_SECRET_KEY") and not secrets.read(data, secrets.SESSION_KEY):
        found["REGISTRY_SECRET_KEY"] = secrets.new_secret()
    return found
