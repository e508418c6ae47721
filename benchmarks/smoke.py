"""What the sandbox and its watching cost: the smoke test beside a bare script that does the same."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import SOURCE, Table
from registry.checks.findings import ModelFile
from registry.checks.smoke import launcher
from registry.checks.smoke.limits import Limits, SmokeResult

MODEL = "REGISTRY_BENCHMARK_MODEL"
ROUNDS = 3
GOAL = 1.2
SAME = ("load", "generate")


def measure(folder: Path, *, quick: bool) -> list[Table]:
    """On the model that the variable names, else on the one of the demonstration."""
    model = Path(os.environ.get(MODEL, SOURCE / ".cache" / "models" / "smollm2-safetensors"))
    table = Table(
        "The smoke test beside a bare script",
        ("what", "seconds", "of the bare script"),
        notes=[
            "Both start a process, import the libraries, load the model and give the eight fixed "
            f"prompts 64 tokens each; median of {1 if quick else ROUNDS}. Goal: at most {GOAL}.",
        ],
    )
    if not model.is_dir():
        table.notes.append(f"Not measured: there is no model; {MODEL} names a folder with one.")
        return [table]
    results = [_tried(model, folder) for _ in range(1 if quick else ROUNDS)]
    bare = statistics.median(_bare(model) for _ in range(1 if quick else ROUNDS))
    same = statistics.median(_same(result) for result in results)
    whole = statistics.median(result.seconds for result in results)
    table.add("bare script", round(bare, 1), 1.0)
    table.add("the same in the sandbox", round(same, 1), round(same / bare, 2))
    table.add("the whole test, with all checks", round(whole, 1), round(whole / bare, 2))
    stages = Table("Stages of the smoke test", ("stage", "seconds"))
    for stage in results[0].stages:
        stages.add(stage["name"], stage["seconds"])
    return [table, stages]


def _tried(model: Path, folder: Path) -> SmokeResult:
    files = [
        ModelFile(path.name, path.stat().st_size, "", path)
        for path in sorted(model.iterdir())
        if path.is_file()
    ]
    return launcher.run(
        files,
        repository="benchmark/model-Instruct",
        limits=Limits(3600, 16_384, 2),
        scratch=folder / "scratch",
    )


def _same(result: SmokeResult) -> float:
    """The whole time without the stages that the bare script does not have."""
    others = [stage["seconds"] or 0 for stage in result.stages if stage["name"] not in SAME]
    return result.seconds - sum(others)


def _bare(model: Path) -> float:
    started = time.monotonic()
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks.bare", str(model)],
        cwd=SOURCE,
        check=True,
        capture_output=True,
    )
    return time.monotonic() - started
