"""Bounds on work, as a ratio to a fixed piece of work on the same machine at the same moment.

A hostile input that makes an algorithm quadratic costs hundreds of times what it should. A bound in
seconds finds that too, and fails on a slow or busy machine as well; a ratio does not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time


def _a_turn() -> float:
    """Processor seconds of some 10 ms of plain Python; the slower of two, as one may be lucky."""
    taken = []
    for _ in range(2):
        began = process_time()
        words: dict[str, int] = {}
        for number in range(40_000):
            words[str(number % 977)] = number
        taken.append(process_time() - began)
    return max(taken)


@contextmanager
def at_most(turns: int, *, of: str = "it") -> Iterator[None]:
    """Fail where the block takes more processor time than this many turns of a fixed loop."""
    began = process_time()
    yield
    taken = process_time() - began
    one = _a_turn()
    assert taken <= turns * one, f"{of} took {taken:.2f} s: {taken / one:.0f} turns of {one:.4f} s"
