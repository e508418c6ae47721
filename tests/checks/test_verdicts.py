"""What findings add up to, and what that means for a release."""

import pytest

from registry.audit import canonical, log
from registry.audit.models import Entry
from registry.checks import runs
from registry.checks.findings import Finding, block, info, warn
from registry.checks.models import CheckRun, Job, JobKind, JobState, RunState, Verdict
from registry.errors import NotNow
from registry.releases import workflow
from tests import factories

pytestmark = pytest.mark.django_db

WARNING = warn("CFG-DTYPE", "config says a, files are b.")
WRONG_TYPE = block("UPL-TYPE", "train.py: Code files are not accepted here.", file="train.py")
FAULT = block("SEC-PICKLE", "model.bin calls os.system when opened.", file="model.bin")
FACT = info("PERF", "12 tokens per second.")


def _run() -> CheckRun:
    return CheckRun.objects.get(revision=factories.make_revision())


def _scanned(*found: Finding) -> CheckRun:
    run = _run()
    runs.finish(factories.claim_job(run), runs.Outcome(list(found)))
    return run


def _finished(scan: list[Finding], smoke: list[Finding]) -> CheckRun:
    run = _scanned(*scan)
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(smoke))
    run.refresh_from_db()
    return run


@pytest.mark.parametrize(
    ("scan", "smoke", "verdict"),
    [
        ([], [], Verdict.PASSED),
        ([FACT], [FACT], Verdict.PASSED),
        ([WARNING], [], Verdict.WARNED),
        ([], [WARNING, FACT], Verdict.WARNED),
        ([WARNING], [block("RUN-LOAD", "Loading fails.")], Verdict.BLOCKED),
        ([WRONG_TYPE], [], Verdict.BLOCKED),
    ],
)
def test_the_gravest_finding_of_all_jobs_is_the_verdict(scan, smoke, verdict):
    run = _finished(scan, smoke)

    assert (run.state, run.verdict) == (RunState.FINISHED, verdict)
    assert run.report["verdict"] == verdict


def test_findings_keep_the_order_in_which_they_were_found():
    run = _finished([WARNING, WRONG_TYPE], [FACT])

    assert [row.check_id for row in run.findings.all()] == ["CFG-DTYPE", "UPL-TYPE", "PERF"]


def test_a_model_that_the_scan_blocks_is_not_run():
    run = _scanned(WARNING, FAULT)

    run.refresh_from_db()
    smoke = Job.objects.get(run=run, kind=JobKind.SMOKE)
    assert (run.state, run.verdict) == (RunState.FINISHED, Verdict.BLOCKED)
    assert smoke.state == JobState.SKIPPED
    assert smoke.note == "Not run: SEC-PICKLE has to be mended first."
    assert runs.holds(run.revision) == ["SEC-PICKLE: model.bin calls os.system when opened."]


def test_a_file_of_a_wrong_type_keeps_the_model_from_release_but_not_from_being_run():
    run = _scanned(WRONG_TYPE)

    assert Job.objects.get(run=run, kind=JobKind.SMOKE).state == JobState.QUEUED
    run = _finished([WRONG_TYPE], [])
    assert runs.holds(run.revision) == ["UPL-TYPE: train.py: Code files are not accepted here."]


def test_findings_of_the_scan_are_there_while_the_smoke_test_waits():
    run = _scanned(WARNING)

    run.refresh_from_db()
    assert (run.state, run.verdict) == (RunState.RUNNING, Verdict.NONE)
    assert [row.check_id for row in run.findings.all()] == ["CFG-DTYPE"]


@pytest.mark.parametrize("state", ["nothing", "queued", "running", "error", "blocked"])
def test_only_a_finished_run_without_a_fault_lets_a_revision_be_released(state):
    revision = factories.make_revision()
    run = CheckRun.objects.get(revision=revision)
    if state == "nothing":
        run.delete()
    elif state == "running":
        factories.claim_job(run)
    elif state != "queued":
        factories.finish_checks(revision, state)

    assert runs.holds(revision) != []
    with pytest.raises(NotNow):
        workflow.open_release(
            revision, version="v1", by=factories.as_caller(revision.repository.created_by)
        )


def test_a_warning_does_not_hold_a_release():
    revision = factories.make_revision()
    factories.finish_checks(revision, "warned")

    assert runs.holds(revision) == []


def test_an_error_after_a_block_shows_both():
    run = _scanned(WRONG_TYPE)
    Job.objects.filter(run=run, kind=JobKind.SMOKE).update(attempt=runs.MAX_ATTEMPTS - 1)
    runs.fail(factories.claim_job(run, JobKind.SMOKE), reason="The sandbox is not tight")

    run.refresh_from_db()
    held = runs.holds(run.revision)
    assert run.verdict == Verdict.ERROR
    assert "not a pass" in held[0]
    assert held[1].startswith("UPL-TYPE: ")


def test_a_finished_run_is_on_record_with_its_verdict_and_what_it_was_about():
    run = _finished([], [WARNING])

    entry = Entry.objects.get(event="checks.finish")

    assert (entry.actor, entry.subject) == ("", run.public_id)
    assert entry.details == {
        "verdict": "warned",
        "revision": run.revision.oid,
        "manifest": run.revision.manifest_digest,
        "report": canonical.digest(run.report),
    }
    assert log.verify().problems == []


def test_text_that_the_database_cannot_hold_does_not_lose_a_finding():
    odd = block("ST-HEADER", "bad", value=2**60, evidence={"a\0b": "c\ud800d", "n": float("nan")})

    run = _finished([], [odd])

    assert run.verdict == Verdict.BLOCKED
    assert run.report["findings"][0]["value"] == str(2**60)
