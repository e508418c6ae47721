"""Machines that live, drain and die, and where jobs wait because of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts import callers
from registry.audit.models import Entry
from registry.checks import hosts, runs
from registry.checks.models import CheckRun, Host, Job, JobKind, JobState, Queue
from registry.checks.slots import Slot
from registry.errors import NotAllowed, NotNow
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db

GPU = {
    "id": "cuda:0",
    "uuid": "GPU-1",
    "kind": "cuda",
    "name": "A GPU",
    "memory_mb": 81920,
    "driver": "580",
    "healthy": True,
    "note": "",
}


def _beat(name: str = "gpu-one", queue: str = Queue.SMOKE_GPU, *, ago: float = 0, **gpu) -> Host:
    at = timezone.now() - timedelta(seconds=ago)
    return hosts.beat(name, services={queue: 1}, devices=[GPU | gpu], now=at)


def _smoke(run: CheckRun | None = None) -> Job:
    """The smoke test of a run whose scan is through."""
    run = run or CheckRun.objects.get(revision=factories.make_revision())
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    return Job.objects.get(run=run, kind=JobKind.SMOKE)


@pytest.mark.parametrize(
    ("beats", "queue"),
    [
        ([], Queue.SMOKE_CPU),
        ([{}], Queue.SMOKE_GPU),
        ([{"ago": hosts.ALIVE_SECONDS}], Queue.SMOKE_CPU),
        ([{"healthy": False}], Queue.SMOKE_CPU),
        ([{"healthy": False}, {"name": "gpu-two"}], Queue.SMOKE_GPU),
        ([{"queue": Queue.SMOKE_CPU}], Queue.SMOKE_CPU),
    ],
)
def test_a_smoke_test_waits_for_a_gpu_where_a_machine_with_one_lives(beats, queue):
    for one in beats:
        _beat(**{"name": "gpu-one", **one})

    assert _smoke().queue == queue


def test_what_waits_for_a_gpu_that_is_gone_runs_without_one_and_says_so():
    _beat()
    smoke = _smoke()
    hosts.beat("cpu-one", services={Queue.SMOKE_CPU: 1})
    now = timezone.now()
    assert hosts.reroute(now=now) == 0
    Host.objects.filter(name="gpu-one").update(
        seen_at=now - timedelta(seconds=hosts.ALIVE_SECONDS), queues=[]
    )

    assert hosts.reroute(now=now) == 1

    smoke.refresh_from_db()
    assert (smoke.queue, smoke.state) == (Queue.SMOKE_CPU, JobState.QUEUED)
    assert smoke.note == "No machine with a GPU is there; it runs without one."


def test_nothing_is_moved_where_no_machine_of_the_other_kind_lives():
    smoke = _smoke()

    assert hosts.reroute(now=timezone.now()) == 0
    _beat()
    assert hosts.reroute(now=timezone.now()) == 1
    smoke.refresh_from_db()
    assert smoke.queue == Queue.SMOKE_GPU


def test_a_test_whose_gpu_was_lost_runs_again_elsewhere():
    _beat()
    smoke = _smoke()
    slot = Slot("gpu-one", "cuda:0")
    assert runs.claim_next(Queue.SMOKE_GPU, worker="test", slot=slot) == smoke
    _beat(healthy=False, note="The driver does not answer.")
    smoke.refresh_from_db()

    runs.fail(smoke, reason="The device was lost")

    smoke.refresh_from_db()
    assert (smoke.state, smoke.queue) == (JobState.QUEUED, Queue.SMOKE_CPU)
    Job.objects.update(due_at=timezone.now(), queue=Queue.SMOKE_GPU)
    assert runs.claim_next(Queue.SMOKE_GPU, worker="test", slot=slot) is None


def test_a_draining_machine_ends_what_it_has_and_takes_nothing_new():
    host = hosts.beat("one", services={Queue.SCAN: 2})
    first, second = (CheckRun.objects.get(revision=factories.make_revision()) for _ in range(2))
    Job.objects.filter(kind=JobKind.SCAN).update(due_at=timezone.now())
    job = runs.claim_next(Queue.SCAN, worker="test", slot=Slot("one"))
    maintainer = factories.as_caller(factories.make_maintainer())

    hosts.set_draining(host, draining=True, by=maintainer)
    hosts.set_draining(host, draining=True, by=maintainer)

    assert runs.claim_next(Queue.SCAN, worker="test", slot=Slot("one")) is None
    assert not hosts.is_served(Queue.SCAN, now=timezone.now())
    assert job is not None
    assert runs.finish(job, runs.Outcome([]))
    other = runs.claim_next(Queue.SCAN, worker="test", slot=Slot("two"))
    assert other is not None
    assert {job.run_id, other.run_id} == {first.pk, second.pk}
    hosts.set_draining(host, draining=False, by=maintainer)
    assert [entry.event for entry in Entry.objects.filter(event__startswith="worker")] == [
        "worker.drain",
        "worker.resume",
    ]


def test_only_maintainers_decide_about_machines():
    host = _beat()
    for caller in (callers.NOBODY, factories.as_caller(factories.make_user())):
        with pytest.raises(NotAllowed):
            hosts.set_draining(host, draining=True, by=caller)

    host.refresh_from_db()
    assert not host.is_draining


def test_workers_of_a_machine_share_its_row_and_one_that_ended_is_forgotten():
    now = timezone.now()
    later = now + timedelta(seconds=hosts.ALIVE_SECONDS)
    hosts.beat("one", services={Queue.SCAN: 2}, now=now)
    host = hosts.beat("one", services={Queue.SMOKE_CPU: 1}, now=now + timedelta(seconds=5))
    both = {one.queue: one.slots for one in hosts.served(host, now=now)}

    host = hosts.beat("one", services={Queue.SMOKE_CPU: 1}, now=later)

    assert both == {Queue.SCAN: 2, Queue.SMOKE_CPU: 1}
    assert [one.queue for one in hosts.served(host, now=later)] == [Queue.SMOKE_CPU]
    assert host.started_at == now


def test_a_machine_that_lives_cannot_be_forgotten_and_a_gone_one_leaves_its_jobs_alone():
    host = _beat()
    smoke = _smoke()
    runs.claim_next(Queue.SMOKE_GPU, worker="test", slot=Slot("gpu-one", "cuda:0"))

    with pytest.raises(NotNow, match="alive"):
        hosts.forget(host)
    hosts.forget(host, now=timezone.now() + timedelta(seconds=hosts.ALIVE_SECONDS))

    smoke.refresh_from_db()
    assert (smoke.host, smoke.state) == (None, JobState.RUNNING)


def test_the_database_refuses_two_running_jobs_on_one_device():
    host = _beat()
    jobs = []
    for _ in range(2):
        job = factories.claim_job(CheckRun.objects.get(revision=factories.make_revision()))
        jobs.append(job)
    Job.objects.filter(pk=jobs[0].pk).update(host=host, device="cuda:0")

    with refused_by("one_job_at_a_time_on_a_device"):
        Job.objects.filter(pk=jobs[1].pk).update(host=host, device="cuda:0")
