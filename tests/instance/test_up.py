"""A whole instance, as an operator starts, stops and kills it."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest

from registry.instance.processes import free_port
from tests.instance.instances import manage, running

pytestmark = pytest.mark.slow


def _all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_ctrl_c_ends_every_part_and_the_next_start_continues_with_the_same_data(tmp_path: Path):
    data = tmp_path / "data"
    with running(data) as instance:
        added = manage(data, "user", "add", "ada", "--email", "ada@example.org")
        assert added.returncode == 0, added.stderr
        tree = instance.tree()

        assert instance.stop() == 0

        assert _all_gone(tree)
        assert "Stopped. Nothing is lost" in instance.log.read_text()
    with running(data):
        token = manage(data, "token", "add", "ada", "--scope", "read")
    assert token.stdout.startswith("hf_"), token.stderr


def test_a_second_start_on_the_same_data_is_refused_with_who_runs_it(tmp_path: Path):
    data = tmp_path / "data"
    with running(data) as instance:
        second = manage(data, "up", "--data", str(data), "--port", str(free_port()))

        assert second.returncode == 1
        assert f"is running already (process {instance.process.pid})" in second.stderr
        assert instance.is_ready()


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = manage(
            tmp_path / "data", "up", "--data", str(tmp_path / "data"), "--port", str(port)
        )

    assert refused.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken by another program." in refused.stdout
    assert not (tmp_path / "data" / "postgres").exists()


def test_killed_parts_are_started_again_and_the_site_recovers(tmp_path: Path):
    with running(tmp_path / "data") as instance:
        killed = [
            instance.part("postgres", "-D"),
            instance.part("valkey-server"),
            instance.part("gunicorn"),
            instance.part("celery", "worker@%h"),
        ]
        for process in killed:
            process.kill()
        psutil.wait_procs(killed, timeout=10)

        instance.wait_until_ready()

        assert instance.part("celery", "worker@%h").pid not in {p.pid for p in killed}
        for name in ("database", "broker", "web", "worker"):
            assert f"{name} was ended by SIGKILL" in instance.log.read_text()


@pytest.mark.parametrize("whole_tree", [True, False], ids=["whole tree", "supervisor alone"])
def test_a_kill_loses_nothing_and_leaves_nothing_in_the_way(tmp_path: Path, whole_tree: bool):
    data = tmp_path / "data"
    with running(data) as instance:
        added = manage(data, "user", "add", "ada", "--email", "ada@example.org")
        assert added.returncode == 0, added.stderr
        tree = instance.tree()
        for process in tree if whole_tree else tree[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        instance.process.wait()
    with running(data):
        assert _all_gone(tree)
        token = manage(data, "token", "add", "ada", "--scope", "read")
    assert token.stdout.startswith("hf_"), token.stderr


def test_demo_people_get_passwords_that_are_printed_once(tmp_path: Path):
    data = tmp_path / "data"
    with running(data, "--demo") as instance:
        first = instance.log.read_text()
    with running(data, "--demo"):
        both = instance.log.read_text()

    for name in ("contributor", "maintainer", "steward1", "steward2", "reader"):
        [line] = [line for line in first.splitlines() if f"|     {name} " in line]
        password = line.split()[-1]
        assert len(password) >= 16
        assert both.count(password) == 1


def test_a_site_with_its_own_database_and_broker_runs_neither_of_ours(tmp_path: Path):
    name = "up_with_its_own_database"
    url = os.environ["REGISTRY_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    own = {
        "REGISTRY_DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}")),
        "REGISTRY_BROKER_URL": os.environ["REGISTRY_BROKER_URL"],
    }
    with running(tmp_path / "data", env=own) as instance:
        words = {word for process in instance.tree() for word in process.cmdline()}

    assert not any("postgres" in word or "valkey" in word for word in words)
    assert not (tmp_path / "data" / "postgres").exists()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
