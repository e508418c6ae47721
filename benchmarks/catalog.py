"""The catalog with many models in it: lists, searches and counts, at three sizes."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.report import SOURCE, Table, median

SIZES = (1_000, 10_000, 100_000)
BARE = "bare SELECT of a page"


def measure(folder: Path, *, quick: bool) -> list[Table]:
    """In a database of its own, which is gone afterwards."""
    sizes = (100, 300) if quick else SIZES
    rounds = 2 if quick else 20
    command = [sys.executable, "-m", "registry.instance.throw_away", sys.executable]
    command += ["-m", "benchmarks.catalog_contents", json.dumps(sizes), str(rounds)]
    done = subprocess.run(command, cwd=SOURCE, stdout=subprocess.PIPE, check=True)  # noqa: S603
    return [table_of({int(size): taken for size, taken in json.loads(done.stdout).items()})]


def table_of(found: dict[int, dict[str, list[float]]]) -> Table:
    """A row for each way to ask: the median and the slow end, in milliseconds."""
    sizes = sorted(found)
    columns = [f"{size:,}: {what}" for size in sizes for what in ("p50", "p95")]
    table = Table(
        "The catalog, by the number of models",
        ("asked (milliseconds)", *columns, f"× of {sizes[0]:,}", "× of the bare SELECT"),
        notes=[
            "What pages ask of the search, without the page around it: a page of 25, the number of "
            "all, and the counts of every facet. Counts are kept for a minute where there are more "
            "than 5,000 models; “counted anew” is with nothing kept. The words that many bear are "
            "those of about half the models. Up to 10,000 models are invented, each with a card of "
            "its own; beyond, these are there again under other names. The last columns are of the medians at the largest size.",
        ],
    )
    last = found[sizes[-1]]
    bare = median(last[BARE])
    for name, taken in last.items():
        cells = [
            round(value, 1)
            for size in sizes
            for value in (median(found[size][name]), _slow(found[size][name]))
        ]
        first = median(found[sizes[0]][name])
        table.add(name, *cells, round(median(taken) / first, 2), round(median(taken) / bare, 1))
    return table


def _slow(taken: list[float]) -> float:
    return sorted(taken)[max(int(len(taken) * 0.95) - 1, 0)]
