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
from django.conf import LazySettings, settings
from django.db import connection

from registry.accounts.models import User
from registry.instance.processes import free_port, stop
from tests import stores
from tests.factories import make_token
from tests.wire import broken, clients
from tests.wire.storages import LOCAL, S3

ROOT = Path(__file__).parents[2]
# What every version that is driven goes through in every run
MAIN_WAY = {"test_round_trip.py", "test_methods.py"}
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
def bucket_line(s3_server: dict[str, str]) -> Iterator[broken.Line]:
    """The way to the bucket that clients take."""
    line = broken.Line(s3_server["endpoint"])
    yield line
    line.close()


@pytest.fixture(scope="session")
def bucket_server(
    django_db_setup: None,
    s3_server: dict[str, str],
    bucket_line: broken.Line,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The same with its bytes in a bucket, which downloads are handed to."""
    there = bucket_line.url.replace("127.0.0.1", "localhost")  # to clients another host than ours
    variables = stores.variables(s3_server | {"public_endpoint": there}, BUCKET_PREFIX)
    with serving(tmp_path_factory.mktemp("gunicorn") / "log", **variables) as made:
        yield made


@pytest.fixture(scope="session")
def server_at_our_host(
    django_db_setup: None, s3_server: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A bucket behind the registry's own host name, where clients would send their tokens too."""
    address = s3_server | {"public_endpoint": s3_server["endpoint"]}
    variables = stores.variables(address, BUCKET_PREFIX)
    with serving(tmp_path_factory.mktemp("gunicorn") / "log", **variables) as made:
        yield made


@pytest.fixture(params=[LOCAL, S3] if clients.drives_all() else [LOCAL])
def registry_url(request: pytest.FixtureRequest) -> str:
    """The registry to talk to. `in_each_storage` runs a test on a folder and on a bucket."""
    if request.param == LOCAL:
        return str(request.getfixturevalue("server").url)
    test_settings = request.getfixturevalue("settings")
    test_settings.S3 = request.getfixturevalue("s3_server")
    test_settings.S3_PREFIX = f"{BUCKET_PREFIX}/"
    test_settings.STORAGE = test_settings.DOWNLOADS = "s3"
    name = "bucket_server" if request.param == S3 else "server_at_our_host"
    return str(request.getfixturevalue(name).url)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where every version is driven, all meet all tests. Else the newest client alone meets a
    bucket, and those in the middle go the main way and no other."""
    if clients.drives_all():
        return
    spared = [item for item in items if _is_older_on_a_bucket(item) or _is_aside(item)]
    if spared:
        config.hook.pytest_deselected(items=spared)
        items[:] = [item for item in items if item not in spared]


def _is_aside(item: pytest.Item) -> bool:
    version = _chosen(item).get("python")
    is_in_the_middle = isinstance(version, clients.Version) and version != clients.OLDEST
    return is_in_the_middle and item.path.name not in MAIN_WAY


def _chosen(item: pytest.Item) -> dict[str, object]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec is not None else {}


def _is_older_on_a_bucket(item: pytest.Item) -> bool:
    chosen = _chosen(item)
    is_older = isinstance(chosen.get("python"), clients.Version)
    return is_older and chosen.get("registry_url", LOCAL) != LOCAL


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
def cutting(
    request: pytest.FixtureRequest, registry_url: str, settings: LazySettings
) -> Iterator[Callable[[int], str]]:
    """`cutting(n)`: the address of a registry from which, or from whose bucket, the way breaks once,
    after n bytes."""
    lines: list[broken.Line] = []
    opened: list[broken.Line] = []

    def make(after: int) -> str:
        if settings.DOWNLOADS == "s3":
            to_bucket: broken.Line = request.getfixturevalue("bucket_line")
            to_bucket.cut(after)
            lines.append(to_bucket)
            return registry_url
        opened.append(broken.Line(registry_url, cut_after=after))
        lines.append(opened[-1])
        return opened[-1].url

    yield make
    for line in opened:
        line.close()
    assert all(line.is_whole for line in lines), "no answer was as long as that"


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
