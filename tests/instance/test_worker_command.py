"""`manage.py worker list|drain|resume|forget`, as an operator types them."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.audit.models import Entry
from registry.checks import hosts, runs
from registry.checks.models import CheckRun, Host, Job, JobKind, JobState, Queue
from registry.checks.slots import Slot
from tests import factories

pytestmark = pytest.mark.django_db

GPU = {
    "id": "cuda:0", "uuid": "GPU-1", "kind": "cuda", "name": "A GPU", "memory_mb": 81920,
    "driver": "580", "healthy": True, "note": "",
}  # fmt: skip


def run(*arguments: str) -> tuple[str, str]:
    """What it printed, and what it said beside that."""
    out, said = io.StringIO(), io.StringIO()
    call_command("worker", *arguments, stdout=out, stderr=said)
    return out.getvalue().strip(), said.getvalue().strip()


def _due_scan() -> Job:
    scan = CheckRun.objects.get(revision=factories.make_revision()).jobs.get(kind=JobKind.SCAN)
    Job.objects.filter(pk=scan.pk).update(due_at=timezone.now())
    return scan


def _claim(name: str) -> Job | None:
    return runs.claim_next(Queue.SCAN, worker="test", slot=Slot(name))


def _is_gone(name: str) -> None:
    long_ago = timezone.now() - timedelta(seconds=hosts.ALIVE_SECONDS)
    Host.objects.filter(name=name).update(seen_at=long_ago)


def test_the_list_has_a_line_a_machine_with_what_it_serves_and_how_it_is():
    assert run("list") == ("", "No machine was ever heard of.")
    hosts.beat("cpu-one", services={Queue.SCAN: 2, Queue.SMOKE_CPU: 1})
    gpus = [GPU, GPU | {"id": "cuda:1", "healthy": False}]
    hosts.beat("gpu-one", services={Queue.SMOKE_GPU: 2}, devices=gpus)
    hosts.beat("lost", services={Queue.SCAN: 1})
    _is_gone("lost")
    _due_scan()
    _claim("cpu-one")
    run("drain", "cpu-one")

    lines = [line.split("\t")[:5] for line in run("list")[0].splitlines()]

    assert lines == [
        ["cpu-one", "draining", "scan=2,smoke.cpu=1", "1 running", "-"],
        ["gpu-one", "up", "smoke.gpu=2", "0 running", "cuda:0,cuda:1(not well)"],
        ["lost", "gone", "scan=1", "0 running", "-"],
    ]


def test_a_drained_machine_ends_its_job_and_takes_none_until_it_is_resumed():
    hosts.beat("one", services={Queue.SCAN: 1})
    first, second = _due_scan(), _due_scan()
    job = _claim("one")

    _, said = run("drain", "one")

    assert said == "one takes no new jobs, and ends those it has."
    assert _claim("one") is None
    assert job is not None
    assert runs.finish(job, runs.Outcome([]))
    assert _claim("one") is None
    assert run("resume", "one")[1] == "one takes jobs again."
    again = _claim("one")
    assert again is not None
    assert {job.pk, again.pk} == {first.pk, second.pk}
    # The machine's operator is nobody to the registry
    acts = Entry.objects.filter(event__startswith="worker.").values_list("event", "actor")
    assert list(acts) == [("worker.drain", ""), ("worker.resume", "")]


def test_a_machine_that_lives_is_not_forgotten_and_one_that_is_gone_leaves_its_job_to_others():
    hosts.beat("one", services={Queue.SCAN: 1})
    _due_scan()
    job = _claim("one")
    assert job is not None

    with pytest.raises(CommandError, match="one is alive; stop its workers first"):
        run("forget", "one")
    assert Host.objects.filter(name="one").exists()
    _is_gone("one")
    assert run("forget", "one")[1] == "one is forgotten."

    assert run("list")[0] == ""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now())
    assert runs.take_back_lost() == 1
    again = _claim("two")
    assert again is not None
    assert (again.pk, again.attempt, again.state) == (job.pk, 2, JobState.RUNNING)


@pytest.mark.parametrize("step", ["drain", "resume", "forget"])
def test_a_name_that_is_unknown_is_said(step):
    with pytest.raises(CommandError, match="No machine is called 'nobody'; `worker list` shows"):
        run(step, "nobody")


@pytest.mark.parametrize(
    ("queues", "said"),
    [
        ("scam", "'scam' is no queue; choose of scan, smoke.cpu, smoke.gpu"),
        ("scan=0", "the number of processes is 1 to 64"),
        ("scan=x", "the number of processes is 1 to 64"),
        (",", "No queue was named"),
        ("smoke.gpu", "no GPU, so it cannot serve smoke.gpu"),
    ],
)
def test_queues_that_a_machine_cannot_serve_are_refused_before_anything_starts(
    settings, queues, said
):
    settings.WORKER_DEVICES = "cpu"
    with pytest.raises(CommandError, match=said):
        run("start", "--queues", queues)
