"""Nothing that a worker or the broker loses is lost."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
from django.conf import settings as site
from django.db import connection, transaction
from django.utils import timezone

from registry.audit.models import Entry
from registry.celery import app
from registry.checks import queues, runs, tasks
from registry.checks.models import CheckRun, Job, JobKind, JobState, Queue, RunState, Verdict
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker():
    """The broker's own client, with nothing in the queues."""
    client = redis.Redis.from_url(site.CELERY_BROKER_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def no_broker(monkeypatch):
    """A broker's address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setattr(app.conf, "broker_write_url", f"redis://127.0.0.1:{port}/0")


def _run(**rest) -> CheckRun:
    return CheckRun.objects.get(revision=factories.make_revision(**rest))


def _due_job(run: CheckRun | None = None) -> Job:
    job = Job.objects.get(run=run or _run(), kind=JobKind.SCAN)
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    return job


def _lose(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_job_whose_worker_was_lost_is_queued_again_and_says_so():
    job = factories.claim_job(_run())
    _lose(job)

    assert runs.take_back_lost() == 1

    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 1)
    assert job.note == "The worker was lost; the test runs again (attempt 2)."
    assert queues.next_in(Queue.SCAN, now=timezone.now()) == job.pk


def test_a_job_that_is_lost_three_times_ends_the_run_as_an_error_and_never_as_a_pass():
    run = _run()
    for attempt in (1, 2, 3):
        job = factories.claim_job(run)
        assert job.attempt == attempt
        _lose(job)
        assert runs.take_back_lost() == 1

    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.FINISHED, Verdict.ERROR)
    assert run.reason == "The worker was lost (attempt 3 of 3)."
    assert [job.state for job in run.jobs.all()] == [JobState.FAILED, JobState.SKIPPED]
    assert "not a pass" in runs.holds(run.revision)[0]
    assert Entry.objects.get(event="checks.finish").details["verdict"] == "error"


def test_a_failure_of_ours_is_tried_again_later_each_time():
    run = _run()
    waits = []
    for _ in range(2):
        job = factories.claim_job(run)
        runs.fail(job, reason="The disk was full")
        job.refresh_from_db()
        waits.append(round((job.due_at - timezone.now()).total_seconds()))
        assert job.state == JobState.QUEUED
    runs.fail(factories.claim_job(run), reason="The disk was full")

    run.refresh_from_db()
    assert waits == list(runs.RETRY_SECONDS)
    assert (run.verdict, run.reason) == (Verdict.ERROR, "The disk was full (attempt 3 of 3).")


@pytest.mark.django_db(transaction=True)
def test_a_due_job_wakes_one_worker(broker):
    _due_job()

    tasks.wake()
    tasks.wake()

    assert broker.llen("scan") == 1


@pytest.mark.django_db(transaction=True)
def test_what_was_in_an_emptied_broker_is_sent_again(broker):
    _due_job()
    tasks.sweep()
    assert broker.llen("scan") == 1

    broker.flushdb()
    tasks.sweep()

    assert broker.llen("scan") == 1


@pytest.mark.django_db(transaction=True)
def test_jobs_whose_turn_has_not_come_are_not_sent_again_and_again(broker):
    for _ in range(3):
        _due_job()

    tasks.sweep()
    tasks.sweep()

    assert broker.llen("scan") == 3


@pytest.mark.django_db(transaction=True)
def test_no_more_messages_are_sent_than_workers_could_need(broker, monkeypatch):
    monkeypatch.setattr(tasks, "MOST_MESSAGES", 2)
    for _ in range(3):
        _due_job()

    tasks.sweep()

    assert broker.llen("scan") == 2


@pytest.mark.django_db(transaction=True)
def test_an_upload_and_a_sweep_do_not_fail_while_the_broker_is_down(no_broker, caplog):
    job = _due_job()

    tasks.sweep()

    assert "The broker cannot be reached" in caplog.text
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert runs.claim(job.pk, worker="test") is not None


@pytest.mark.django_db(transaction=True)
def test_a_sweep_leaves_alone_what_another_sweep_is_at():
    job = factories.claim_job(_run())
    _lose(job)

    def take_back() -> int:
        try:
            return runs.take_back_lost()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other, transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        assert other.submit(take_back).result(timeout=10) == 0

    assert runs.take_back_lost() == 1
