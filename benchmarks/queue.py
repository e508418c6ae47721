"""Many small uploads through the queue of scans: how long, in which order, and whether all end."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from benchmarks import instance
from benchmarks.instance import SOURCE, Instance
from benchmarks.report import Table
from registry.instance import secrets
from registry.instance.processes import stop

# One namespace brings nearly all of them; others come when those wait already
LATE_NAMESPACES, LATE_EACH = 3, 5
PROCESSES = 2
LIVE = "SELECT 1 FROM checks_checkrun WHERE state IN ('queued', 'running') LIMIT 1"


def measure(folder: Path, *, quick: bool) -> list[Table]:
    count = 40 if quick else 1000
    table = Table(
        "Small uploads through the queue",
        ["scan processes", "uploads", "seconds", "a second", "one verdict each", "late ones by"],
        notes=[
            "Data sets of one card, nearly all of one namespace; of these only the first is pushed, "
            f"the others are rows like it. {LATE_NAMESPACES} other namespaces with "
            f"{LATE_EACH} uploads each queue last; *late ones by* says how many runs had ended when "
            "the last of theirs had. Under a plain queue it would be all of them.",
            "Real workers at a real broker, until every run has its verdict, report, statement and "
            "entry in the audit log; nothing is uploaded while they work.",
        ],
    )
    switched_on = {"REGISTRY_DATASETS": "true", "REGISTRY_CHECK_CONCURRENT": "0"}
    with instance.running(folder, env=switched_on) as running:
        late = {"late_namespaces": LATE_NAMESPACES, "late_each": LATE_EACH}
        running.make("waiting", count=count, **late)
        seconds, found = _drain(running, folder, processes=PROCESSES)
    all_of_them = count + LATE_NAMESPACES * LATE_EACH
    right = f"{found['right']} of {all_of_them}"
    table.add(PROCESSES, all_of_them, seconds, all_of_them / seconds, right, found["late_by"])
    return [table]


def _drain(running: Instance, folder: Path, *, processes: int) -> tuple[float, dict[str, int]]:
    """Start workers and a scheduler, and wait until nothing is left to do."""
    with (folder / "workers.log").open("wb") as log:
        began = time.monotonic()
        programs = [
            _start(running, log.fileno(), "manage.py", "worker", "start", "--queues", f"scan={processes}"),
            _start(running, log.fileno(), "-m", "celery", "--app", "registry.celery", "worker",
                   "--queues", "default", "--pool", "solo", "--without-mingle"),
            _start(running, log.fileno(), "-m", "celery", "--app", "registry.celery", "beat",
                   "--schedule", str(folder / "beat"), "--pidfile", ""),
        ]  # fmt: skip
        try:
            # By one query: to start a program that asks takes processor time from those who work
            with psycopg.connect(secrets.read(running.data, secrets.DATABASE_URL)) as asking:
                asking.autocommit = True
                while asking.execute(LIVE).fetchone():
                    time.sleep(2)
            found = running.make("ended")
            # Between the first claim and the last verdict, without the start of the programs
            return found.pop("seconds"), found
        finally:
            for program in programs:
                stop(program, signal.SIGTERM, seconds=60)
            print(f"queue: {time.monotonic() - began:.0f} s", file=sys.stderr)


def _start(running: Instance, log: int, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=SOURCE,
        env=running.environment,
        stdout=log,
        stderr=log,
    )
