"""A pytest plugin, loaded first: the services that the tests talk to, started once for all workers.

The process that pytest was started in runs a throw-away PostgreSQL and Valkey in a temporary
folder; xdist workers use the same servers through the environment, each with databases of its own.
REGISTRY_TEST_DATABASE_URL names another PostgreSQL, whose user may create databases.
"""

import atexit
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from registry.instance import throw_away

_services = ExitStack()
atexit.register(_services.close)


def _use(folder: Path, *, database_url: str, broker_url: str) -> None:
    for name in [name for name in os.environ if name.startswith("REGISTRY_")]:
        if not name.startswith("REGISTRY_TEST"):
            del os.environ[name]
    os.environ |= throw_away.environment(folder, database_url=database_url, broker_url=broker_url)


def _start() -> None:
    folder = Path(_services.enter_context(tempfile.TemporaryDirectory(prefix="registry-tests-")))
    elsewhere = os.environ.get("REGISTRY_TEST_DATABASE_URL", "")
    database_url = elsewhere or _services.enter_context(throw_away.database(folder))
    broker_url = _services.enter_context(throw_away.broker(folder))
    _use(folder, database_url=database_url, broker_url=broker_url)
    os.environ["REGISTRY_TESTS_FOLDER"] = str(folder)


def _join(worker: str) -> None:
    """Use what the first process started, with a broker database and a data folder of our own."""
    folder = Path(os.environ["REGISTRY_TESTS_FOLDER"]) / worker
    folder.mkdir()
    number = int(worker.removeprefix("gw")) + 1
    broker = urlsplit(os.environ["REGISTRY_BROKER_URL"])._replace(path=f"/{number % 16}")
    _use(
        folder,
        database_url=os.environ["REGISTRY_DATABASE_URL"],
        broker_url=urlunsplit(broker),
    )


# On import, because settings are read before the first hook that a plugin gets
if worker := os.environ.get("PYTEST_XDIST_WORKER", ""):
    _join(worker)
else:
    _start()


def pytest_unconfigure() -> None:
    _services.close()
