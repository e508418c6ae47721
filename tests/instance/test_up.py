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
from tests.instance.instances import Instance, manage, running

pytestmark = pytest.mark.slow


def _all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_an_instance_outlives_kills_and_ends_and_continues_with_the_same_data(tmp_path: Path):
    """One life of an instance, since each start takes its time: a first start, a kill of its parts,
    Ctrl-C, a kill of its supervisor alone, and one of everything."""
    data = tmp_path / "data"
    with running(data, "--demo") as instance:
        passwords = _passwords_of_demo_people(instance.log.read_text())
        added = manage(data, "user", "add", "ada", "--email", "ada@example.org")
        assert added.returncode == 0, added.stderr
        _a_second_start_is_refused_with_who_runs_it(instance)
        _killed_parts_are_started_again_and_the_site_recovers(instance)
        tree = instance.tree()

        assert instance.stop() == 0

        assert _all_gone(tree)
        assert "Stopped. Nothing is lost" in instance.log.read_text()
    for kills_all in (False, True):
        with running(data, "--demo") as instance:
            assert _all_gone(tree)
            _ada_is_known(data)
            tree = instance.tree()
            for process in tree if kills_all else tree[:1]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            instance.process.wait()
    with running(data) as instance:
        assert _all_gone(tree)
        _ada_is_known(data)
    for password in passwords:
        assert instance.log.read_text().count(password) == 1


def _passwords_of_demo_people(log: str) -> list[str]:
    found = []
    for name in ("contributor", "maintainer", "steward1", "steward2", "reader"):
        [line] = [line for line in log.splitlines() if f"|     {name} " in line]
        found.append(line.split()[-1])
        assert len(found[-1]) >= 16
    return found


def _a_second_start_is_refused_with_who_runs_it(instance: Instance) -> None:
    data = instance.data
    second = manage(data, "up", "--data", str(data), "--port", str(free_port()))

    assert second.returncode == 1
    assert f"is running already (process {instance.process.pid})" in second.stderr
    assert instance.is_ready()


def _killed_parts_are_started_again_and_the_site_recovers(instance: Instance) -> None:
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


def _ada_is_known(data: Path) -> None:
    token = manage(data, "token", "add", "ada", "--scope", "read")
    assert token.stdout.startswith("hf_"), token.stderr


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = manage(
            tmp_path / "data", "up", "--data", str(tmp_path / "data"), "--port", str(port)
        )

    assert refused.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken by another program." in refused.stdout
    assert not (tmp_path / "data" / "postgres").exists()


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
