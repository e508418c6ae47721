"""A pytest plugin, loaded first: the services that the tests talk to, started once for all workers.

The process that pytest was started in runs a throw-away PostgreSQL and Valkey in a temporary
folder; xdist workers use the same servers through the environment, each with databases of its own.
REGISTRY_TEST_DATABASE_URL names another PostgreSQL, whose user may create databases.
"""

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from registry.instance.postgres import Postgres, embedded_bindir
from registry.instance.processes import free_port, stop
from registry.instance.valkey import Valkey, embedded_binary

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_running: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
_folder = Path()


def _use(postgres_url: str, broker_url: str, folder: Path) -> None:
    for name in [name for name in os.environ if name.startswith("REGISTRY_")]:
        if not name.startswith("REGISTRY_TEST"):
            del os.environ[name]  # a developer's own instance is none of the tests' business
    os.environ["REGISTRY_DATA_DIR"] = str(folder / "data")
    os.environ["REGISTRY_SECRET_KEY"] = secrets.token_urlsafe(48)
    os.environ["REGISTRY_DATABASE_URL"] = postgres_url
    os.environ["REGISTRY_BROKER_URL"] = broker_url
    os.environ["REGISTRY_TESTS_FOLDER"] = str(folder)
    (folder / "data").mkdir(mode=0o700)


def _services(folder: Path) -> tuple[Postgres, Valkey]:
    postgres = Postgres(
        folder=folder / "postgres",
        port=free_port(),
        password=secrets.token_urlsafe(24),
        bindir=embedded_bindir(),
        throw_away=True,
    )
    valkey = Valkey(
        folder=folder / "valkey",
        port=free_port(),
        password=secrets.token_urlsafe(24),
        binary=embedded_binary(),
    )
    return postgres, valkey


if _WORKER:
    _number = int(_WORKER.removeprefix("gw")) + 1
    _folder = Path(os.environ["REGISTRY_TESTS_FOLDER"]) / _WORKER
    _folder.mkdir()
    _broker = urlsplit(os.environ["REGISTRY_BROKER_URL"])._replace(path=f"/{_number % 16}")
    _use(os.environ["REGISTRY_DATABASE_URL"], urlunsplit(_broker), _folder)
else:
    _folder = Path(tempfile.mkdtemp(prefix="registry-tests-"))
    _postgres, _valkey = _services(_folder)
    _elsewhere = os.environ.get("REGISTRY_TEST_DATABASE_URL", "")
    _use(_elsewhere or _postgres.url(), _valkey.url(), _folder)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if _WORKER or session.config.option.collectonly:
        return
    if not _elsewhere:
        _postgres.create()
        process = _postgres.start_and_wait(_folder / "postgres.log")
        _running.append((process, signal.SIGINT))
        _postgres.ensure_database()
    with (_folder / "valkey.log").open("wb") as output:
        process = _valkey.start(output)
    _running.append((process, signal.SIGTERM))
    if not _valkey.wait_until_ready(process):
        raise pytest.UsageError(f"Valkey did not start: {(_folder / 'valkey.log').read_text()}")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    while _running:
        process, with_signal = _running.pop()
        stop(process, with_signal, seconds=10)


def _clean_up() -> None:
    pytest_unconfigure()
    shutil.rmtree(_folder, ignore_errors=True)


if not _WORKER:
    atexit.register(_clean_up)  # also where pytest ends before it has begun
