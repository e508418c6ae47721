"""Who is next: by priority, in turns between namespaces, within what each person may use."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from registry.accounts.models import User
from registry.audit.models import Entry
from registry.catalog.models import Repository, Revision
from registry.checks import queues, reports, runs
from registry.checks.models import CheckRun, Job, JobKind, JobState, Priority, Queue
from registry.checks.slots import Slot
from tests import factories
from tests.refusals import at_once

pytestmark = pytest.mark.django_db

SLOT = Slot("machine")


def _waiting(
    repository: Repository, *, jobs: int = 1, size: int = 0, by: User | None = None
) -> list[Job]:
    """Scans of revisions of a repository, due since a second ago, the first for longest."""
    base = Revision.objects.filter(repository=repository).order_by("pk").first()
    base = base or factories.make_revision(repository)
    CheckRun.objects.filter(revision=base).delete()
    made, now = [], timezone.now()
    for number in range(jobs):
        revision = Revision.objects.create(
            repository=repository,
            oid=f"{Revision.objects.count():040x}",
            tree=base.tree,
            author=by or base.author,
            committed_at=now,
            manifest_digest="0" * 64,
            total_size=size,
        )
        run = CheckRun.objects.create(revision=revision, queued_at=now)
        due_at = now - timedelta(seconds=1) + timedelta(milliseconds=number)
        made.append(
            Job.objects.create(run=run, kind=JobKind.SCAN, state=JobState.QUEUED, due_at=due_at)
        )
        Job.objects.create(run=run, kind=JobKind.SMOKE)
    return made


def _claim(slot: Slot = SLOT) -> Job | None:
    return runs.claim_next(Queue.SCAN, worker="test", slot=slot)


def _end(job: Job | None) -> Repository:
    assert job is not None
    assert runs.finish(job, runs.Outcome([]))
    return job.run.revision.repository


@pytest.fixture
def crowd() -> Repository:
    return factories.make_repository()


@pytest.fixture
def newcomer() -> Repository:
    return factories.make_repository()


def test_many_expensive_uploads_of_one_namespace_do_not_delay_another(crowd, newcomer):
    _waiting(crowd, jobs=5, size=10**12)
    first = _claim()
    _waiting(newcomer)

    _end(first)
    order = [_end(_claim()) for _ in range(3)]

    assert order == [newcomer, crowd, crowd]


def test_two_hundred_uploads_of_one_namespace_do_not_delay_another(crowd, newcomer):
    _waiting(crowd, jobs=200)
    first = _claim()
    (only,) = _waiting(newcomer, size=10**12)

    _end(first)

    assert queues.next_in(Queue.SCAN, now=timezone.now()) == only.pk
    assert queues.claimable(Queue.SCAN, now=timezone.now()) > 1


def test_many_namespaces_of_one_person_get_no_more_turns_than_one(crowd, newcomer):
    person = crowd.created_by
    for repository in (crowd, *(factories.make_repository() for _ in range(4))):
        _waiting(repository, by=person)
    first = _claim()
    _waiting(newcomer)

    _end(first)

    assert _end(_claim()) == newcomer


def test_namespaces_take_turns_and_none_is_left_out(crowd, newcomer):
    _waiting(crowd, jobs=4)
    _waiting(newcomer, jobs=2)

    order = [_end(_claim()) for _ in range(6)]

    assert order == [crowd, newcomer, crowd, newcomer, crowd, crowd]
    assert _claim() is None


def test_of_a_namespace_the_small_go_first_unless_a_large_one_waited_long(crowd):
    (large,) = _waiting(crowd, size=10**12)
    (small,) = _waiting(crowd, size=1)
    now = timezone.now()

    assert queues.next_in(Queue.SCAN, now=now) == small.pk
    Job.objects.filter(pk=large.pk).update(due_at=now - queues.PATIENCE)
    assert queues.next_in(Queue.SCAN, now=now) == large.pk


def test_what_a_reviewer_asks_for_goes_before_uploads_and_those_before_rescans(crowd):
    rescan, upload, review = _waiting(crowd, jobs=3)
    Job.objects.filter(pk=rescan.pk).update(priority=Priority.RESCAN)
    Job.objects.filter(pk=review.pk).update(priority=Priority.REVIEW)

    claimed = [_claim() for _ in range(3)]

    assert [job.pk for job in claimed if job] == [review.pk, upload.pk, rescan.pk]


def test_a_rerun_by_a_maintainer_is_asked_for_in_review_and_that_of_an_author_is_not():
    revision = factories.make_revision()
    factories.finish_checks(revision, "error")
    own = runs.rerun(revision, by=factories.as_caller(revision.author))
    runs.cancel(own, by=factories.as_caller(revision.author))
    asked = runs.rerun(revision, by=factories.as_caller(factories.make_maintainer()))

    assert set(own.jobs.values_list("priority", flat=True)) == {Priority.UPLOAD}
    assert set(asked.jobs.values_list("priority", flat=True)) == {Priority.REVIEW}


def test_a_person_has_no_more_running_at_once_than_the_site_allows(settings, crowd, newcomer):
    settings.CHECK_CONCURRENT = 2
    person = crowd.created_by
    _waiting(crowd, jobs=3, by=person)
    _waiting(newcomer, jobs=2, by=person)

    first, second, third = _claim(), _claim(), _claim()

    assert first is not None
    assert second is not None
    assert third is None
    assert queues.claimable(Queue.SCAN, now=timezone.now()) == 0
    _end(first)
    assert queues.claimable(Queue.SCAN, now=timezone.now()) == 1
    assert _claim() is not None


def test_a_reviewer_does_not_wait_for_what_a_person_has_running(settings, crowd):
    settings.CHECK_CONCURRENT = 1
    _, asked = _waiting(crowd, jobs=2)
    _claim()
    Job.objects.filter(pk=asked.pk).update(priority=Priority.REVIEW)

    job = _claim()

    assert job is not None
    assert job.pk == asked.pk


def _used(job: Job, *, minutes: int, ended: datetime) -> None:
    Job.objects.filter(pk=job.pk).update(
        started_at=ended - timedelta(minutes=minutes), finished_at=ended, state=JobState.DONE
    )


def test_who_used_up_the_day_comes_after_all_others_and_is_not_refused(settings, crowd, newcomer):
    settings.CHECK_DAILY_MINUTES = 30
    now = timezone.now()
    spent, *_ = _waiting(crowd, jobs=3)
    within, *_ = _waiting(newcomer, jobs=3)
    _used(spent, minutes=31, ended=now - timedelta(hours=5))
    _used(within, minutes=29, ended=now - timedelta(minutes=1))

    order = [_end(_claim()) for _ in range(4)]

    assert order == [newcomer, newcomer, crowd, crowd]


def test_the_day_before_does_not_count(settings, crowd, newcomer):
    settings.CHECK_DAILY_MINUTES = 30
    now = timezone.now()
    spent, _ = _waiting(crowd, jobs=2)
    within, _ = _waiting(newcomer, jobs=2)
    _used(spent, minutes=60, ended=now - timedelta(hours=24))
    _used(within, minutes=1, ended=now - timedelta(minutes=1))

    assert _end(_claim()) == crowd


def test_who_used_up_the_day_is_told_until_when_others_go_first(settings, crowd):
    settings.CHECK_DAILY_MINUTES = 30
    now = timezone.now()
    earlier, later, waiting = _waiting(crowd, jobs=3)
    assert queues.spent_until(waiting, now=now) is None
    _used(earlier, minutes=20, ended=now - timedelta(hours=9))
    _used(later, minutes=15, ended=now - timedelta(hours=2))

    def told(by: User) -> str | None:
        found = reports.progress_of(waiting.run, by=factories.as_caller(by), now=now)
        return found["jobs"][0]["behind_until"]

    until = queues.spent_until(waiting, now=now)

    assert until == now - timedelta(hours=9, minutes=20) + timedelta(hours=24)
    author, maintainer = waiting.run.revision.author, factories.make_maintainer()
    assert told(author) == told(maintainer) == reports.instant(until)
    assert told(factories.make_user()) is None
    assert queues.spent_until(waiting, now=until) is None
    waiting.priority = Priority.REVIEW
    assert queues.spent_until(waiting, now=now) is None


def test_what_the_site_looks_at_anew_is_no_use_of_its_author(settings, crowd, newcomer):
    settings.CHECK_DAILY_MINUTES, settings.CHECK_CONCURRENT = 30, 1
    now = timezone.now()
    spent, runs_now, upload, *_ = _waiting(crowd, jobs=3)
    _used(spent, minutes=60, ended=now - timedelta(hours=1))
    Job.objects.filter(pk__in=[spent.pk, runs_now.pk]).update(priority=Priority.RESCAN)
    runs.claim(runs_now.pk, worker="test")
    (rescan,) = _waiting(newcomer)
    Job.objects.filter(pk=rescan.pk).update(priority=Priority.RESCAN)

    assert queues.spent_until(upload, now=now) is None
    assert queues.next_in(Queue.SCAN, now=now) == upload.pk


def test_nothing_is_claimed_from_another_queue(crowd):
    (job,) = _waiting(crowd)
    Job.objects.filter(pk=job.pk).update(queue=Queue.SMOKE_CPU)

    assert _claim() is None


def test_a_process_without_a_gpu_takes_no_job_that_wants_one(crowd):
    (job,) = _waiting(crowd)
    Job.objects.filter(pk=job.pk).update(queue=Queue.SMOKE_GPU)

    for slot in (SLOT, Slot("machine", "cpu:0"), Slot("machine", "cuda:0", may_work=False)):
        assert runs.claim_next(Queue.SMOKE_GPU, worker="test", slot=slot) is None
    taken = runs.claim_next(Queue.SMOKE_GPU, worker="test", slot=Slot("machine", "cuda:0"))
    assert taken is not None
    assert (taken.host.name, taken.device) == ("machine", "cuda:0")


def test_a_device_has_one_job_at_a_time(crowd, newcomer):
    _waiting(crowd)
    _waiting(newcomer)
    slot = Slot("machine", "cuda:0")

    first = _claim(slot)

    assert _claim(slot) is None
    assert _claim(Slot("another", "cuda:0")) is not None
    _end(first)


def test_who_has_a_device_now_takes_back_what_ran_there_before(crowd):
    _waiting(crowd)
    lost = _claim(Slot("machine", "cpu:0"))
    assert lost is not None

    assert runs.take_back_of(Slot("machine", "cpu:1")) == 0
    assert runs.take_back_of(Slot("another", "cpu:0")) == 0
    assert runs.take_back_of(Slot("machine")) == 0
    assert runs.take_back_of(Slot("machine", "cpu:0")) == 1

    again = _claim(Slot("machine", "cpu:0"))
    assert again is not None
    assert (again.pk, again.attempt) == (lost.pk, 2)
    assert not runs.finish(lost, runs.Outcome([]))


@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_at_once_get_different_jobs_within_the_limits(settings, crowd, newcomer):
    settings.CHECK_CONCURRENT = 3
    _waiting(crowd, jobs=8)
    _waiting(newcomer, jobs=2)

    got = at_once(*[_claim] * 8)

    jobs = [job for job in got if isinstance(job, Job)]
    assert len({job.pk for job in jobs}) == len(jobs) == 5
    of_crowd = [job for job in jobs if job.run.revision.repository_id == crowd.pk]
    assert len(of_crowd) == 3
    assert Entry.objects.filter(event="checks.finish").count() == 0
