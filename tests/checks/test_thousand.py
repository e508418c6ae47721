"""A thousand runs through real claims of several processes, some of which are killed on the way."""

import multiprocessing
import os
import signal
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from registry.audit import log
from registry.audit.models import Entry
from registry.catalog.models import RepositoryType, Revision
from registry.checks import queues, runs
from registry.checks.findings import info
from registry.checks.models import CheckRun, FindingRow, Job, JobKind, JobState, Queue, RunState
from registry.checks.slots import Slot
from tests import factories

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

RUNS = 1000
PROCESSES = 3
KILLED_AFTER = 100


def _queue_all(bases: list[Revision]) -> None:
    """Revisions like these, of datasets: their runs end with the scan."""
    now = timezone.now()
    revisions = Revision.objects.bulk_create(
        Revision(
            repository=base.repository,
            oid=f"{number:040x}",
            tree=base.tree,
            author=base.author,
            committed_at=now,
            manifest_digest="0" * 64,
        )
        for number, base in enumerate(bases[number % len(bases)] for number in range(RUNS))
    )
    found = CheckRun.objects.bulk_create(
        CheckRun(revision=revision, queued_at=now) for revision in revisions
    )
    due = {"state": JobState.QUEUED, "due_at": now - timedelta(seconds=1)}
    Job.objects.bulk_create(Job(run=run, kind=JobKind.SCAN, **due) for run in found)
    Job.objects.bulk_create(Job(run=run, kind=JobKind.SMOKE) for run in found)


def _work(device: str, dies_at: int) -> None:
    """A worker's life: take back what the one before it lost, then claim until nothing is left. One
    that is to die does it with a job in its hands."""
    slot = Slot("machine", device)
    runs.take_back_of(slot)
    for number in range(RUNS):
        job = runs.claim_next(Queue.SCAN, worker=f"{device} {os.getpid()}", slot=slot)
        if job is None:
            if not queues.claimable(Queue.SCAN, now=timezone.now()):
                return
            continue
        if number == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        assert runs.finish(job, runs.Outcome([info("PERF", f"Done by {device}.")]))


def _start(device: str, *, dies_at: int = -1) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=_work, args=(device, dies_at))
    process.start()
    return process


def test_of_a_thousand_runs_none_is_lost_and_none_is_done_twice(settings):
    settings.REPOSITORY_TYPES = [RepositoryType.MODEL, RepositoryType.DATASET]
    settings.CHECK_CONCURRENT = settings.CHECK_DAILY_MINUTES = 0
    datasets = [factories.make_repository(type=RepositoryType.DATASET) for _ in range(PROCESSES)]
    bases = [factories.make_revision(dataset) for dataset in datasets]
    CheckRun.objects.all().delete()
    _queue_all(bases)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE checks_job, checks_checkrun, catalog_revision")
    connections.close_all()

    workers = [_start(f"scan:{number}", dies_at=KILLED_AFTER) for number in range(PROCESSES)]
    for number, worker in enumerate(workers):
        worker.join()
        assert worker.exitcode == -signal.SIGKILL
        workers[number] = _start(f"scan:{number}")
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0

    found = Counter(CheckRun.objects.values_list("state", "verdict"))
    assert found == {(RunState.FINISHED, "passed"): RUNS}
    assert FindingRow.objects.count() == RUNS
    assert Entry.objects.filter(event="checks.finish").count() == RUNS
    attempts = Counter(Job.objects.filter(kind=JobKind.SCAN).values_list("attempt", flat=True))
    assert attempts == {1: RUNS - PROCESSES, 2: PROCESSES}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT run_id) FROM checks_findingrow")
        assert cursor.fetchone() == (RUNS,)
    assert log.verify().problems == []
