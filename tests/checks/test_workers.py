"""Real workers at a real broker, killed and cut off in the middle of their work."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
import redis
from django.conf import settings as site
from django.db import connection

from registry.audit import log
from registry.audit.models import Entry
from registry.catalog import files
from registry.checks import profiles, reports, runs, tasks
from registry.checks.models import CheckRun, Job, JobKind, JobState, RunState, Verdict
from registry.instance.processes import spawn, stop
from tests import factories, stores
from tests.checks import tiny

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LEASE_SECONDS = 3
PATIENCE_SECONDS = 300
SOURCE = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(site.CELERY_BROKER_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def _database() -> str:
    url = urlsplit(os.environ["REGISTRY_DATABASE_URL"])
    return urlunsplit(url._replace(path=connection.settings_dict["NAME"]))


@pytest.fixture
def start_machine(
    broker: redis.Redis, bucket: None, tmp_path: Path
) -> Iterator[Callable[[str], subprocess.Popen]]:
    """Starts workers for smoke tests as on a machine of its own: it has the addresses of database,
    broker and bucket, a folder that is empty, and nothing else of the site."""
    with ExitStack() as stack:
        output = stack.enter_context((tmp_path / "machines.log").open("ab"))

        def start(name: str) -> subprocess.Popen:
            place = tmp_path / name
            place.mkdir()
            env = {
                **stores.variables(site.S3, site.S3_PREFIX.rstrip("/")),
                "PATH": os.environ["PATH"],
                "REGISTRY_DATABASE_URL": _database(),
                "REGISTRY_BROKER_URL": site.CELERY_BROKER_URL,
                "REGISTRY_DATA_DIR": str(place / "data"),
                "REGISTRY_WORKER_NAME": name,
                "REGISTRY_CHECK_LEASE_SECONDS": str(LEASE_SECONDS),
            }
            command = [
                sys.executable, str(SOURCE / "manage.py"), "worker", "start", "--queues", "smoke.cpu",
            ]  # fmt: skip
            worker = spawn(command, on_orphaned=signal.SIGKILL, output=output, env=env, cwd=place)
            stack.callback(stop, worker, signal.SIGTERM, seconds=30)
            return worker

        yield start


@pytest.fixture
def start_worker(broker: redis.Redis, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen]]:
    """Starts a worker for the queues of checks, on the database of the test."""
    env = {
        **os.environ,
        "REGISTRY_DATABASE_URL": _database(),
        "REGISTRY_CHECK_LEASE_SECONDS": str(LEASE_SECONDS),
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    command = [
        sys.executable, "-m", "celery", "--quiet", "--app", "registry.instance.worker", "worker",
        "--queues", "scan,smoke.cpu", "--concurrency", "1", "--without-gossip", "--without-mingle",
        "--without-heartbeat",
    ]  # fmt: skip
    with ExitStack() as stack:
        output = stack.enter_context((tmp_path / "worker.log").open("ab"))

        def start() -> subprocess.Popen:
            worker = spawn(command, on_orphaned=signal.SIGKILL, output=output, env=env, cwd=SOURCE)
            stack.callback(stop, worker, signal.SIGTERM, seconds=30)
            return worker

        yield start


@pytest.fixture
def run(tmp_path: Path, settings) -> CheckRun:
    """The run of a real, tiny model, not begun."""
    settings.CHECK_QUIET_SECONDS = 0
    repository = factories.make_repository()
    maintainer = factories.as_caller(factories.make_maintainer())
    profiles.assign(repository, "structural", by=maintainer)
    content = tiny.save_llama(tmp_path / "model")
    revision = factories.make_revision(repository, files={"README.md": factories.CARD, **content})
    return CheckRun.objects.get(revision=revision)


def _sweep_until(reached: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Be the scheduler until it is so."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, [
            (job.kind, job.state, job.attempt, job.note, job.progress) for job in Job.objects.all()
        ]
        tasks.sweep()
        time.sleep(0.3)


def _job(run: CheckRun, kind: JobKind) -> Job:
    return Job.objects.get(run=run, kind=kind)


def _is_finished(run: CheckRun) -> bool:
    run.refresh_from_db()
    return run.state == RunState.FINISHED


def _is_at_work(run: CheckRun) -> bool:
    job = _job(run, JobKind.SMOKE)
    return job.state == JobState.RUNNING and bool(job.progress)


def _break_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_machine_killed_in_the_middle_of_a_smoke_test_is_replaced_and_there_is_one_verdict(
    start_machine, run, tmp_path
):
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    worker = start_machine("one")
    _sweep_until(lambda: _is_at_work(run))
    below = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    worker.wait()

    _sweep_until(lambda: _job(run, JobKind.SMOKE).state == JobState.QUEUED)
    seen = reports.progress_of(run)["jobs"][1]
    assert seen["note"] == "The worker was lost; the test runs again (attempt 2)."
    psutil.wait_procs(below, timeout=30)
    assert not any(process.is_running() for process in below)

    start_machine("two")
    _sweep_until(lambda: _is_finished(run))

    smoke = _job(run, JobKind.SMOKE)
    assert (smoke.attempt, smoke.state) == (2, JobState.DONE)
    assert smoke.host is not None
    assert smoke.host.name == "two"
    copies = {path.name for path in (tmp_path / "two/data/cache/blobs").iterdir()}
    assert copies == {file.sha256 for file in files.files_of(run.revision)}
    assert (run.verdict, runs.holds(run.revision)) == (Verdict.PASSED, [])
    assert Entry.objects.filter(event="checks.finish").count() == 1
    assert {stage["name"]: stage["status"] for stage in run.report["stages"]}["load"] == "done"
    assert run.report["isolation"]["level"] >= 2
    assert log.verify().problems == []


def test_a_worker_cut_off_and_asked_to_stop_finishes_what_it_is_at_and_nothing_is_lost(
    start_worker, broker, run
):
    worker = start_worker()
    others = [CheckRun.objects.get(revision=factories.make_revision()) for _ in range(3)]
    _sweep_until(lambda: _is_at_work(run))

    broker.flushdb()
    _break_connections()
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=PATIENCE_SECONDS)

    assert _is_finished(run)
    assert run.verdict == Verdict.PASSED
    assert set(Job.objects.filter(run=run).values_list("attempt", flat=True)) == {1}
    start_worker()
    _sweep_until(lambda: all(map(_is_finished, others)))
    assert all(other.verdict for other in others)
    # Nor does it cost the next one, which would use the connection that the last has left
    _break_connections()
    after = CheckRun.objects.get(revision=factories.make_revision())
    _sweep_until(lambda: _is_finished(after))
    assert _job(after, JobKind.SCAN).attempt == 1
