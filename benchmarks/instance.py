"""An instance for measuring: started as `manage.py up` does, without the workers, whose checks
would take the processor away from what is measured."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.instance import launch, parts, secrets
from registry.instance.parts import Address
from registry.instance.processes import free_port, stop
from registry.instance.supervisor import Supervisor

SOURCE = Path(__file__).resolve().parent.parent
# Names a data folder to start from, where the first start of an instance would take too long
PREPARED = "BENCHMARKS_PREPARED"
LIMITED = ("api", "resolve", "upload", "login", "page")


@dataclass(frozen=True)
class Instance:
    """A running registry, and how to do something in it."""

    url: str
    data: Path
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"

    def make(self, what: str, **wanted: Any) -> Any:
        """Have `contents` make or count something in the instance's own database."""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "benchmarks.contents", what, json.dumps(wanted)],
            cwd=SOURCE,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout)

    def web_processes(self) -> list[int]:
        """The processes of gunicorn."""
        return [
            pid
            for pid in _descendants(self.process.pid)
            if b"gunicorn" in _read(f"/proc/{pid}/cmdline")
        ]


@contextmanager
def running(
    folder: Path, *, port: int = 0, env: Mapping[str, str] | None = None
) -> Iterator[Instance]:
    """A new instance in this folder, on a port of its own."""
    data = folder / "data"
    address = Address("127.0.0.1", port or free_port())
    own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    told = {
        **own,
        **(env or {}),
        "DJANGO_SETTINGS_MODULE": "registry.settings",
        "REGISTRY_DATA_DIR": str(data),
        "REGISTRY_LOG_LEVEL": "WARNING",
        # Requests are counted as on a site, and never too many
        "REGISTRY_RATE_LIMITS": ",".join(f"{kind}=100000000/300" for kind in LIMITED),
        "PYTHONPATH": str(SOURCE),
    }
    folder.mkdir(parents=True, exist_ok=True)
    if prepared := os.environ.get(PREPARED):
        subprocess.run(["cp", "-a", prepared, data], check=True)  # noqa: S603, S607
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "benchmarks.instance", str(data), str(address.port)],
            cwd=SOURCE,
            env=told,
            stdout=output,
            stderr=output,
        )
        try:
            wait_for(f"{address.url}/healthz", process, folder / "log")
            yield Instance(address.url, data, told, process)
        finally:
            stop(process, signal.SIGTERM, seconds=60)


def wait_for(
    url: str, process: "subprocess.Popen[bytes]", log: Path, *, seconds: float = 120
) -> None:
    """Return once the address answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text(errors="replace")[-4000:])


def _descendants(pid: int) -> list[int]:
    children = _read(f"/proc/{pid}/task/{pid}/children").split()
    return [pid, *(one for child in children for one in _descendants(int(child)))]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def main(data: Path, port: int) -> int:
    """Run the instance until it is stopped."""
    address = Address("127.0.0.1", port)
    with launch.sole_user_of(data), Supervisor().listening() as supervisor:
        try:
            secrets.ensure_secret_key(data)
            env = parts.environment(data, address)
            launch.start_database(supervisor, data)
            launch.start_broker(supervisor, data)
            supervisor.run_step("prepare", parts.program(["manage.py", "prepare"], env))
            web = parts.web_part(address, env)
            supervisor.start(web, ready=address.answers, seconds=launch.READY_SECONDS)
            supervisor.watch()
        except launch.StopAsked:
            supervisor.stop_all()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
