"""A dataset goes from its upload to a release by the real scanners, and is never run."""

import pytest
from pytest_django import Settings

from registry.checks import reports, tasks, work
from registry.checks.models import CheckRun, JobKind, JobState, Verdict
from registry.releases import steps, workflow
from registry.releases.models import Status
from tests import factories
from tests.checks.scanners.test_datasets import FILES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def datasets(settings: Settings) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]


def _checked(files: dict[str, bytes]) -> CheckRun:
    revision = factories.make_commit(factories.make_repository(type="dataset"), files)
    run = CheckRun.objects.get(revision=revision)
    work.perform(factories.claim_job(run))
    run.refresh_from_db()
    return run


def test_a_dataset_is_scanned_and_released() -> None:
    run = _checked(FILES)

    assert (run.verdict, run.findings.count()) == (Verdict.PASSED, 0)
    smoke = run.jobs.get(kind=JobKind.SMOKE)
    assert smoke.state == JobState.SKIPPED
    assert "there is no model in it" in smoke.note
    skipped = [one for one in reports.report_of(run)["stages"] if one["status"] == "skipped"]
    assert [one["name"] for one in skipped] == ["weights", "text", "run"]
    opened = workflow.open_release(
        run.revision, version="v1.0", by=factories.as_caller(run.revision.author)
    )
    done = workflow.transition(
        "approve", opened, by=factories.as_caller(factories.make_maintainer())
    )
    assert done.status == Status.RELEASED


def test_a_dataset_with_code_is_held() -> None:
    run = _checked(FILES | {"texts.py": b"import datasets\n"})

    assert run.verdict == Verdict.BLOCKED
    assert steps.holds(run.revision)


def test_no_worker_is_told_of_a_smoke_test_of_a_dataset() -> None:
    run = _checked(FILES)

    tasks.wake()

    assert run.jobs.get(kind=JobKind.SMOKE).due_at is None
