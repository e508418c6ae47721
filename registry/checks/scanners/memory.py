"""How much memory the checks of a scan may take: a file that makes one take more ends the check alone."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 512 * 1024 * 1024

_lock = threading.Lock()
# How many scans of this process are on, and the limit to which the last of them returns.
_scans: list[int] = []


@contextmanager
def bounded(most: int = MOST) -> Iterator[None]:
    """So much more than the process has now; beyond it allocating raises MemoryError."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with _lock:
        _scans.append(resource.getrlimit(resource.RLIMIT_DATA)[0])
        if len(_scans) == 1 and (used := _data()) is not None:
            limits = [one for one in (used + most, _scans[0], hard) if one >= 0]
            resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        with _lock:
            before = _scans[0]
            _scans.pop()
            if not _scans:
                resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _data() -> int | None:
    """What the limit counts; None on a system that does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), None)
