"""The benchmark scripts work. How fast anything is, is not judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.report import Table
from tests import nginx

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

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads((tmp_path / "benchmarks.json").read_text())
    assert found["quick"]
    assert len(found["tables"]) == tables
    assert all(table["rows"] for table in found["tables"])
    assert "a quick run" in (tmp_path / "benchmarks.md").read_text()


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
