"""A live registry for the real client: gunicorn, as an instance runs it, on the test database."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from registry.accounts.models import User
from registry.instance.processes import free_port, stop
from tests.factories import make_token
from tests.wire import clients

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def registry_url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running registry that sees what transactional tests commit."""
    folder = tmp_path_factory.mktemp("gunicorn")
    port = free_port()
    database = urlunsplit(
        urlsplit(os.environ["REGISTRY_DATABASE_URL"])._replace(
            path="/" + str(connection.settings_dict["NAME"])
        )
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--config",
                str(ROOT / "registry/instance/gunicorn_conf.py"),
                "--bind",
                f"127.0.0.1:{port}",
                "--workers",
                "1",
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "REGISTRY_DATABASE_URL": database,
                "REGISTRY_SECRET_KEY": settings.SECRET_KEY,
                "DJANGO_SETTINGS_MODULE": "registry.settings",
            },
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url, process, folder / "log")
            yield url
        finally:
            stop(process, signal.SIGTERM, seconds=10)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture(
    params=["newest", pytest.param("oldest", marks=pytest.mark.clients)],
)
def python(request: pytest.FixtureRequest) -> Path:
    """The interpreter that has the client in the version under test."""
    return clients.newest_python() if request.param == "newest" else clients.oldest_python()


@pytest.fixture
def client_of(
    python: Path, registry_url: str, tmp_path: Path
) -> Iterator[Callable[..., clients.Client]]:
    """`client_of(user)` or `client_of(None)`: that person's client, with a cache of its own."""
    made: list[clients.Client] = []

    def make(user: User | None, scope: str = "write") -> clients.Client:
        token = make_token(user, scope) if user else ""
        made.append(clients.Client(python, registry_url, token, tmp_path / f"home{len(made)}"))
        return made[-1]

    yield make
    for client in made:
        client.close()
