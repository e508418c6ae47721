"""The benchmark scripts work. How fast anything is, is not judged here."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import catalog, catalog_contents, gpu, load, report
from benchmarks.instance import PREPARED
from benchmarks.report import Table
from benchmarks.smoke import MODEL, Bare, Pair
from registry.catalog import facts
from registry.catalog.models import SearchEntry
from registry.checks.smoke.isolation import gpu_nodes
from registry.checks.smoke.limits import SmokeResult
from tests import nginx
from tests.instance import prepared

ROOT = Path(__file__).parents[1]
PARTS = {
    "metadata": (["metadata"], 1),
    "commits": (["commits"], 3),
    "downloads": (["downloads", "--handovers", "own"], 2),
    "uploads": (["uploads"], 1),
    "lineage": (["lineage"], 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_quick_run_measures_and_writes_a_report(part: str, tmp_path: Path) -> None:
    if part == "downloads" and nginx.program() is None:
        pytest.skip("nginx is not installed")
    arguments, tables = PARTS[part]
    command = [sys.executable, "-m", "benchmarks", *arguments, "--quick", "--out", str(tmp_path)]
    environment = os.environ | {PREPARED: str(prepared.folder())}

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads((tmp_path / "benchmarks.json").read_text())
    assert found["quick"]
    assert len(found["tables"]) == tables
    assert all(table["rows"] for table in found["tables"])
    assert "a quick run" in (tmp_path / "benchmarks.md").read_text()


@pytest.mark.slow
def test_the_smoke_test_is_measured_on_a_random_model_to_its_last_stage(tmp_path: Path) -> None:
    """The one that is made for a graphics card, at a size that needs none."""
    gpu.make_model(tmp_path / "model", gpu.SHAPES["tiny"])
    command = [sys.executable, "-m", "benchmarks", "smoke", "--quick", "--out", str(tmp_path)]
    environment = os.environ | {MODEL: str(tmp_path / "model")}

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-4000:]
    beside, stages = json.loads((tmp_path / "benchmarks.json").read_text())["tables"]
    assert [row["seconds"] > 0 for row in beside["rows"]] == [True] * 3
    assert {row["status"] for row in stages["rows"]} == {"done"}
    assert [row["stage"] for row in stages["rows"]][-1] == "behave"


def test_the_sandbox_is_charged_for_what_the_bare_script_does_too() -> None:
    stages = [
        {"name": name, "status": "done", "seconds": seconds}
        for name, seconds in (("text", 3.0), ("load", 1.0), ("forward", 20.0), ("generate", 8.0))
    ]
    pair = Pair(Bare(14.0, tokenizer=0.5, first=0.5), SmokeResult([], stages=stages, seconds=37.0))

    assert pair.alone == 13.5
    assert pair.inside == 14.5  # five of starting, one and eight of the stages, and the tokenizer


def test_what_a_device_could_do_is_set_beside_what_the_smoke_test_did() -> None:
    rates = gpu.rates_of("cpu", 1024 * 1024)
    size = gpu.SHAPES["tiny"].bytes
    read = size - 2 * 512 * 64
    result = SmokeResult([], metrics={"load_s": 2.0, "decode_tok_s": 10.0})
    rates = replace(rates, pageable=float(size), within=50.0 * read)

    rows = gpu.compared("tiny", [result], rates).as_json()["rows"]

    assert rates.pinned is None  # there is no such copy on a processor
    assert [row["share"] for row in rows] == [0.5, 0.2]
    assert rows[1]["the device"] == 50.0


@pytest.mark.skipif(bool(gpu_nodes()), reason="there is one here")
def test_without_a_graphics_card_nothing_is_said_of_one(tmp_path: Path) -> None:
    [table] = gpu.measure(tmp_path, quick=True)

    assert (table.rows, table.notes) == ([], ["Not measured: there is no CUDA device."])


def test_the_large_shape_has_eight_billion_parameters() -> None:
    assert 8.0e9 < gpu.SHAPES["8B"].bytes / 2 < 8.1e9


def test_a_share_of_requests_took_at_most_so_long() -> None:
    measured = load.Measured(4, 0, 2.0, [0.004, 0.001, 0.003, 0.002])

    assert (measured.percentile(0.5), measured.percentile(0.99)) == (3.0, 4.0)
    assert measured.requests_a_second == 2.0


def test_a_table_is_shown_with_what_it_means() -> None:
    table = Table("Speed", ["what", "ms"], notes=["Less is better."])
    table.add("fast", 0.123)
    table.add("slow", 1234.5)

    assert table.markdown().splitlines() == [
        "### Speed",
        "",
        "| what | ms |",
        "| --- | --- |",
        "| fast | 0.12 |",
        "| slow | 1,234 |",
        "",
        "Less is better.",
    ]


def test_a_part_that_is_measured_again_replaces_its_own_table_alone() -> None:
    speed = Table("Speed", ["what", "ms"], notes=["Less is better."])
    speed.add("fast", 1)
    size = Table("Size", ["what", "MiB"])
    size.add("small", 2)
    found = {
        "measured_at": "2026-01-02T03:04:05+00:00",
        **{"revision": "abc", "machine": "2 cores", "load": [0.5, 1.0, 2.0]},
    }
    said = "Measured on 2026-01-02 at revision `abc` with 2 cores; the load average was 0.5 at the end."
    page = (
        "# Benchmarks\n\nBy hand.\n\n## A part\n\n### Speed\n\nMeasured on some day.\n\n"
        "| what | ms |\n| --- | --- |\n| fast | 9 |\n\nLess is better.\n\nWhy: by\nhand.\n\n"
        "### Other\n\n| a |\n| --- |\n\n## End\n\nBy hand.\n"
    )

    once = report.rewritten(page, found, [speed, size])

    assert once == report.rewritten(once, found, [size, speed])
    assert once == (
        f"# Benchmarks\n\nBy hand.\n\n## A part\n\n### Speed\n\n{said}\n\n"
        "| what | ms |\n| --- | --- |\n| fast | 1 |\n\nLess is better.\n\nWhy: by\nhand.\n\n"
        "### Other\n\n| a |\n| --- |\n\n## End\n\nBy hand.\n\n"
        f"### Size\n\n{said}\n\n| what | MiB |\n| --- | --- |\n| small | 2 |\n"
    )


@pytest.mark.django_db
def test_a_catalog_of_invented_models_answers_every_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog_contents, "INVENTED", 30)
    facts.load()
    maker = catalog_contents.Maker()

    maker.fill(50)
    taken = catalog_contents.measure(1)

    assert SearchEntry.objects.exclude(facets=[]).count() > 40
    table = catalog.table_of({50: taken, 100: taken})
    assert {row[0] for row in table.rows} >= {"list", "three facets", "words with mistakes"}
    assert "| list |" in table.markdown()
