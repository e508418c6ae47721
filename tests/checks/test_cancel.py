"""Cancelling a run: who may, what becomes of its jobs, and that it can be run again."""

from typing import Any

import pytest

from registry.accounts import callers, tokens
from registry.accounts.callers import Caller
from registry.accounts.models import Role, Scope, User
from registry.audit.models import Entry
from registry.checks import leases, runs
from registry.checks.models import CheckRun, Job, JobKind, JobState, RunState, Verdict
from registry.errors import NotAllowed, NotNow
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> CheckRun:
    return CheckRun.objects.get(revision=factories.make_revision())


def _states(run: CheckRun) -> list[str]:
    return [job.state for job in run.jobs.order_by("pk")]


def test_a_run_that_waits_ends_as_an_error_and_never_as_a_pass(run):
    maintainer = factories.make_maintainer()

    runs.cancel(run, by=factories.as_caller(maintainer), reason=" The wrong\nfiles. ")

    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.FINISHED, Verdict.ERROR)
    assert run.reason == "Cancelled by a site maintainer: The wrong files."
    assert _states(run) == [JobState.SKIPPED, JobState.SKIPPED]
    assert "not a pass" in runs.holds(run.revision)[0]
    entry = Entry.objects.get(event="checks.cancel")
    assert (entry.actor, "wrong" in str(entry.details)) == (maintainer.public_id, False)


def test_the_worker_of_a_cancelled_run_is_told_to_stop_and_writes_nothing(run):
    job = factories.claim_job(run)
    lease = leases.Lease(job)

    runs.cancel(run, by=factories.as_caller(run.revision.author))

    with pytest.raises(leases.LeaseLost):
        lease.tell("scan", "started")
    with pytest.raises(leases.LeaseLost):
        lease.check()
    assert not runs.finish(job, runs.Outcome([]))
    assert not runs.fail(job, reason="Too late")
    run.refresh_from_db()
    assert run.reason == "Cancelled by somebody who may write the repository."
    assert _states(run) == [JobState.FAILED, JobState.SKIPPED]
    assert Entry.objects.filter(event="checks.finish").count() == 1


def test_a_scan_that_is_through_stays_so(run):
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    factories.claim_job(run, JobKind.SMOKE)

    runs.cancel(run, by=factories.as_caller(run.revision.author))

    assert _states(run) == [JobState.DONE, JobState.FAILED]


def test_a_cancelled_run_can_be_run_again_by_its_author(run):
    author = factories.as_caller(run.revision.author)
    runs.cancel(run, by=author)

    again = runs.rerun(run.revision, by=author)

    assert runs.latest(run.revision) == again
    assert Job.objects.filter(run=again, state=JobState.QUEUED).count() == 1


def test_a_run_that_ended_is_not_cancelled(run):
    factories.finish_checks(run.revision)

    with pytest.raises(NotNow, match="ended"):
        runs.cancel(run, by=factories.as_caller(run.revision.author))
    run.refresh_from_db()
    assert run.verdict == Verdict.PASSED


def _token(user: User, **rest: Any) -> Caller:
    return callers.of_token(tokens.issue(user=user, name="test", **rest)[0])


def test_who_may_not_write_the_repository_cancels_nothing(run):
    author, repository = run.revision.author, run.revision.repository
    without = [
        callers.NOBODY,
        factories.as_caller(factories.make_user()),
        factories.as_caller(factories.make_member(repository.namespace, Role.READ)),
        _token(author, scope=Scope.READ),
        _token(author, scope=Scope.WRITE, repositories=[factories.make_repository().public_id]),
    ]
    for caller in without:
        assert not runs.may_cancel(run, by=caller)
        with pytest.raises(NotAllowed):
            runs.cancel(run, by=caller)

    run.refresh_from_db()
    assert run.state == RunState.QUEUED
    assert runs.may_cancel(run, by=_token(author, scope=Scope.WRITE))
