"""Ends work that takes too long, also where the interpreter itself is stuck."""

import faulthandler
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from celery.exceptions import SoftTimeLimitExceeded

# After the exception, the time that is left to write that the work failed
GRACE_SECONDS = 60


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise SoftTimeLimitExceeded in the block after so long. Where nothing comes of that for
    GRACE_SECONDS, end the process, as a crash would; a thread that needs no interpreter does it.

    The limits of a message cannot say it: a worker learns which job it gets after the message.
    Only main threads are given exceptions from outside.
    """
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, _raise) if is_main else None
    faulthandler.dump_traceback_later(seconds + GRACE_SECONDS, exit=True, file=sys.__stderr__ or 2)
    try:
        if is_main:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        if is_main:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


def _raise(number: int, frame: FrameType | None) -> None:
    raise SoftTimeLimitExceeded
