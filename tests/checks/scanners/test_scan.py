"""The scan as a whole: sound models pass, and nothing that is uploaded can break it."""

import random
import resource
from pathlib import Path

import pytest

from registry.checks import catalogue
from registry.checks.findings import Severity, Verdict, verdict
from registry.checks.scanners import ScannerCrashed, scan
from registry.checks.scanners import run as runner
from registry.checks.scanners.folder import Folder
from tests.checks import models


@pytest.mark.parametrize(
    "files",
    [models.llama(), models.sharded(), {"tiny.gguf": models.gguf(), "README.md": models.CARD}],
    ids=["single", "sharded", "gguf"],
)
def test_a_sound_model_passes_without_a_finding(tmp_path: Path, files: dict[str, bytes]) -> None:
    result = scan(models.put(tmp_path, files), repository="lab/tiny")

    assert result.findings == []
    assert verdict(result.findings) is Verdict.PASSED
    assert result.versions["catalogue"] == catalogue.CATALOGUE


def test_progress_is_told_before_each_check_and_at_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    files = models.put(tmp_path, models.llama())

    scan(files, repository="lab/tiny", on_progress=lambda check, done: told.append((check, done)))

    assert [check for check, _ in told][:2] == ["UPL-PATH", "UPL-REPONAME"]
    assert told[-1] == ("", 1.0)
    assert [done for _, done in told] == sorted(done for _, done in told)


def test_every_fault_is_found_at_once(tmp_path: Path) -> None:
    files = models.llama(config=models.config(trust_remote_code=True))
    files |= {"run.sh": b"#!/bin/sh\n", "model.safetensors": files["model.safetensors"][:-4]}

    found = models.blocks_of(tmp_path, files)

    assert {"UPL-TYPE", "SEC-NATIVE", "SEC-CODE", "SEC-CONFIG", "ST-HEADER"} <= found


def test_no_number_of_warnings_hides_what_blocks(tmp_path: Path) -> None:
    places = {f"part{number}": {"_name_or_path": "/home/ada/model"} for number in range(60)}
    files = models.llama(config=models.config(**places))
    files["generation_config.json"] = b'{"trust_remote_code": true}'

    found = [one for one in models.findings_of(tmp_path, files) if one.check == "SEC-CONFIG"]

    assert [one.severity for one in found] == [*[Severity.WARN] * 50, Severity.BLOCK]


def test_a_scanner_that_breaks_breaks_the_run_and_names_check_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(folder: Folder) -> None:
        list(folder.ending(".json"))
        raise RuntimeError("a hole")

    monkeypatch.setitem(runner.SCANNERS, "SEC-JSON", breaks)

    with pytest.raises(ScannerCrashed) as crash:
        scan(models.put(tmp_path, models.llama()), repository="lab/tiny")

    assert (crash.value.check, crash.value.file) == ("SEC-JSON", "tokenizer_config.json")


def test_a_scanner_that_takes_too_much_memory_breaks_the_run_and_not_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    monkeypatch.setitem(runner.SCANNERS, "SEC-JSON", lambda folder: [bytearray(600 * 2**20)])

    with pytest.raises(ScannerCrashed, match="MemoryError"):
        scan(models.put(tmp_path, models.llama()), repository="lab/tiny")

    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize("seed", range(12))
def test_damaged_files_give_findings_and_never_an_exception(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    files = models.llama() | {"tiny.gguf": models.gguf()}
    for name in list(files):
        raw = bytearray(files[name])
        for _ in range(chance.randint(1, 8)):
            raw[chance.randrange(min(len(raw), 4000))] = chance.randrange(256)
        files[name] = bytes(raw[: chance.choice([len(raw), chance.randrange(len(raw))])])

    for finding in models.findings_of(tmp_path, files):
        assert finding.severity in Severity
        assert finding.message.isprintable()
        assert len(finding.message) <= 1000


def test_an_empty_file_of_every_type_gives_no_exception(tmp_path: Path) -> None:
    names = ["a.safetensors", "a.gguf", "pytorch_model.bin", "config.json", "README.md", "a.png"]

    assert models.blocks_of(tmp_path, dict.fromkeys(names, b""))
