"""What was just found of the same files holds for another revision of them, and for nothing else."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.audit.models import Entry
from registry.checks import profiles, results, runs
from registry.checks.findings import warn
from registry.checks.models import CachedResult, CheckRun, Host, JobKind, RunState
from tests import factories

pytestmark = pytest.mark.django_db
VERSIONS = {"torch": "2.13.0"}
FILES = factories.MODEL | {"notes.txt": "first"}
OTHER = factories.MODEL | {"notes.txt": "second"}


@pytest.fixture(autouse=True)
def host() -> Host:
    now = timezone.now()
    served = {"queue": "smoke.cpu", "slots": 1, "seen_at": now.isoformat()}
    return Host.objects.create(
        name="a", queues=[served], versions=VERSIONS, started_at=now, seen_at=now
    )


@pytest.fixture
def checked() -> CheckRun:
    """A finished run, and another commit after it."""
    revision = factories.make_revision(files=FILES)
    run = CheckRun.objects.get(revision=revision)
    runs.finish(factories.claim_job(run), runs.Outcome([warn("CFG-DTYPE", "odd")]))
    smoke = {"versions": VERSIONS, "device": {"kind": "cpu"}, "metrics": {"decode_tok_s": 3.5}}
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome([], smoke))
    factories.make_commit(revision.repository, OTHER)
    run.refresh_from_db()
    return run


def _again(checked: CheckRun, files=FILES) -> CheckRun:
    """The run of a commit with these files, after all that."""
    return CheckRun.objects.get(revision=factories.make_commit(checked.revision.repository, files))


def test_a_revision_of_the_same_files_has_their_verdict_at_once(checked: CheckRun):
    run = _again(checked)

    assert run.revision != checked.revision
    assert (run.state, run.verdict) == (RunState.FINISHED, "warned")
    assert run.report["revision"] == run.revision.oid
    assert run.report["metrics"] == checked.report["metrics"]
    assert [found["id"] for found in run.report["findings"]] == ["CFG-DTYPE"]
    assert any(checked.public_id in (stage["reason"] or "") for stage in run.report["stages"])
    assert run.attestation != checked.attestation
    assert Entry.objects.filter(event="checks.finish", subject=run.public_id).exists()
    assert checked.findings.count() == 1
    # And a rerun is one
    again = runs.rerun(run.revision, by=factories.as_caller(factories.make_maintainer()))
    assert again.state == RunState.QUEUED


@pytest.mark.parametrize(
    "change", ["libraries", "check", "profile", "age", "machine", "error", "unknown", "limits"]
)
def test_whatever_a_verdict_rests_on_has_to_be_the_same(
    checked: CheckRun, host: Host, settings, monkeypatch: pytest.MonkeyPatch, change: str
):
    match change:
        case "libraries":
            Host.objects.update(versions={"torch": "2.14.0"})
        case "unknown":
            Host.objects.update(versions={})
        case "machine":
            host.queues[0]["queue"] = "smoke.gpu"
            host.save()
        case "check":
            monkeypatch.setitem(results.catalogue.VERSIONS, "W-FINITE", 99)
        case "profile":
            maintainer = factories.as_caller(factories.make_maintainer())
            profiles.assign(checked.revision.repository, "structural", by=maintainer)
        case "age":
            CachedResult.objects.update(created_at=timezone.now() - results.KEPT)
        case "error":
            CheckRun.objects.filter(pk=checked.pk).update(state="superseded", verdict="")
        case "limits":
            settings.CHECK_MEMORY_MIB += 1

    assert _again(checked).state == RunState.QUEUED


def test_other_files_and_other_repositories_are_checked(checked: CheckRun):
    assert _again(checked, FILES | {"more.txt": "x"}).state == RunState.QUEUED

    elsewhere = factories.make_revision(files=FILES)

    assert CheckRun.objects.get(revision=elsewhere).state == RunState.QUEUED


def test_what_is_remembered_is_forgotten_in_time(checked: CheckRun):
    assert CachedResult.objects.count() == 1

    results.note(checked, timezone.now() + 2 * results.KEPT)
    results.note(checked, timezone.now() + 4 * results.KEPT)

    assert CachedResult.objects.count() == 1
    later = timezone.now() + timedelta(days=1)
    assert CachedResult.objects.filter(created_at__gt=later).count() == 1
