"""Checks of a whole instance whose parts are killed in the middle: each run ends with one verdict."""

import json
import signal
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from huggingface_hub import HfApi

from registry.instance import secrets
from tests.checks import tiny
from tests.instance import prepared
from tests.instance.instances import Instance, manage, running

pytestmark = pytest.mark.slow

SETTINGS = {"REGISTRY_CHECK_LEASE_SECONDS": "3", "REGISTRY_CHECK_QUIET_SECONDS": "0"}
NAMES = ("one", "two")
PATIENCE_SECONDS = 300


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny.save_llama(folder)
    return folder


class _Watcher:
    """Somebody who uploads, and follows the checks by the API."""

    def __init__(self, instance: Instance) -> None:
        manage(instance.data, "user", "add", "ada", "--email", "ada@example.org")
        self.token = manage(instance.data, "token", "add", "ada", "--scope", "write").stdout.strip()
        self.address = f"http://127.0.0.1:{instance.port}"
        self.revisions: dict[str, str] = {}

    def upload(self, name: str, folder: Path) -> None:
        hub = HfApi(endpoint=self.address, token=self.token)
        hub.create_repo(f"ada/{name}")
        done = hub.upload_folder(repo_id=f"ada/{name}", folder_path=folder)
        self.revisions[name] = done.oid

    def see(self, name: str) -> dict[str, Any]:
        """The checks now; nothing while a part that was killed is on its way back."""
        asked = urllib.request.Request(  # noqa: S310 (the instance's own address)
            f"{self.address}/api/v1/models/ada/{name}/checks/{self.revisions[name]}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with (
            suppress(urllib.error.URLError, TimeoutError, ConnectionError),
            urllib.request.urlopen(asked, timeout=10) as answer,  # noqa: S310
        ):
            return json.load(answer)
        return {"state": "unknown", "progress": None}

    def wait_for_an_attempt(self, *, but: tuple[str, int] = ("", 0)) -> tuple[str, int]:
        """A run and its attempt at the smoke test that has told of a stage, and is not this one."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for name in self.revisions:
                jobs = (self.see(name)["progress"] or {"jobs": []})["jobs"]
                for job in jobs:
                    found = (name, job["attempt"])
                    is_smoke = job["kind"] == "smoke" and job["state"] == "running"
                    if is_smoke and job["events"] and found != but:
                        return found
            time.sleep(0.1)
        raise AssertionError("no smoke test runs")

    def wait_for_the_ends(self) -> dict[str, str]:
        """The verdicts, once there is one of each."""
        seen = {name: self.see(name) for name in self.revisions}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(one["state"] != "finished" for one in seen.values()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.5)
            seen = {name: self.see(name) for name in self.revisions}
        return {name: one["verdict"] for name, one in seen.items()}


def _sandboxed(instance: Instance) -> list[psutil.Process]:
    """The program that opens a model and what shuts it in, once they are there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = []
        for process in psutil.Process(instance.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                words = process.cmdline()
                if any(word.endswith("registry/checks/smoke") for word in words) and not any(
                    "bwrap" in word for word in words[:1]
                ):
                    found.append(process)
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("no program opens a model")


def _kill(*processes: psutil.Process) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


def _rows(instance: Instance, query: str) -> dict[str, int]:
    with psycopg.connect(secrets.read(instance.data, secrets.DATABASE_URL)) as database:
        return dict(database.execute(query).fetchall())


def test_worker_scheduler_sandbox_and_database_are_killed_and_each_run_has_one_verdict(
    tmp_path: Path, model: Path
):
    prepared.copy_to(tmp_path / "data")
    with running(tmp_path / "data", env=SETTINGS) as instance:
        ada = _Watcher(instance)
        for name in NAMES:
            ada.upload(name, model)

        first = ada.wait_for_an_attempt()
        shut_in = _sandboxed(instance)
        _kill(instance.part("beat-schedule"), instance.part("celery", "smoke"))
        psutil.wait_procs(shut_in, timeout=30)
        assert not any(process.is_running() for process in shut_in)
        second = ada.wait_for_an_attempt(but=first)
        shut_in = _sandboxed(instance)
        _kill(*shut_in)
        psutil.wait_procs(shut_in, timeout=30)
        ada.wait_for_an_attempt(but=second)
        _kill(instance.part("postgres", "-D"))
        verdicts = ada.wait_for_the_ends()

        assert set(verdicts.values()) <= {"passed", "warned", "blocked"}
        runs = _rows(instance, "SELECT state, count(*) FROM checks_checkrun GROUP BY state")
        ends = _rows(
            instance,
            "SELECT subject, count(*) FROM audit_entry WHERE event = 'checks.finish'"
            " GROUP BY subject",
        )
        crashes = _rows(
            instance,
            "SELECT check_id, count(*) FROM checks_findingrow WHERE check_id = 'RUN-CRASH'"
            " GROUP BY check_id",
        )
        assert set(ends.values()) == {1}
        assert runs["finished"] == len(ends)
        assert set(runs) <= {"finished", "superseded"}
        assert crashes == {"RUN-CRASH": 1}
        assert manage(instance.data, "audit", "verify").returncode == 0
