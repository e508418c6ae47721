"""Real uploads, scanned by the real scanners under the frame of jobs."""

import io
import json
import os
import resource
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from django.conf import settings as site
from django.utils import timezone

from registry.catalog import files
from registry.checks import reports, runs, tasks, work
from registry.checks.models import CheckRun, Job, JobKind, JobState, Verdict
from registry.errors import NotNow
from registry.releases import workflow
from registry.storage import blobs
from tests import factories

pytestmark = pytest.mark.django_db

CONFIG = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}


class _Evil:
    def __reduce__(self):
        return os.system, ("true",)


def _checkpoint() -> bytes:
    """A checkpoint of the stock library whose pickle would call os.system when it is opened."""
    target = io.BytesIO()
    torch.save({"weight": _Evil()}, target)
    return target.getvalue()


def _scan(content: dict[str, bytes | str]) -> CheckRun:
    revision = factories.make_revision(files={"README.md": factories.CARD, **content})
    run = CheckRun.objects.get(revision=revision)
    work.perform(factories.claim_job(run))
    run.refresh_from_db()
    return run


def test_a_pickle_that_calls_the_system_is_blocked_and_cannot_be_released():
    run = _scan({"pytorch_model.bin": _checkpoint(), "config.json": json.dumps(CONFIG)})

    found = run.findings.get(check_id="SEC-PICKLE")
    assert run.verdict == Verdict.BLOCKED
    assert "pytorch_model.bin" in found.message
    assert "system" in found.message
    assert Job.objects.get(run=run, kind=JobKind.SMOKE).state == JobState.SKIPPED
    with pytest.raises(NotNow, match="SEC-PICKLE: .*pytorch_model.bin"):
        workflow.open_release(
            run.revision, version="v1", by=factories.as_caller(run.revision.author)
        )


def test_truncated_safetensors_are_blocked_with_a_sentence():
    run = _scan({"model.safetensors": b"\xff\xff\x00\x00\x00\x00\x00\x00{", "config.json": "{}"})

    assert run.verdict == Verdict.BLOCKED
    assert "model.safetensors" in run.findings.filter(check_id="ST-HEADER").first().message


def test_a_card_without_weights_goes_on_to_the_smoke_test():
    run = _scan({})

    smoke = Job.objects.get(run=run, kind=JobKind.SMOKE)
    assert smoke.state == JobState.QUEUED
    stage = reports.report_of(run)["stages"][0]
    assert (stage["name"], stage["status"]) == ("scan", "done")


def test_a_file_that_is_gone_from_storage_is_our_failure_and_no_verdict():
    revision = factories.make_revision(files={"notes.txt": "gone", "README.md": factories.CARD})
    entry = files.find(revision, "notes.txt")
    blobs.delete(entry.sha256)
    run = CheckRun.objects.get(revision=revision)

    for _ in range(runs.MAX_ATTEMPTS):
        job = factories.claim_job(run)
        work.perform(job)

    run.refresh_from_db()
    job.refresh_from_db()
    assert (run.verdict, job.state) == (Verdict.ERROR, JobState.FAILED)
    assert str(site.BLOB_DIR) not in run.reason


@pytest.mark.usefixtures("bucket")
def test_a_cache_without_room_is_our_failure_with_its_own_sentence(settings, tmp_path):
    settings.CACHE_DIR = tmp_path
    run = CheckRun.objects.get(revision=factories.make_revision())
    job = factories.claim_job(run)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, hard))
    try:
        work.perform(job)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    job.refresh_from_db()
    run.refresh_from_db()
    assert job.note == (
        "The worker has no room on its disk for the files of the model; "
        "the test runs again (attempt 2)."
    )
    assert (run.verdict, list((tmp_path / "blobs").iterdir())) == (Verdict.NONE, [])
    work.perform(factories.claim_job(run))
    assert Job.objects.get(run=run, kind=JobKind.SCAN).state == JobState.DONE


def test_a_message_that_comes_twice_runs_once():
    run = CheckRun.objects.get(revision=factories.make_revision())
    job = Job.objects.get(run=run, kind=JobKind.SCAN)
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())

    tasks.take("scan")
    tasks.take("scan")

    job.refresh_from_db()
    assert (job.attempt, job.state) == (1, JobState.DONE)


def test_an_attempt_whose_job_was_taken_away_stops_and_writes_nothing():
    run = CheckRun.objects.get(revision=factories.make_revision())
    stale = factories.claim_job(run)
    Job.objects.filter(pk=stale.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    runs.claim(stale.pk, worker="another")

    work.perform(stale)

    run.refresh_from_db()
    assert run.verdict == Verdict.NONE
    assert not run.findings.exists()


def test_a_machine_that_cannot_shut_the_model_in_is_our_failure_and_no_verdict(settings):
    settings.CHECK_MIN_ISOLATION = 99
    run = CheckRun.objects.get(revision=factories.make_revision())
    runs.finish(factories.claim_job(run), runs.Outcome([]))

    for _ in range(runs.MAX_ATTEMPTS):
        work.perform(factories.claim_job(run, JobKind.SMOKE))

    run.refresh_from_db()
    assert run.verdict == Verdict.ERROR
    assert run.reason
    assert runs.holds(run.revision)


def test_larger_revisions_get_more_time():
    run = CheckRun.objects.get(revision=factories.make_revision())
    scan, smoke = run.jobs.select_related("run__revision")
    small = (work.seconds_allowed(scan), work.seconds_allowed(smoke))
    scan.run.revision.total_size = smoke.run.revision.total_size = 10 * work.GIB

    assert small == (300, 600 + 60 + 120)
    assert (work.seconds_allowed(scan), work.seconds_allowed(smoke)) == (500, small[1] + 100)


def test_nothing_of_a_smoke_test_stays_behind():
    folder: Path = work.scratch_folder()
    shutil.rmtree(folder)
    run = CheckRun.objects.get(revision=factories.make_revision())
    runs.finish(factories.claim_job(run), runs.Outcome([]))

    work.perform(factories.claim_job(run, JobKind.SMOKE))

    assert list(work.scratch_folder().iterdir()) == []


def test_each_format_of_a_model_has_its_own_time():
    one = factories.make_revision(files={"model.safetensors": b"weights"})
    two = factories.make_revision(files={"model.safetensors": b"weights", "model.gguf": b"same"})
    of = {
        revision.pk: work.seconds_allowed(
            Job.objects.get(run__revision=revision, kind=JobKind.SMOKE)
        )
        for revision in (one, two)
    }

    assert of[two.pk] == of[one.pk] + 660
