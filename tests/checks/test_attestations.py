"""Who has the registry's public key can show years later which verdict these bytes were given."""

import base64
import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from registry.audit import keys
from registry.audit.models import SigningKey
from registry.catalog import files
from registry.checks import attestations, envelopes, runs
from registry.checks.__main__ import BLOCKED, ERROR, PASSED, main
from registry.checks.findings import info
from registry.checks.models import CheckRun, JobKind
from registry.errors import Invalid
from registry.storage import blobs
from tests import factories

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
SMOKE = {
    "device": {"kind": "cpu", "name": "a processor"},
    "versions": {"torch": "2.13.0"},
    "isolation": {"level": 3},
    "metrics": {"seed": 0, "probe": "probe-v1", "kl_cache_max": 1e-05, "whole": 3.0},
}
FILES = {"README.md": b"# Tiny\n", "sub/config.json": b"{}", "a é.txt": b"x"}


@pytest.fixture
def run() -> CheckRun:
    made = CheckRun.objects.get(revision=factories.make_revision(files=FILES))
    runs.finish(factories.claim_job(made), runs.Outcome([]))
    smoke = runs.Outcome([info("PERF", "fast")], SMOKE)
    runs.finish(factories.claim_job(made, JobKind.SMOKE), smoke)
    made.refresh_from_db()
    return made


@pytest.fixture
def at_desk(run: CheckRun, tmp_path: Path) -> Path:
    """The statement, the key, the report, and the files, without any registry."""
    (tmp_path / "attestation.json").write_text(json.dumps(run.attestation, indent=2))
    (tmp_path / "report.json").write_text(json.dumps(run.report, indent=2))
    (tmp_path / "key").write_text(f"{_public_key().hex()}\n")
    for entry in files.files_of(run.revision):
        place = tmp_path / "model" / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(blobs.read(entry.sha256, limit=10_000))
    return tmp_path


def _public_key() -> bytes:
    return bytes(SigningKey.objects.get(retired_at=None).public_key)


def _cli(folder: Path, *more: str) -> int:
    model = [str(folder / "model")]
    return main(
        ["verify", str(folder / "attestation.json"), *model, "--key", str(folder / "key"), *more]
    )


def test_a_finished_run_is_signed_with_all_that_it_was_about(run: CheckRun):
    said = envelopes.verify(json.dumps(run.attestation).encode(), [_public_key()])

    predicate = said["predicate"]
    assert {subject["name"] for subject in said["subject"]} == {
        ".gitattributes", *FILES,
    }  # fmt: skip
    assert predicate["revision"] == run.revision.oid
    assert predicate["manifest"] == run.revision.manifest_digest
    assert predicate["verdict"] == "passed"
    assert predicate["findings"] == {"block": 0, "warn": 0, "info": 1}
    environment = predicate["environment"]
    assert environment["device"] == SMOKE["device"]
    assert (environment["seed"], environment["probe"]) == (0, "probe-v1")
    assert environment["isolation"] == {"level": 3}
    assert environment["versions"]["torch"] == "2.13.0"


def test_a_run_that_goes_on_has_no_statement():
    assert CheckRun.objects.get(revision=factories.make_revision()).attestation is None


def test_the_program_verifies_files_and_report_offline(at_desk: Path, capsys):
    assert _cli(at_desk, "--report", str(at_desk / "report.json")) == PASSED
    assert "the verdict" in capsys.readouterr().out

    (at_desk / "report.json").write_text('{"verdict": "passed"}')
    assert _cli(at_desk, "--report", str(at_desk / "report.json")) == BLOCKED
    assert "not the one that was signed" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["other bytes", "one more", "one less"])
def test_other_files_than_the_signed_ones_are_told(at_desk: Path, capsys, change: str):
    model = at_desk / "model"
    if change == "one less":
        (model / "README.md").unlink()
    else:
        (model / ("README.md" if change == "other bytes" else "more.txt")).write_bytes(b"other")

    assert _cli(at_desk) == BLOCKED

    told = {"one less": "is missing", "other bytes": "has other bytes", "one more": "not checked"}
    assert told[change] in capsys.readouterr().out


def test_a_changed_statement_and_a_strange_key_are_refused(run: CheckRun, at_desk: Path):
    raw = json.dumps(run.attestation).encode()
    payload = base64.b64decode(run.attestation["payload"])
    forged = base64.b64encode(payload.replace(b'"passed"', b'"blocked"')).decode()
    changed = [
        run.attestation | {"payload": forged},
        run.attestation | {"payloadType": "text/plain"},
        run.attestation | {"signatures": []},
        run.attestation | {"signatures": [{"sig": "AAAA"}]},
        run.attestation | {"payload": "*"},
        {"payload": run.attestation["payload"]},
    ]
    for envelope in changed:
        with pytest.raises(Invalid):
            envelopes.verify(json.dumps(envelope).encode(), [_public_key()])
    for broken in (b"", b"[]", b"\xff", b'{"a":', raw[:-1]):
        with pytest.raises(Invalid):
            envelopes.verify(broken, [_public_key()])
    with pytest.raises(Invalid):
        envelopes.verify(raw, [bytes(32)])
    other = envelopes.seal({"_type": "another"}, keys.sign)
    with pytest.raises(Invalid):
        envelopes.verify(json.dumps(other).encode(), [_public_key()])
    (at_desk / "key").write_text("00" * 31)
    assert _cli(at_desk) == ERROR


def test_what_two_readers_would_read_differently_is_refused(run: CheckRun, at_desk: Path, capsys):
    said = json.loads(base64.b64decode(run.attestation["payload"]))
    first = said["subject"][0]
    strange: list[dict] = [
        {"subject": [*said["subject"], first | {"digest": {"sha256": "0" * 64}}]},
        {"subject": [1]},
        {"subject": [{"name": "a"}]},
        {"subject": None},
        {"predicate": {}},
        {"predicate": said["predicate"] | {"environment": {"device": "none"}}},
    ]
    for change in strange:
        sealed = envelopes.seal(said | change, keys.sign)
        with pytest.raises(Invalid, match="its parts are not those"):
            envelopes.verify(json.dumps(sealed).encode(), [_public_key()])
    twice = b'{"signatures": [],' + json.dumps(run.attestation).encode()[1:]
    with pytest.raises(Invalid, match="it is not JSON"):
        envelopes.verify(twice, [_public_key()])

    above = said["subject"] + [{"name": "../../etc/passwd", "digest": {"sha256": "0" * 64}}]
    sealed = envelopes.seal(said | {"subject": above}, keys.sign)
    (at_desk / "attestation.json").write_text(json.dumps(sealed))
    assert _cli(at_desk) == BLOCKED
    assert "../../etc/passwd is missing" in capsys.readouterr().out
    for odd in ('{"a": 1e400}', '{"a": "\\ud800"}', '{"a": 1, "a": 1}'):
        (at_desk / "report.json").write_text(odd)
        assert _cli(at_desk, "--report", str(at_desk / "report.json")) == ERROR
        assert "The checks failed" not in capsys.readouterr().err
    assert main(["verify", str(at_desk / "absent"), "--key", str(at_desk / "key")]) == ERROR
    assert "No such file" in capsys.readouterr().err


def test_the_recipe_in_the_docs_verifies_with_python_alone(at_desk: Path):
    (block,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (at_desk / "verify.py").write_text(block)

    def recipe() -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-I", "verify.py", "attestation.json", "key", "model"],
            cwd=at_desk, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    code, told = recipe()
    assert (code, told.split()[0]) == (0, "passed")
    (at_desk / "model" / "README.md").write_bytes(b"# Tiny!\n")
    assert recipe() == (1, "NOT VALID\n")
    (at_desk / "model" / "README.md").write_bytes(FILES["README.md"])
    envelope = json.loads((at_desk / "attestation.json").read_text())
    text = base64.b64decode(envelope["payload"]).replace(b"probe-v1", b"probe-v2")
    envelope["payload"] = base64.b64encode(text).decode()
    (at_desk / "attestation.json").write_text(json.dumps(envelope))
    assert recipe() == (1, "NOT VALID\n")


def test_what_a_machine_without_the_key_finished_is_signed_where_the_key_is(
    run: CheckRun, settings, tmp_path: Path
):
    """A worker of its own has database, broker and storage, and no key."""
    CheckRun.objects.update(attestation=None)
    home, settings.KEY_DIR = settings.KEY_DIR, tmp_path / "none"
    assert attestations.sign_missing(timezone.now()) == 0

    settings.KEY_DIR = home
    assert attestations.sign_missing(timezone.now()) == 1
    assert attestations.sign_missing(timezone.now()) == 0

    run.refresh_from_db()
    envelopes.verify(json.dumps(run.attestation).encode(), [_public_key()])
    CheckRun.objects.update(attestation=None)
    assert attestations.sign_missing(timezone.now() + timedelta(days=2)) == 0
