"""`python -m benchmarks [PART ...]`: measure, print, and write a report."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    catalog,
    checks,
    commits,
    downloads,
    gpu,
    lineage,
    metadata,
    queue,
    report,
    smoke,
    uploads,
)
from benchmarks.report import SOURCE, Table

PARTS = (
    *("metadata", "commits", "downloads", "uploads"),
    *("catalog", "scan", "lineage", "queue", "smoke", "gpu"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all where none is named")
    parser.add_argument("--quick", action="store_true", help="small and short, to try the scripts")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/benchmarks.md too"
    )
    parser.add_argument("--upload-mb", type=int, default=0, help="megabytes to upload")
    parser.add_argument("--rounds", type=int, default=3, help="how often each upload is made")
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks"), help="the report")
    parser.add_argument("--folder", type=Path, help="where instances and files are made")
    parser.add_argument("--handovers", nargs="*", default=(), choices=downloads.HANDOVERS)
    parser.add_argument("--shape", choices=gpu.SHAPES, default="8B", help="of the model of `gpu`")
    chosen = parser.parse_args()
    tables: list[Table] = []
    for part in chosen.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix=f"bench-{part}-", dir=chosen.folder) as folder:
            began = time.monotonic()
            tables += _measure(part, Path(folder), chosen)
            print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    found = report.as_json(tables, quick=chosen.quick)
    report.write(chosen.out, found, tables)
    if chosen.write:
        page = SOURCE / "docs" / "benchmarks.md"
        page.write_text(report.rewritten(page.read_text(), found, tables))
    print(report.as_markdown(found, tables))
    print(f"Written to {chosen.out}/benchmarks.json and benchmarks.md.")
    return 0


def _measure(part: str, folder: Path, chosen: argparse.Namespace) -> list[Table]:
    if part == "metadata":
        return metadata.measure(folder, quick=chosen.quick)
    if part == "catalog":
        return catalog.measure(folder, quick=chosen.quick)
    if part == "queue":
        return queue.measure(folder, quick=chosen.quick)
    if part == "commits":
        return commits.measure(folder, quick=chosen.quick)
    if part == "downloads":
        return downloads.measure(folder, quick=chosen.quick, only=tuple(chosen.handovers))
    if part == "scan":
        return checks.measure(folder, quick=chosen.quick)
    if part == "smoke":
        return smoke.measure(folder, quick=chosen.quick)
    if part == "gpu":
        return gpu.measure(folder, quick=chosen.quick, shape=chosen.shape)
    if part == "lineage":
        return lineage.measure(folder, quick=chosen.quick)
    size = chosen.upload_mb * 10**6
    return uploads.measure(folder, quick=chosen.quick, size=size, rounds=chosen.rounds)


if __name__ == "__main__":
    sys.exit(main())
