"""Which revisions get a run, and which runs give way to newer ones."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.catalog.models import Ref, Revision
from registry.checks import queues, runs
from registry.checks.models import CheckRun, JobState, Queue, RunState
from registry.errors import Invalid
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_push_queues_a_scan_that_waits_for_quiet_and_a_smoke_test_that_waits_for_the_scan(
    settings,
):
    settings.CHECK_QUIET_SECONDS = 30
    revision = factories.make_revision()

    run = CheckRun.objects.get(revision=revision)
    scan, smoke = run.jobs.all()

    assert run.state == RunState.QUEUED
    assert (scan.state, smoke.state) == (JobState.QUEUED, JobState.WAITING)
    assert scan.due_at - run.queued_at == timedelta(seconds=30)
    assert runs.claim(scan.pk, worker="early") is None
    assert queues.claimable(Queue.SCAN, now=timezone.now()) == 0


def test_queueing_a_revision_twice_makes_one_run():
    revision = factories.make_revision()

    assert runs.queue(revision) is None
    assert CheckRun.objects.filter(revision=revision).count() == 1


def test_a_revision_with_a_verdict_is_not_queued_again():
    revision = factories.make_revision()
    factories.finish_checks(revision)

    assert runs.queue(revision) is None


def test_a_newer_revision_supersedes_a_run_that_has_not_begun():
    older = factories.make_revision()
    newer = factories.make_commit(older.repository, {"notes.txt": "more"})

    old, new = CheckRun.objects.get(revision=older), CheckRun.objects.get(revision=newer)

    assert (old.state, new.state) == (RunState.SUPERSEDED, RunState.QUEUED)
    assert {job.state for job in old.jobs.all()} == {JobState.SKIPPED}
    assert runs.latest(older) is None
    assert runs.holds(older) == ["The checks of this revision have not started."]


def test_a_newer_revision_leaves_a_run_alone_that_has_begun():
    older = factories.make_revision()
    job = factories.claim_job(CheckRun.objects.get(revision=older))

    factories.make_commit(older.repository, {"notes.txt": "more"})

    assert CheckRun.objects.get(revision=older).state == RunState.RUNNING
    assert runs.finish(job, runs.Outcome([]))


def test_a_newer_revision_leaves_a_run_alone_that_is_to_be_tried_again():
    older = factories.make_revision()
    runs.fail(factories.claim_job(CheckRun.objects.get(revision=older)), reason="The disk was full")

    factories.make_commit(older.repository, {"notes.txt": "more"})

    assert CheckRun.objects.get(revision=older).state == RunState.RUNNING


def test_a_push_to_one_branch_leaves_the_head_of_another_to_be_checked():
    main = factories.make_revision()
    Ref.objects.create(repository=main.repository, name="refs/heads/next", head=main)

    other = factories.make_commit(main.repository, {"notes.txt": "more"}, branch="next")

    assert runs.latest(main).state == runs.latest(other).state == RunState.QUEUED


def test_a_superseded_revision_is_queued_again_when_a_branch_comes_back_to_it():
    older = factories.make_revision()
    factories.make_commit(older.repository, {"notes.txt": "more"})

    assert runs.queue(older) is not None
    assert CheckRun.objects.filter(revision=older).count() == 2


def test_runs_of_other_repositories_are_not_touched():
    one, other = factories.make_revision(), factories.make_revision()

    assert runs.latest(one).state == runs.latest(other).state == RunState.QUEUED


def test_a_site_may_refuse_a_commit_with_types_that_are_not_accepted(settings):
    before = factories.make_commit(factories.make_repository(), {"run.sh": "true"})
    settings.CHECK_REFUSE_TYPES = True

    with pytest.raises(Invalid, match="'?a.zip'? and 1 more: files of this type are not accepted"):
        factories.make_commit(
            before.repository, {"notes.txt": "x", "a.zip": "x", "training_args.bin": "x"}
        )
    taken = factories.make_commit(before.repository, {"notes.txt": "x"})

    assert [one.parents for one in Revision.objects.filter(pk=taken.pk)] == [[before.oid]]
