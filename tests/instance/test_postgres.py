"""The embedded PostgreSQL: it starts, keeps what it was told, and survives being killed."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from registry.instance.postgres import Postgres, embedded_bindir
from registry.instance.processes import InstanceError, free_port, stop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(
        folder=tmp_path / "postgres",
        port=free_port(),
        password="p w/'\\:@%",
        bindir=embedded_bindir(),
        throw_away=True,
    )
    server.create()
    yield server
    server.end_leftover()


def test_what_was_written_survives_a_kill_of_the_server(server: Postgres, tmp_path: Path):
    process = server.start_and_wait(tmp_path / "log")
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        connection.execute("SET LOCAL synchronous_commit TO on")
    process.kill()
    process.wait()

    again = server.start_and_wait(tmp_path / "log")

    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    stop(again, signal.SIGINT, seconds=10)


def test_nobody_comes_in_without_the_password(server: Postgres, tmp_path: Path):
    process = server.start_and_wait(tmp_path / "log")
    with pytest.raises(psycopg.OperationalError, match="authentication"):
        psycopg.connect(f"postgresql://registry:wrong@127.0.0.1:{server.port}/postgres")
    stop(process, signal.SIGINT, seconds=10)


def test_a_lock_file_of_some_other_program_does_not_block_the_start(
    server: Postgres, tmp_path: Path
):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (server.folder / "postmaster.pid").write_text(f"{other.pid}\n{server.folder}\n")

    process = server.start_and_wait(tmp_path / "log")

    assert server.answers()
    stop(process, signal.SIGINT, seconds=10)
    other.kill()
    other.wait()


def test_an_interrupted_creation_is_begun_again(tmp_path: Path):
    server = Postgres(tmp_path / "pg", free_port(), "secret", embedded_bindir(), throw_away=True)
    (tmp_path / "pg.new" / "base").mkdir(parents=True)

    server.create()

    assert server.exists()
    assert not (tmp_path / "pg.new").exists()


def test_a_cluster_of_another_version_is_refused_with_what_to_do(server: Postgres):
    (server.folder / "PG_VERSION").write_text("9\n")
    with pytest.raises(InstanceError, match="made by PostgreSQL 9"):
        server.create()


def test_the_database_ends_when_the_process_that_started_it_is_killed(
    server: Postgres, tmp_path: Path
):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from registry.instance.postgres import Postgres\n"
        "folder, port, password, bindir, log = sys.argv[1:]\n"
        "server = Postgres(Path(folder), int(port), password, Path(bindir), throw_away=True)\n"
        "server.start_and_wait(Path(log))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    arguments = [server.folder, server.port, server.password, server.bindir, tmp_path / "log"]
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        parent.kill()

    server.end_leftover()

    assert not server.answers()
    assert not (server.folder / "postmaster.pid").exists()
