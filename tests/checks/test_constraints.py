"""What the database itself refuses about check runs and jobs."""

import pytest
from django.utils import timezone

from registry.checks.models import CheckRun, Job, JobKind, JobState, RunState
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> CheckRun:
    return CheckRun.objects.get(revision=factories.make_revision())


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING])
def test_a_revision_has_one_live_run(run, state):
    with refused_by("one_live_run_of_a_revision"):
        CheckRun.objects.create(revision=run.revision, state=state, queued_at=timezone.now())


@pytest.mark.parametrize(
    "other",
    [
        {"state": "finished"},
        {"state": "finished", "verdict": "passed"},
        {"state": "finished", "finished_at": timezone.now()},
        {"state": "running", "verdict": "passed"},
        {"state": "superseded", "verdict": "blocked"},
    ],
)
def test_a_run_has_a_verdict_once_it_finished_and_not_before(run, other):
    with refused_by("run_has_a_verdict_once_finished"):
        CheckRun.objects.filter(pk=run.pk).update(**other)


def test_a_run_has_one_job_of_a_kind(run):
    with refused_by("one_job_of_a_kind_in_a_run"):
        Job.objects.create(run=run, kind=JobKind.SCAN)


def test_a_job_is_leased_while_it_runs_and_at_no_other_time(run):
    waiting = Job.objects.filter(run=run, kind=JobKind.SMOKE)

    with refused_by("job_is_leased_while_running"):
        waiting.update(state=JobState.RUNNING)
    with refused_by("job_is_leased_while_running"):
        waiting.update(lease_until=timezone.now())


def test_a_queued_job_is_due_at_some_time(run):
    with refused_by("job_is_due_once_queued"):
        Job.objects.filter(run=run, kind=JobKind.SMOKE).update(state=JobState.QUEUED)
