"""How one process starts another: it never outlives its parent, and ports are known to be free."""

import ctypes
import errno
import secrets
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

SERVER_PORTS = range(20_000, 32_000)
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class InstanceError(Exception):
    """An instance cannot be started or used; the message says why and what to do."""


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """A function for a new child: the kernel sends it the signal when its parent dies.

    It is what keeps a SIGKILL of the supervisor from leaving a database nobody looks after. The
    parent is the thread that forked, so only main threads start parts.
    """

    def tell_kernel() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)

    return tell_kernel


def spawn(
    command: Sequence[str],
    *,
    on_orphaned: signal.Signals,
    output: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches it only through us."""
    return subprocess.Popen(  # noqa: S603 (the programs are ours)
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=die_with_parent(on_orphaned),  # noqa: PLW1509
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def stop(process: subprocess.Popen[bytes], with_signal: signal.Signals, *, seconds: float) -> None:
    """Ask a process to end, and end it when it does not."""
    if process.poll() is not None:
        return
    process.send_signal(with_signal)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(host: str = "127.0.0.1") -> int:
    """A port for a server that is started next.

    Drawn below the range that systems take for outgoing connections: one of those could get
    hold of a port of that range before the server does.
    """
    for _ in range(1000):
        port = secrets.choice(SERVER_PORTS)
        if port_is_free(host, port):
            return port
    raise InstanceError(f"No port from {SERVER_PORTS[0]} to {SERVER_PORTS[-1]} is free.")


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return True
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return False
        raise InstanceError(f"Cannot listen on {host}: {error.strerror}.") from error


def command_line_of(pid: int) -> list[str]:
    """The words that started a process, or [] where there is no such process."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []
