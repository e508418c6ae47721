"""What the database refuses, and work done by several threads at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The database refuses what happens here, and for this reason."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    assert caught.value.__cause__.diag.constraint_name == constraint


@contextmanager
def refused_as_evidence() -> Iterator[None]:
    """The database refuses to change or delete this row, ever."""
    with pytest.raises(IntegrityError, match="are evidence"), transaction.atomic():
        yield


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of these gave or raised, begun at the same moment in threads of their own."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return work()
        except Exception as error:  # handed to the test, which looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))
