"""Who may have checks run again, and when."""

import pytest

from registry.accounts import callers, tokens
from registry.accounts.callers import NOBODY
from registry.accounts.models import Role, Scope
from registry.audit.models import Entry
from registry.checks import runs
from registry.checks.models import CheckRun, JobState, RunState
from registry.errors import NotAllowed, NotNow
from tests import factories

pytestmark = pytest.mark.django_db


def _failed():
    revision = factories.make_revision()
    factories.finish_checks(revision, "error")
    return revision


def _token(user, **rest):
    return callers.of_token(tokens.issue(user=user, name="test", **rest)[0])


@pytest.mark.parametrize("who", ["owner", "contributor", "maintainer"])
def test_checks_that_could_not_be_completed_are_run_again_on_request(who):
    revision = _failed()
    by = {
        "owner": lambda: revision.repository.created_by,
        "contributor": lambda: factories.make_member(
            revision.repository.namespace, Role.CONTRIBUTOR
        ),
        "maintainer": factories.make_maintainer,
    }[who]()
    assert runs.may_rerun(revision, by=factories.as_caller(by))

    run = runs.rerun(revision, by=factories.as_caller(by))

    assert run == runs.latest(revision)
    assert run.state == RunState.QUEUED
    assert [job.state for job in run.jobs.all()] == [JobState.QUEUED, JobState.WAITING]
    entry = Entry.objects.get(event="checks.rerun")
    assert (entry.actor, entry.subject) == (by.public_id, run.public_id)
    assert entry.details["revision"] == revision.oid


def test_the_new_run_counts_and_the_old_one_stays_on_record():
    revision = _failed()
    runs.rerun(revision, by=factories.as_caller(revision.author))

    assert "still running" in runs.holds(revision)[0]
    factories.finish_checks(revision)

    assert runs.holds(revision) == []
    verdicts = CheckRun.objects.filter(revision=revision).values_list("verdict", flat=True)
    assert list(verdicts) == ["passed", "error"]


@pytest.mark.parametrize("who", ["nobody", "stranger", "reader"])
def test_those_who_may_not_write_cannot_run_checks_again(who):
    revision = _failed()
    by = {
        "nobody": lambda: NOBODY,
        "stranger": lambda: factories.as_caller(factories.make_user()),
        "reader": lambda: factories.as_caller(
            factories.make_member(revision.repository.namespace, Role.READ)
        ),
    }[who]()

    with pytest.raises(NotAllowed):
        runs.rerun(revision, by=by)

    assert not runs.may_rerun(revision, by=by)
    assert CheckRun.objects.filter(revision=revision).count() == 1


def test_a_token_that_only_reads_cannot_run_checks_again():
    revision = _failed()

    with pytest.raises(NotAllowed):
        runs.rerun(revision, by=_token(revision.author, scope=Scope.READ))


def test_a_token_of_another_repository_cannot_run_checks_again():
    revision, other = _failed(), factories.make_repository()
    narrow = _token(revision.author, scope=Scope.WRITE, repositories=[other.public_id])

    with pytest.raises(NotAllowed):
        runs.rerun(revision, by=narrow)


def test_a_contributor_cannot_have_a_verdict_thrown_again():
    revision = factories.make_revision()
    factories.finish_checks(revision, "blocked")

    with pytest.raises(NotNow, match="only a site maintainer"):
        runs.rerun(revision, by=factories.as_caller(revision.author))

    assert runs.rerun(revision, by=factories.as_caller(factories.make_maintainer()))


def test_checks_that_are_running_are_not_started_again():
    revision = factories.make_revision()

    with pytest.raises(NotNow, match="already"):
        runs.rerun(revision, by=factories.as_caller(factories.make_maintainer()))
