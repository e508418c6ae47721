"""Which programs make up an instance, and how each one is started."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from registry.checks import devices
from registry.instance import secrets
from registry.instance.postgres import Postgres, embedded_bindir
from registry.instance.processes import free_port, port_is_free, spawn
from registry.instance.supervisor import Part
from registry.instance.valkey import Valkey, embedded_binary

SOURCE = Path(__file__).resolve().parent.parent.parent
WORKERS = {
    "worker": ("default", 1, "prefork"),
    # It waits for the receivers of webhooks, each with limits of its own
    "outbox": ("outbox", 6, "threads"),
}


@dataclass(frozen=True)
class Address:
    """Where the site listens, and what to type into a browser on this machine."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return (
            f"http://{f'[{host}]' if host.count(':') > 1 and '[' not in host else host}:{self.port}"
        )

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def environment(data: Path, address: Address) -> dict[str, str]:
    """What every part is told. Secrets are not in it: they are in files of the data folder."""
    hosts = os.environ.get("REGISTRY_ALLOWED_HOSTS") or ",".join(
        dict.fromkeys(["localhost", "127.0.0.1", "[::1]", *_own_names(address.host)])
    )
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "registry.settings",
        "REGISTRY_DATA_DIR": str(data),
        "REGISTRY_ALLOWED_HOSTS": hosts,
        "REGISTRY_URL": os.environ.get("REGISTRY_URL") or address.url,
        "PYTHONUNBUFFERED": "1",
    }


def _own_names(host: str) -> list[str]:
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        return [os.uname().nodename]
    return [f"[{host}]" if ":" in host else host]


def postgres(data: Path) -> Postgres:
    """The instance's own database: with the password it has, on its former port where that is free."""
    port, password = _keep(secrets.read(data, secrets.DATABASE_URL))
    server = Postgres(
        folder=data / "postgres", port=port, password=password, bindir=embedded_bindir()
    )
    secrets.write(data, secrets.DATABASE_URL, server.url())
    return server


def valkey(data: Path) -> Valkey:
    """The instance's own broker, likewise."""
    port, password = _keep(secrets.read(data, secrets.BROKER_URL))
    server = Valkey(folder=data / "valkey", port=port, password=password, binary=embedded_binary())
    secrets.write(data, secrets.BROKER_URL, server.url())
    return server


def _keep(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    port = parts.port if parts.port and port_is_free("127.0.0.1", parts.port) else free_port()
    return port, unquote(parts.password or "") or secrets.new_secret()


def database_part(server: Postgres) -> Part:
    return Part(
        name="database",
        start=server.start,
        stop_signal=signal.SIGINT,
        stop_seconds=60,
        stops_in_round=2,
        noise=(
            b"the database system is starting up",
            b"the database system is not yet accepting connections",
            b"Consistent recovery state has not been yet reached",
        ),
    )


def broker_part(server: Valkey) -> Part:
    return Part(
        name="broker",
        start=server.start,
        stops_in_round=1,
        # About copying all of its memory, which is a few MB here
        noise=(b"Memory overcommit must be enabled",),
    )


def program(
    arguments: list[str], env: Mapping[str, str]
) -> Callable[[int], subprocess.Popen[bytes]]:
    """How to start a Python program of ours, with its output going to the descriptor given."""
    return partial(_start, [sys.executable, *arguments], env)


def _start(command: list[str], env: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    return spawn(command, on_orphaned=signal.SIGKILL, output=output, env=env, cwd=SOURCE)


def web_part(address: Address, env: Mapping[str, str]) -> Part:
    config = "python:registry.instance.gunicorn_conf"
    command = ["-m", "gunicorn", "--config", config, "--bind", address.bind]
    return Part(name="web", start=program(command, env))


def worker_parts(env: Mapping[str, str]) -> list[Part]:
    """A worker for each kind of work, so that a long test delays no scan, and neither the sweeps.
    Smoke tests run on the machine's GPUs where it has any."""
    gpus = len(devices.found(os.environ.get("REGISTRY_WORKER_DEVICES", "").strip() or "auto"))
    checks = {"scan": 1, "smoke.gpu": gpus} if gpus else {"scan": 1, "smoke.cpu": 1}
    return [
        Part(name=name, start=program(_worker(name, queues, processes, pool), env))
        for name, (queues, processes, pool) in WORKERS.items()
    ] + check_parts(checks, env)


def check_parts(queues: Mapping[str, int], env: Mapping[str, str]) -> list[Part]:
    """A worker for each of these queues of checks, with so many processes."""
    return [
        Part(
            name=queue.partition(".")[0],
            start=program(_worker(queue, queue, processes, "prefork"), env),
        )
        for queue, processes in queues.items()
    ]


def _worker(name: str, queues: str, processes: int, pool: str) -> list[str]:
    return [
        "-m", "celery", "--quiet", "--app", "registry.instance.worker", "worker",
        "--queues", queues, "--pool", pool, "--concurrency", str(processes),
        "--hostname", f"{name}@%h",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    ]  # fmt: skip


def scheduler_part(data: Path, env: Mapping[str, str]) -> Part:
    command = ["-m", "celery", "--quiet", "--app", "registry.celery", "beat"]
    schedule = ["--schedule", str(data / "run" / "beat-schedule"), "--pidfile", ""]
    return Part(name="scheduler", start=program([*command, *schedule], env))
