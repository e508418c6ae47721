"""Tries each lock of the sandbox from the inside; every try has to be refused."""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

_REFUSED = {errno.EPERM, errno.EACCES, errno.ENOENT, errno.EROFS, errno.ENOSYS, errno.ENETUNREACH}
_REFUSED |= {errno.ECONNREFUSED, errno.EAFNOSUPPORT, errno.ESRCH}


def probe(spec: dict[str, Any]) -> dict[str, Any]:
    tries: dict[str, Callable[[], object]] = {
        "network": lambda: _connect(spec["port"]),
        "file": lambda: _read(spec["planted"]),
        "starter": lambda: _read(f"/proc/{spec['parent']}/environ"),
        "write": lambda: _write(f"{os.path.dirname(spec['planted'])}/mark"),
        "program": _start,
        "memory": lambda: bytearray(spec["memory_bytes"]),
    }
    answers = {name: _answer(attempt) for name, attempt in tries.items()}
    _write(f"{spec['scratch']}/mark")
    return {**answers, "environment": sorted(os.environ)}


def _answer(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except MemoryError:
        return "refused"
    except OSError as error:
        return "refused" if error.errno in _REFUSED else f"failed: {error}"
    return "open"


def _connect(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(("127.0.0.1", port))


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read(16)


def _write(path: str) -> None:
    with open(path, "wb") as stream:
        stream.write(b"x")


def _start() -> None:
    """Without the way out that a shell would take: the call itself must be refused."""
    pid = os.fork()
    if pid == 0:
        try:
            os.execv("/bin/true", ["/bin/true"])  # noqa: S606 - it has to be refused
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise PermissionError(errno.EPERM, "not started")
