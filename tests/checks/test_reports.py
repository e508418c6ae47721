"""The report has one shape, while a run is going on and for ever after."""

import jsonschema
import pytest

from registry.checks import reports, runs
from registry.checks.findings import block, info, warn
from registry.checks.models import CheckRun, JobKind
from tests import factories

pytestmark = pytest.mark.django_db

SCAN_STAGE = {"name": "scan", "status": "done", "seconds": 0.5, "reason": None}
SMOKE = {
    "stages": [
        {"name": "load", "status": "done", "seconds": 2.5, "reason": None, "target": "model"},
        {"name": "generate", "status": "failed", "seconds": 1, "reason": "no", "target": "model"},
    ],
    "metrics": {"decode_tok_s": 88.1},
    "samples": [{"prompt": "The capital", "output": " of France", "target": "model"}],
    "device": {"kind": "cpu", "name": "a processor"},
    "versions": {"torch": "2.13.0"},
    "isolation": {"level": 3, "network": "none"},
    "log_tail": "one line",
}


def _valid(run: CheckRun) -> dict:
    run.refresh_from_db()
    report = reports.report_of(run)
    jsonschema.validate(report, reports.schema(), cls=jsonschema.Draft202012Validator)
    return report


def _run() -> CheckRun:
    return CheckRun.objects.get(revision=factories.make_revision())


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(reports.schema())


def test_a_run_has_a_report_at_every_step_of_its_life():
    run = _run()
    queued = _valid(run)
    scan = factories.claim_job(run)
    scanning = _valid(run)
    runs.finish(scan, runs.Outcome([warn("CFG-DTYPE", "odd")], {"stages": [SCAN_STAGE]}))
    smoke = factories.claim_job(run, JobKind.SMOKE)
    runs.write_progress(
        smoke,
        [
            {"at": "now", "target": "m", "stage": "load", "status": "done", "done": None, "note": ""},
            {"at": "now", "target": "m", "stage": "text", "status": "started", "done": None, "note": ""},
        ],
    )  # fmt: skip
    trying = _valid(run)
    runs.finish(smoke, runs.Outcome([info("PERF", "fast")], SMOKE))
    finished = _valid(run)

    assert [r["state"] for r in (queued, scanning, trying, finished)] == [
        "queued", "running", "running", "finished",
    ]  # fmt: skip
    assert [r["verdict"] for r in (queued, trying, finished)] == [None, None, "warned"]
    assert [(s["name"], s["status"]) for s in trying["stages"]] == [
        ("scan", "done"), ("load", "done"), ("text", "running"),
    ]  # fmt: skip
    assert [(s["name"], s["status"]) for s in finished["stages"]] == [
        ("scan", "done"), ("load", "done"), ("generate", "failed"),
    ]  # fmt: skip
    assert [f["id"] for f in trying["findings"]] == ["CFG-DTYPE"]
    assert finished["findings"][0]["help"] == "/docs/checks#cfg-dtype"
    assert finished["metrics"] == {"decode_tok_s": 88.1}
    assert finished["samples"][0]["output"] == " of France"
    assert finished["device"]["kind"] == "cpu"
    assert finished["isolation"]["level"] == 3
    assert finished["seconds"] >= 0


def test_a_blocked_run_says_which_stages_were_left_out_and_why():
    run = _run()
    runs.finish(factories.claim_job(run), runs.Outcome([block("SEC-PICKLE", "calls os.system")]))

    stages = {stage["name"]: stage for stage in _valid(run)["stages"]}

    assert {name: stage["status"] for name, stage in stages.items()} == {
        "scan": "done",
        "weights": "skipped",
        "text": "skipped",
        "run": "skipped",
    }
    assert "SEC-PICKLE" in stages["run"]["reason"]


def test_an_error_is_reported_with_its_reason():
    revision = factories.make_revision()

    report = _valid(factories.finish_checks(revision, "error"))

    assert report["verdict"] == "error"
    assert report["reason"] == "The worker was lost (attempt 3 of 3)."
    assert report["stages"][0]["status"] == "failed"


@pytest.mark.parametrize("verdict", ["passed", "warned", "blocked"])
def test_the_report_of_every_verdict_meets_the_schema(verdict: str):
    report = _valid(factories.finish_checks(factories.make_revision(), verdict))

    assert report["verdict"] == verdict


def test_a_report_stays_as_it_was_when_the_repository_is_renamed():
    run = factories.finish_checks(factories.make_revision())
    repository = run.revision.repository
    before = repository.full_name
    type(repository).objects.filter(pk=repository.pk).update(name="renamed")

    assert reports.report_of(CheckRun.objects.get(pk=run.pk))["repo"] == before


def test_watchers_learn_that_a_worker_was_lost():
    run = _run()
    runs.fail(factories.claim_job(run), reason="The worker was lost")
    run.refresh_from_db()

    scan = reports.progress_of(run)["jobs"][0]

    assert (scan["state"], scan["attempt"]) == ("queued", 1)
    assert scan["note"] == "The worker was lost; the test runs again (attempt 2)."


def test_findings_are_grouped_gravest_first_with_help_from_the_catalogue():
    run = _run()
    found = [
        info("PERF", "fast"),
        block("UPL-TYPE", "b.py", file="b.py"),
        warn("CFG-NEW", "of a check that left the catalogue"),
        block("UPL-TYPE", "a.py", file="a.py"),
        block("ST-HEADER", "cut off"),
    ]
    runs.finish(factories.claim_job(run), runs.Outcome(found))

    groups = reports.grouped(run)

    assert [(group.check_id, len(group.rows)) for group in groups] == [
        ("UPL-TYPE", 2), ("ST-HEADER", 1), ("CFG-NEW", 1), ("PERF", 1),
    ]  # fmt: skip
    assert groups[0].check.remedy
    assert groups[2].check is None
