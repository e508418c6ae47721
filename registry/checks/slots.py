"""The place of this process among those of its machine that check: its host and one device.

Of the processes of a machine one has a device, by a lock on a file. Whoever gets the lock knows that
the process before it is gone.
"""

import fcntl
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

# A process that was killed may hold its lock for a moment longer
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Slot:
    """`device` is "" for a process that shares nothing and takes anything but GPU jobs."""

    host: str
    device: str = ""
    may_work: bool = True


_mine: Slot | None = None


def mine() -> Slot:
    return _mine or Slot(settings.WORKER_NAME)


def take(devices: Sequence[str], *, patience: float = PATIENCE_SECONDS) -> Slot:
    """Take the first of these devices that no other process of this machine has, for as long as
    this process lives. Where none is left the process takes no jobs."""
    global _mine
    give_up_at = time.monotonic() + patience
    while (device := _lock_one(devices)) is None:
        if time.monotonic() > give_up_at:
            _mine = Slot(settings.WORKER_NAME, may_work=False)
            return _mine
        time.sleep(0.1)
    _mine = Slot(settings.WORKER_NAME, device)
    return _mine


def devices_for(queues: Sequence[str], *, processes: int, gpus: Sequence[str]) -> list[str]:
    """The devices that the processes of a worker share: one each."""
    if "smoke.gpu" in queues:
        return list(gpus)
    kind = "cpu" if "smoke.cpu" in queues else "scan"
    return [f"{kind}:{number}" for number in range(processes)]


def _lock_one(devices: Sequence[str]) -> str | None:
    folder = settings.CACHE_DIR / "slots"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for device in devices:
        path = folder / f"{settings.WORKER_NAME}.{device}".replace("/", "_")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return device  # the descriptor stays open, and with it the lock
    return None
