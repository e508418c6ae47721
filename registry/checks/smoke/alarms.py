"""How long Python code of a library may take; it answers signals, other code runs in a helper (aside)."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class TookTooLong(Exception):
    """A library was still at it when the time was over."""

    def __str__(self) -> str:
        return "it takes too long"


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raises TookTooLong inside the block."""

    def stop(*_: object) -> None:
        raise TookTooLong

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
