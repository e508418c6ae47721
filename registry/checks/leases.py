"""Keeping a claimed job while it is worked on, and showing how far it is."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from registry.checks import runs
from registry.checks.models import Job

log = logging.getLogger(__name__)

KEPT_EVENTS = 40
WRITE_EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
UNREACHABLE = (OperationalError, InterfaceError)


class LeaseLost(Exception):
    """The job is another attempt's by now; whatever this one finds is not wanted any more."""


class Lease:
    """A worker's hold on a job. A thread of its own renews it every third of its time."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._events: list[dict[str, Any]] = []
        self._written_at = 0.0
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"lease of {job}", daemon=True)

    def start(self) -> None:
        self._keeper.start()

    def end(self) -> None:
        self._ended.set()
        self._keeper.join()

    def tell(
        self,
        stage: str,
        status: str,
        *,
        done: float | None = None,
        note: str = "",
        target: str = "",
    ) -> None:
        """Show a step to whoever watches. Raises LeaseLost when the work should stop.

        Progress within a stage replaces what was said of it, and is written once a second at most.
        """
        self.check()
        event = {
            "at": timezone.now().isoformat(timespec="milliseconds"),
            "target": target,
            "stage": stage,
            "status": status,
            "done": done,
            "note": note,
        }
        moves_on = not self._replaces_last(event)
        self._events = (self._events if moves_on else self._events[:-1]) + [event]
        self._events = self._events[-KEPT_EVENTS:]
        if moves_on or time.monotonic() - self._written_at >= WRITE_EVERY_SECONDS:
            self._write()

    def check(self) -> None:
        """Raises LeaseLost when the work should stop: a long step tells nothing by itself."""
        if self._lost.is_set():
            raise LeaseLost

    def _replaces_last(self, event: dict[str, Any]) -> bool:
        last = self._events[-1] if self._events else {}
        same = all(last.get(name) == event[name] for name in ("target", "stage", "status"))
        return same and event["status"] == "progress"

    def _write(self) -> None:
        self._written_at = time.monotonic()
        try:
            if not runs.write_progress(self.job, self._events):
                self._lost.set()
                raise LeaseLost
        except UNREACHABLE as error:
            # Nobody is harmed by a step that is not shown; the outcome is written with patience.
            log.warning("The progress of %s was not written: %s", self.job, error)
            connection.close()

    def _keep(self) -> None:
        try:
            while not self._ended.wait(settings.CHECK_LEASE_SECONDS / 3):
                if not self._renew():
                    self._lost.set()
                    return
        finally:
            connection.close()

    def _renew(self) -> bool:
        try:
            return runs.renew(self.job)
        # The file that is being scanned may have taken all that its check may have of memory
        except (*UNREACHABLE, MemoryError) as error:
            log.warning("The lease of %s was not renewed: %r", self.job, error)
            connection.close()
            return True


@contextmanager
def keep(job: Job) -> Iterator[Lease]:
    """Hold the job for as long as the block runs."""
    lease = Lease(job)
    lease.start()
    try:
        yield lease
    finally:
        lease.end()


def persist(act: Callable[[], bool]) -> bool:
    """Write an outcome, and while the database is away (restarted, say) try again for a minute."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    pause = 0.5
    while True:
        try:
            return act()
        except UNREACHABLE as error:
            connection.close()
            if time.monotonic() + pause > give_up_at:
                raise
            log.warning("An outcome could not be written yet: %s", error)
        time.sleep(pause)
        pause = min(pause * 2, 8.0)
