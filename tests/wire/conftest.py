"""A live registry for the real client: gunicorn, as an instance runs it, on the test database."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from registry.accounts.models import User
from registry.instance.processes import free_port, stop
from tests import stores
from tests.factories import make_token
from tests.wire import broken, clients

ROOT = Path(__file__).parents[2]
BUCKET_PREFIX = "wire"


@dataclass(frozen=True)
class Server:
    """gunicorn with one worker process."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def serving(log: Path, **variables: str) -> Iterator[Server]:
    """A running registry that sees what transactional tests commit."""
    port = free_port()
    database = urlsplit(os.environ["REGISTRY_DATABASE_URL"])._replace(
        path="/" + str(connection.settings_dict["NAME"])
    )
    command = [sys.executable, "-m", "gunicorn", "--workers", "1"]
    command += ["--config", str(ROOT / "registry/instance/gunicorn_conf.py")]
    command += ["--bind", f"127.0.0.1:{port}"]
    environment = {
        **os.environ,
        "REGISTRY_DATABASE_URL": urlunsplit(database),
        "REGISTRY_SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "registry.settings",
        "REGISTRY_WEBHOOK_ALLOW": "127.0.0.0/8",
        "REGISTRY_DATASETS": "true",
        **variables,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        made = Server(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait(made)
            yield made
        finally:
            stop(process, signal.SIGTERM, seconds=10)


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("gunicorn") / "log") as made:
        yield made


@pytest.fixture(scope="session")
def bucket_server(
    django_db_setup: None, s3_server: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The same with its bytes in a bucket, which downloads are handed to."""
    variables = stores.variables(s3_server, BUCKET_PREFIX)
    with serving(tmp_path_factory.mktemp("gunicorn") / "log", **variables) as made:
        yield made


@pytest.fixture
def registry_url(request: pytest.FixtureRequest) -> str:
    """The registry to talk to. `in_each_storage` runs a test on a folder and on a bucket."""
    if getattr(request, "param", "local") == "local":
        return str(request.getfixturevalue("server").url)
    test_settings = request.getfixturevalue("settings")
    test_settings.S3 = request.getfixturevalue("s3_server")
    test_settings.S3_PREFIX = f"{BUCKET_PREFIX}/"
    test_settings.STORAGE = test_settings.DOWNLOADS = "s3"
    return str(request.getfixturevalue("bucket_server").url)


def _wait(server: Server) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=2):  # noqa: S310 - ours
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(server.log.read_text(errors="replace"))


@pytest.fixture
def cutting(registry_url: str) -> Iterator[Callable[[int], str]]:
    """`cutting(n)`: the address of a way to the registry that breaks once, after n bytes."""
    opened: list[broken.Line] = []

    def make(after: int) -> str:
        opened.append(broken.Line(registry_url, cut_after=after))
        return opened[-1].url

    yield make
    for line in opened:
        line.close()


@pytest.fixture(
    params=[
        clients.NEWEST,
        *(
            pytest.param(version, id=version.client, marks=pytest.mark.clients)
            for version in clients.under_test()
        ),
    ]
)
def python(request: pytest.FixtureRequest) -> Path:
    """The interpreter that has the client in the version under test."""
    if request.param == clients.NEWEST:
        return clients.newest_python()
    return clients.python_of(request.param)


@pytest.fixture
def client_of(
    python: Path, registry_url: str, tmp_path: Path
) -> Iterator[Callable[..., clients.Client]]:
    """`client_of(user)` or `client_of(None)`: that person's client, with a cache of its own."""
    made: list[clients.Client] = []

    def make(
        user: User | None, scope: str = "write", through: str = "", by_lfs: bool = False
    ) -> clients.Client:
        token = make_token(user, scope) if user else ""
        home = tmp_path / f"home{len(made)}"
        address = through or registry_url
        made.append(clients.Client(python, address, token, home, by_lfs=by_lfs))
        return made[-1]

    yield make
    for client in made:
        client.close()
