"""The checks at a contributor's desk: the same report as the site's, without Django."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from registry.checks import (
    catalogue,
    document,
    figures,
    local,
    local_base,
    local_lineage,
    printed,
)
from registry.checks.__main__ import BLOCKED, ERROR, PASSED, WARNED, main
from registry.checks.engines import Ballot
from registry.checks.smoke.limits import Base, Limits
from tests.checks import models, prints

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
    base = _folder(tmp_path / "base", models.llama())

    ended = subprocess.run(
        [sys.executable, "-c", WITNESS, str(folder), "--profile", "structural",
         "--base", str(base), "--json", str(report_file), "--quiet"],
        capture_output=True, text=True, check=False, timeout=300,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
        | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
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
    assert (report["lineage"]["verdict"], report["lineage"]["kind"]) == ("supported", "identical")
    assert "LIN-IDENTICAL" in {found["id"] for found in report["findings"]}
    assert report["metrics"]["base"]["figures"]["perplexity"] > 1
    assert len(list(tmp_path.glob("cache/registry-checks/bases/*.json.gz"))) == 1
    assert "perplexity, English" in ended.stdout
    assert "comes from local/tiny-llama: supported, identical" in ended.stdout


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


def test_a_base_that_was_measured_before_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    base, limits = Base("lab/base", "0" * 64), Limits()
    said = {"safetensors": prints.records(prints.weights())}
    place = local_base._place(base, limits=limits, profile="full")
    found = {"records": said, "metrics": {"load_s": 2}, "samples": [], "device": {"kind": "cpu"}}
    assert local_base._write(place, found)

    def measure() -> local_base.Measured:
        return local_base.measure(
            base, limits=limits, profile="full", scratch=tmp_path, on_event=lambda event: None
        )

    again = measure()
    place.parent.chmod(0o777)
    assert local_base._read(place) is None
    assert not local_base._write(place, found)
    place.parent.chmod(0o700)
    whole = place.read_bytes()
    for at in range(10, len(whole), len(whole) // 50):  # most of these are nothing to unpack
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        local_base._read(place)
    place.write_bytes(whole[:100])
    anew = measure()

    assert again.note.startswith("Not run again")
    assert again.records == said
    assert again.record["measured"]["figures"] == {"load_s": 2.0}
    assert (anew.records, anew.note) == ({}, "Run before the model.")
    assert local_base._place(base, limits=limits, profile="structural") != place


def test_a_desk_judges_where_weights_come_from_as_the_site_does():
    base = {"safetensors": prints.records(prints.weights())}
    tuned = {"safetensors": prints.records(prints.tuned(prints.weights()))}
    other = {"safetensors": prints.records(prints.weights(5))}

    found = local_lineage.judge(tuned, base, base="lab/base", relation="")
    against = local_lineage.judge(other, base, base="lab/base", relation="")
    nothing = local_lineage.judge({"x.gguf": {}}, base, base="lab/base", relation="")

    assert (found.report or {})["verdict"] == "supported"
    assert [one.check for one in found.findings] == ["LIN-KIND"]
    assert (against.report or {})["verdict"] == "contradicted"
    assert [one.check for one in against.findings] == ["LIN-BASE"]
    assert (nothing.report, nothing.stage["status"]) == (None, "skipped")


def test_a_base_that_the_scan_blocks_is_not_opened(tmp_path: Path):
    files = {**models.llama(), "train.py": b"import os\n"}
    usable, why = local_base.usable(local.files_at(_folder(tmp_path, files)), repository="lab/base")
    assert ("train.py" in {file.path for file in usable}, why) == (False, "")

    broken = _folder(tmp_path / "broken", {**models.llama(), "config.json": b"{"})
    usable, why = local_base.usable(local.files_at(broken), repository="lab/base")
    assert usable == []
    assert "has to be mended in it first" in why


def test_figures_are_told_beside_the_base_and_the_last_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    here = {"kind": "cpu", "name": "A", "threads": 2}
    report = local.check(local.Wanted(_folder(tmp_path, models.llama()), runs=False))
    report |= {"device": here}
    report["metrics"] = {
        "decode_tok_s": 10.0,
        "perplexity": {"en": 9.0},
        "greedy_fingerprint": "ab" * 32,
        "base": {"device": here, "figures": {"decode_tok_s": 20.0, "perplexity": 9.0}},
        "last": figures.about(
            {**report, "metrics": {"decode_tok_s": 5}, "device": {"kind": "cuda"}}
        ),
    }

    jsonschema.Draft202012Validator(document.schema()["$defs"]["beside"]).validate(
        report["metrics"]["last"]
    )
    shown = " ".join(printed.lines(report))

    assert "tokens per second: 10; the base 20 (-10, -50.0%); the last release 5 " in shown
    assert "perplexity, English: 9; the base 9 (+0, +0.0%)" in shown
    assert "the last release was measured on cuda: speed and memory are not compared" in shown
    last = tmp_path / "last.json"
    last.write_text("[]")
    assert main([str(tmp_path / "tiny-llama"), *SCAN, "--last-report", str(last)]) == ERROR
    assert "is no report" in capsys.readouterr().err
