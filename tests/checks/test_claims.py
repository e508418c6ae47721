"""One worker has a job at a time, for as long as its lease lasts."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from registry.checks import leases, runs
from registry.checks.findings import block
from registry.checks.models import CheckRun, FindingRow, Job, JobKind, JobState, RunState
from tests import factories

pytestmark = pytest.mark.django_db


def _run() -> CheckRun:
    return CheckRun.objects.get(revision=factories.make_revision())


def _expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_of_twenty_workers_that_reach_for_a_job_at_once_one_gets_it():
    run = _run()
    Job.objects.filter(run=run, kind=JobKind.SCAN).update(due_at=timezone.now())
    job_id = Job.objects.get(run=run, kind=JobKind.SCAN).pk
    start = threading.Barrier(20)

    def reach(number: int) -> bool:
        start.wait()
        try:
            return runs.claim(job_id, worker=f"worker {number}") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as workers:
        won = list(workers.map(reach, range(20)))

    job = Job.objects.get(pk=job_id)
    assert won.count(True) == 1
    assert (job.attempt, job.worker) == (1, f"worker {won.index(True)}")


@pytest.mark.django_db(transaction=True)
def test_of_twenty_workers_that_reach_for_a_lost_job_at_once_one_gets_it():
    job = factories.claim_job(_run())
    _expire(job)
    start = threading.Barrier(20)

    def reach(number: int) -> bool:
        start.wait()
        try:
            return runs.claim(job.pk, worker=f"worker {number}") is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as workers:
        won = list(workers.map(reach, range(20)))

    assert won.count(True) == 1
    assert Job.objects.get(pk=job.pk).attempt == 2


def test_a_claim_begins_the_run():
    run = _run()

    job = factories.claim_job(run)

    run.refresh_from_db()
    assert (run.state, job.state, job.attempt) == (RunState.RUNNING, JobState.RUNNING, 1)
    assert run.started_at is not None
    assert job.lease_until > timezone.now()


def test_a_job_is_not_claimed_twice_while_its_lease_lasts():
    job = factories.claim_job(_run())

    assert runs.claim(job.pk, worker="another") is None


def test_a_job_is_claimed_again_once_its_lease_has_ended_and_says_so():
    job = factories.claim_job(_run())
    _expire(job)

    again = runs.claim(job.pk, worker="another")

    assert again is not None
    assert (again.attempt, again.worker) == (2, "another")
    assert again.note == "The worker was lost; the test runs again (attempt 2)."


def test_a_renewed_lease_is_not_taken_away():
    job = factories.claim_job(_run())
    _expire(job)

    assert runs.renew(job)

    assert runs.claim(job.pk, worker="another") is None
    assert runs.take_back_lost() == 0


def test_an_attempt_that_lost_its_lease_writes_nothing_any_more():
    stale = factories.claim_job(_run())
    _expire(stale)
    current = runs.claim(stale.pk, worker="another")
    found = runs.Outcome([block("W-FINITE", "A value is not a number.")])

    assert not runs.renew(stale)
    assert not runs.write_progress(stale, [{"stage": "scan"}])
    assert not runs.fail(stale, reason="Too late")
    assert not runs.finish(stale, found)

    assert not FindingRow.objects.filter(run=stale.run).exists()
    assert runs.finish(current, runs.Outcome([]))


def test_an_outcome_is_written_once():
    job = factories.claim_job(_run())
    found = runs.Outcome([block("W-FINITE", "A value is not a number.")])

    assert [runs.finish(job, found), runs.finish(job, found)] == [True, False]
    assert FindingRow.objects.filter(run=job.run).count() == 1


def test_a_waiting_job_cannot_be_claimed():
    smoke = Job.objects.get(run=_run(), kind=JobKind.SMOKE)

    assert runs.claim(smoke.pk, worker="eager") is None


def test_a_job_that_was_tried_often_enough_is_not_claimed_again():
    job = factories.claim_job(_run())
    Job.objects.filter(pk=job.pk).update(attempt=runs.MAX_ATTEMPTS)
    _expire(job)

    assert runs.claim(job.pk, worker="another") is None


def test_work_on_a_lost_lease_is_told_to_stop():
    job = factories.claim_job(_run())
    lease = leases.Lease(job)
    lease.tell("scan", "started")
    _expire(job)
    runs.claim(job.pk, worker="another")

    with pytest.raises(leases.LeaseLost):
        lease.tell("load", "started")


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_for_as_long_as_the_work_takes(settings):
    settings.CHECK_LEASE_SECONDS = 2
    job = factories.claim_job(_run())

    with leases.keep(job):
        for _ in range(10):
            threading.Event().wait(0.25)
            assert runs.take_back_lost() == 0

    def refuse(*_: object) -> None:
        raise MemoryError

    with connection.execute_wrapper(refuse):
        assert leases.Lease(job)._renew()  # else the work would go on without anybody to renew it
    assert runs.finish(job, runs.Outcome([]))


def test_progress_is_short_and_keeps_the_last_of_each_step():
    job = factories.claim_job(_run())
    lease = leases.Lease(job)
    for number in range(60):
        lease.tell(f"stage {number}", "started")
        for share in range(20):
            lease.tell(f"stage {number}", "progress", done=share / 20)

    job.refresh_from_db()
    assert len(job.progress) == leases.KEPT_EVENTS
    assert job.progress[-1]["stage"] == "stage 59"


def test_the_database_refuses_a_running_job_without_a_lease():
    job = factories.claim_job(_run())

    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(lease_until=None)


def test_the_database_refuses_a_second_live_run_of_a_revision():
    run = _run()

    with pytest.raises(IntegrityError), transaction.atomic():
        CheckRun.objects.create(revision=run.revision, queued_at=timezone.now())


def test_the_database_refuses_a_verdict_of_a_run_that_has_not_finished():
    run = _run()

    with pytest.raises(IntegrityError), transaction.atomic():
        CheckRun.objects.filter(pk=run.pk).update(verdict="passed")
