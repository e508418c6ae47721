"""A file that passed is not read again, and nothing is judged otherwise for it."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from django.utils import timezone

from registry.catalog import files
from registry.catalog.models import RepositoryType
from registry.checks import file_results, reports, runs, work
from registry.checks.engines import Vote
from registry.checks.findings import ModelFile
from registry.checks.models import CachedResult, CheckRun, Rescan
from registry.checks.scanners import run as runner
from registry.checks.scanners import scan
from registry.storage import blobs
from tests import factories
from tests.checks import models
from tests.checks.corpus import acting, benign, confusing, wording

CASES = [*acting.cases(), *confusing.cases(), *wording.cases()][::12] + benign.cases()[::6]
FILE = ModelFile("pytorch_model.bin", 2 * file_results.LEAST_BYTES, "a" * 64, Path("none"))
CLEAN = Vote("picklescan", "1", FILE.path, "clean")


def _checkpoint() -> bytes:
    target = io.BytesIO()
    torch.save({"weight": torch.ones(file_results.LEAST_BYTES // 4)}, target)
    return target.getvalue()


def test_what_passed_alone_is_judged_as_if_it_was_read_anew(tmp_path: Path) -> None:
    kept = 0
    for number, case in enumerate(CASES):
        here = models.put(tmp_path / str(number), case.make())
        alone = {
            file.path for file in here if file.path in scan([file], repository="lab/tiny").clean
        }
        fresh = scan(here, repository="lab/tiny")
        again = scan(here, repository="lab/tiny", known=alone)

        assert again.findings == fresh.findings, case.id
        assert again.clean == fresh.clean == alone, case.id
        kept += len(alone)
    assert kept > len(CASES)


def test_a_check_that_stopped_early_has_passed_nothing_after_it(tmp_path: Path) -> None:
    names = [f"{number:03}.txt" for number in range(runner.FINDINGS_PER_CHECK + 5)]
    files = models.put(tmp_path, dict.fromkeys(names, b"\x7fELF and so on"))

    assert scan(files, repository="lab/tiny").clean == frozenset()


@pytest.mark.django_db
def test_a_commit_of_the_card_alone_reads_no_byte_of_the_weights() -> None:
    content = {"README.md": factories.CARD, "pytorch_model.bin": _checkpoint()}
    first = _scanned(factories.make_revision(files=content))
    entry = files.find(first.revision, "pytorch_model.bin")
    assert reports.report_of(first)["stages"][0]["reason"] is None
    # Whoever reads the numbers after this finds their checksum wrong
    with blobs.local_copy(entry.sha256) as place:
        place.chmod(0o600)
        with place.open("r+b") as stream:
            stream.seek(place.stat().st_size // 2)
            stream.write(b"\xff\xff")

    card = {"README.md": factories.CARD + "More words.\n"}
    second = _scanned(factories.make_commit(first.revision.repository, card))
    report = reports.report_of(second)
    assert not second.findings.filter(file="pytorch_model.bin").exists()
    assert "1 of 3 files passed the same checks before" in report["stages"][0]["reason"]
    assert [vote["vote"] for vote in report["engines"]] == ["clean"]

    maintainer = factories.make_maintainer()
    third = runs.rerun(second.revision, by=factories.as_caller(maintainer))
    work.perform(factories.claim_job(third))
    assert third.findings.filter(check_id="SEC-CONTAINER").exists()

    now = timezone.now()
    rescan = Rescan.objects.create(catalogue="1", reason="r", started_by=maintainer, started_at=now)
    CheckRun.objects.filter(pk=second.pk).update(rescan=rescan)
    second.refresh_from_db()
    model = [replace(FILE, sha256=entry.sha256, size=entry.size)]
    assert file_results.known(second, model, now=now) == file_results.Known()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    ["check", "scanner", "edition", "path", "bytes", "engines", "type", "repository", "age", ""],
)
def test_what_it_rests_on_has_to_be_the_same(
    settings, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    now, file = timezone.now(), FILE
    run = CheckRun.objects.get(revision=factories.make_revision())
    file_results.keep(run, [FILE], {FILE.path}, [CLEAN], now=now)
    match change:
        case "check":
            monkeypatch.setitem(file_results.catalogue.VERSIONS, "SEC-CONTAINER", 99)
        case "scanner":
            monkeypatch.setattr(file_results, "SCANNER_VERSION", "99")
        case "edition":
            monkeypatch.setattr(file_results.catalogue, "CATALOGUE", "2099.1")
        case "path":
            file = replace(FILE, path="other/pytorch_model.bin")
        case "bytes":
            file = replace(FILE, sha256="b" * 64)
        case "engines":
            settings.CHECK_ENGINES = ["picklescan", "clamav"]
        case "type":
            run.revision.repository.type = RepositoryType.DATASET
        case "repository":
            run = CheckRun.objects.get(revision=factories.make_revision())
        case "age":
            now += file_results.KEPT

    found = file_results.known(run, [file], now=now)

    same = file_results.Known(frozenset({FILE.path}), {("picklescan", FILE.path): CLEAN})
    assert found == (file_results.Known() if change else same)


@pytest.mark.django_db
def test_only_large_files_that_everything_passed_are_kept() -> None:
    now = timezone.now()
    run = CheckRun.objects.get(revision=factories.make_revision())

    def kept(file: ModelFile, clean: set[str], *votes: Vote) -> bool:
        CachedResult.objects.all().delete()
        file_results.keep(run, [file], clean, votes, now=now)
        return CachedResult.objects.exists()

    assert kept(FILE, {FILE.path}, CLEAN)
    assert not kept(FILE, set(), CLEAN)
    assert not kept(FILE, {FILE.path})
    assert not kept(FILE, {FILE.path}, replace(CLEAN, vote="hit"))
    assert not kept(FILE, {FILE.path}, CLEAN, Vote("clamav", "1", FILE.path, "hit", "Some"))
    assert not kept(replace(FILE, size=file_results.LEAST_BYTES - 1), {FILE.path}, CLEAN)
    assert kept(replace(FILE, path="data.json"), {"data.json"})

    later = now + file_results.KEPT + timedelta(seconds=1)
    file_results.keep(run, [], (), (), now=later)
    assert not CachedResult.objects.exists()


def _scanned(revision) -> CheckRun:
    run = CheckRun.objects.get(revision=revision)
    work.perform(factories.claim_job(run))
    return run
