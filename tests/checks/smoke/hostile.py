"""A hostile model, should one ever get its code to run inside the sandbox: it tries everything.

Run in place of the program by `test_hostile.py`: puts on the locks of the specification and then
does what an attacker would, or the attempts named alone. What it could reach it writes to the
result pipe.
"""

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from registry.checks.smoke import confine


def main() -> None:
    with os.fdopen(int(sys.argv[1])) as stream:
        spec = json.load(stream)
    result = os.fdopen(int(sys.argv[2]), "w")
    if version := spec.get("landlock"):
        confine.landlock_version = lambda: version  # as an older kernel would say
    confine.confine(**spec["locks"])
    only = spec["only"]
    found = {
        name: _outcome(attempt)
        for name, attempt in attempts(spec).items()
        if only is None or name in only
    }
    found["environment"] = "planted" if "planted" in "".join(os.environ.values()) else "refused"
    result.write(json.dumps({"found": found, "model": _listing(spec["folder"])}))
    result.flush()


def attempts(spec: dict[str, Any]) -> dict[str, Callable[[], object]]:
    folder, parent = spec["folder"], spec["parent_pid"]
    return {
        "connect": lambda: socket.create_connection(("127.0.0.1", spec["port"]), 2),
        "connect6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "raw packets": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "abstract socket": lambda: _join(spec["abstract"]),
        "other file": lambda: open(spec["planted"]).read(),
        "through the model": lambda: open(f"{folder}/../../secret").read(),
        "link in the model": lambda: open(f"{folder}/link").read(),
        "accounts": lambda: open("/etc/passwd").read(),
        "starter's environment": lambda: open(f"/proc/{parent}/environ", "rb").read(),
        "starter's memory": lambda: open(f"/proc/{parent}/mem", "rb").read(1),
        "starter's files": lambda: os.listdir(f"/proc/{parent}/fd"),
        "change the model": lambda: open(f"{folder}/config.json", "w"),
        "plant a file": lambda: open(f"{os.path.dirname(spec['planted'])}/new", "w"),
        "run a program": _start,
        "stop the starter": lambda: os.kill(parent, signal.SIGCONT) if parent else _deny(),
        "signal from a file": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, parent or 1),
        "limit the starter": lambda: resource.prlimit(parent or 1, resource.RLIMIT_CORE),
        "own session": os.setsid,
        "trace the starter": lambda: _call(101, 16, parent, 0, 0),
        "own namespaces": lambda: _call(272, 0x10000000),
        "mount": lambda: _call(165, b"none", b"/tmp", b"tmpfs", 0, 0),
        "keyring": lambda: _call(250, 0, 0, 0, 0),
        "kernel programs": lambda: _call(321, 0, 0, 0),
        "rings": lambda: _call(425, 1, 0),
        "memory": lambda: bytearray(4 << 30),
    }


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (OSError, MemoryError):
        return "refused"
    return "open"


def _deny() -> None:
    raise PermissionError


def _join(name: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect("\0" + name)


def _start() -> None:
    os.posix_spawn("/bin/true", ["/bin/true"], {})


def _call(number: int, *arguments: Any) -> None:
    """x86-64 numbers; elsewhere another call is refused or does no harm."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _listing(folder: str) -> list[str]:
    return sorted(os.listdir(folder))


if __name__ == "__main__":
    main()
