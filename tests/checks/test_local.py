"""The checks at a contributor's desk: the same report as the site's, without Django."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from registry.checks import catalogue, document, local
from registry.checks.__main__ import BLOCKED, ERROR, PASSED, WARNED, main
from registry.checks.engines import Ballot
from tests.checks import models

SCAN = ["--no-run", "--quiet"]
# Runs the program and says afterwards which modules it has loaded
WITNESS = """
import runpy, sys
try:
    runpy.run_module("registry.checks", run_name="__main__")
finally:
    print(" ".join({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def _folder(tmp_path: Path, files: dict[str, bytes]) -> Path:
    folder = tmp_path / "tiny-llama"
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def _report(capsys: pytest.CaptureFixture[str]) -> dict:
    report: dict = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, document.schema(), cls=jsonschema.Draft202012Validator)
    return report


def test_a_whole_check_loads_neither_django_nor_celery_nor_torch(tmp_path: Path):
    folder, report_file = _folder(tmp_path, models.llama()), tmp_path / "report.json"

    ended = subprocess.run(
        [sys.executable, "-c", WITNESS, str(folder), "--profile", "structural",
         "--json", str(report_file), "--quiet"],
        capture_output=True, text=True, check=False, timeout=300,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO")},
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip

    loaded = set(ended.stderr.splitlines()[-1].split())
    assert "registry" in loaded
    assert loaded.isdisjoint({"django", "celery", "torch", "transformers", "psycopg"})
    report = json.loads(report_file.read_text())
    jsonschema.validate(report, document.schema(), cls=jsonschema.Draft202012Validator)
    assert ended.returncode == {"passed": PASSED, "warned": WARNED}.get(report["verdict"]), report
    assert {"scan", "load", "forward"} <= {
        stage["name"] for stage in report["stages"] if stage["status"] == "done"
    }
    assert report["device"]["kind"] in ("cpu", "cuda")
    assert report["versions"]["torch"]
    assert report["isolation"]["level"] >= 2
    assert report["repo"] == "local/tiny-llama"


def test_each_verdict_has_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sound = _folder(tmp_path / "sound", models.llama())
    odd = _folder(tmp_path / "odd", {**models.llama(), "README.md": b"# No license\n"})
    broken = _folder(tmp_path / "broken", {**models.llama(), "train.py": b"import os\n"})

    assert main([str(sound), *SCAN]) == PASSED
    assert "✓ passed" in capsys.readouterr().out
    warned = main([str(odd), *SCAN])
    assert (warned, "! passed, with warnings" in capsys.readouterr().out) in (
        (WARNED, True),
        (PASSED, False),  # where no scanner warns about cards without a license
    )
    assert main([str(odd), *SCAN, "--allow-warnings"]) == PASSED
    assert main([str(broken), *SCAN]) == BLOCKED
    assert main([str(tmp_path / "nowhere"), *SCAN]) == ERROR
    assert "nowhere" in capsys.readouterr().err
    with pytest.raises(SystemExit) as mistyped:
        main([str(sound), "--jsn"])
    assert mistyped.value.code == ERROR


def test_a_finding_says_what_where_why_and_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = _folder(tmp_path, {**models.llama(), "archive.zip": b"PK\x03\x04"})

    assert main([str(folder), *SCAN]) == BLOCKED

    shown = " ".join(capsys.readouterr().out.split())
    check = catalogue.CHECKS["UPL-TYPE"]
    assert "✗ blocks UPL-TYPE" in shown
    assert "in archive.zip" in shown
    assert f"mend: {check.remedy}" in shown
    assert f"why: {check.matters}" in shown or not check.matters


def test_what_clients_do_not_upload_is_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    left_out = {".git/hooks/run.sh": b"#!/bin/sh\n", ".cache/huggingface/a.lock": b""}
    folder = _folder(tmp_path, {**models.llama(), **left_out})
    plain = _folder(tmp_path / "plain", models.llama())

    main([str(folder), *SCAN, "--json", "-"])
    report = _report(capsys)
    main([str(plain), *SCAN, "--json", "-"])

    assert report["findings"] == []
    assert report["manifest"] == _report(capsys)["manifest"]


def test_links_count_as_the_files_they_lead_to_and_other_things_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = _folder(tmp_path, models.llama())
    (folder / "model.safetensors").rename(tmp_path / "blob")
    (folder / "model.safetensors").symlink_to(tmp_path / "blob")
    assert main([str(folder), *SCAN]) == PASSED

    os.mkfifo(folder / "pipe.json")
    assert main([str(folder), *SCAN]) == ERROR
    assert "pipe.json" in capsys.readouterr().err


def test_a_single_file_is_checked_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sound = tmp_path / "model.safetensors"
    sound.write_bytes(models.llama()["model.safetensors"])
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(sound.read_bytes()[:-1])

    main([str(sound), "--json", "-", "--quiet"])
    report = _report(capsys)
    assert [found["id"] for found in report["findings"] if found["severity"] == "block"] == []
    assert {stage["status"] for stage in report["stages"][1:]} == {"skipped"}
    assert main([str(cut), "--quiet"]) == BLOCKED
    assert "ST-HEADER" in capsys.readouterr().out


def test_what_blocks_keeps_the_smoke_test_from_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = _folder(tmp_path, {**models.llama(), "config.json": b"{"})

    assert main([str(folder), "--json", "-"]) == BLOCKED

    reasons = {stage["reason"] for stage in _report(capsys)["stages"] if stage["name"] != "scan"}
    assert len(reasons) == 1
    assert "has to be mended first" in reasons.pop()


def test_malware_scanners_vote_as_on_the_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch = pytest.importorskip("torch")
    files = models.llama()
    del files["model.safetensors"]
    folder = _folder(tmp_path, files)
    torch.save({"model.norm.weight": torch.ones(4)}, folder / "pytorch_model.bin")

    main([str(folder), *SCAN, "--json", "-"])
    votes = [(vote["engine"], vote["vote"]) for vote in _report(capsys)["engines"]]
    main([str(folder), *SCAN, "--json", "-", "--engines"])

    assert votes == [("picklescan", "clean")]
    assert _report(capsys)["engines"] == []


def test_a_malware_scanner_that_is_not_there_gives_an_error_and_no_pass(tmp_path: Path):
    folder = _folder(tmp_path, models.llama())

    report = local.check(local.Wanted(folder, runs=False, ballot=Ballot(("invented",))))

    assert report["verdict"] == "error"
    assert "The malware scanner invented failed" in report["reason"]


def test_a_machine_that_cannot_shut_models_in_gives_an_error_and_no_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from registry.checks.smoke import isolation

    monkeypatch.setattr(isolation, "self_test", lambda: isolation.Isolation(1))
    folder = _folder(tmp_path, models.llama())

    assert main([str(folder), "--json", "-", "--quiet"]) == ERROR

    report = _report(capsys)
    assert report["verdict"] == "error"
    assert "isolation level 1" in report["reason"]
