"""What the sandbox and its watching cost: the smoke test beside a bare script that does the same."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import SOURCE, Table, median
from registry.checks.findings import ModelFile
from registry.checks.smoke import isolation, launcher
from registry.checks.smoke.limits import Limits, SmokeResult

MODEL = "REGISTRY_BENCHMARK_MODEL"
ROUNDS = 3
GOAL = 1.2
SAME = ("load", "generate")
MEMORY_MIB = 65_536


@dataclass(frozen=True)
class Bare:
    """What the bare script took: all of it, opening the tokenizer, and its first short pass."""

    seconds: float
    tokenizer: float
    first: float


@dataclass(frozen=True)
class Pair:
    """One run of each, one after the other."""

    bare: Bare
    result: SmokeResult

    @property
    def alone(self) -> float:
        """The first pass after loading is slower than others; the test makes it in a stage of its own."""
        return self.bare.seconds - self.bare.first

    @property
    def inside(self) -> float:
        """The whole time without the stages that the bare script does not have; of those it shares
        the tokenizer, which the test opens among the checks of texts."""
        stages = self.result.stages
        others = sum(each["seconds"] or 0 for each in stages if each["name"] not in SAME)
        return self.result.seconds - others + self.bare.tokenizer


def measure(folder: Path, *, quick: bool) -> list[Table]:
    """On the model that the variable names, else on the one of the demonstration."""
    model = Path(os.environ.get(MODEL, SOURCE / ".cache" / "models" / "smollm2-safetensors"))
    if not model.is_dir():
        why = f"Not measured: there is no model; {MODEL} names a folder with one."
        return [_table([], notes=[why])]
    return tables(pairs(model, folder, rounds=1 if quick else ROUNDS))


def pairs(model: Path, folder: Path, *, rounds: int) -> list[Pair]:
    """In turns, so that what else the machine does hits both alike."""
    isolation.self_test()  # once for each process, not for each model
    return [Pair(_bare(model), _tried(model, folder)) for _ in range(rounds)]


def tables(found: list[Pair]) -> list[Table]:
    note = (
        "Both start a process, import the libraries, open the tokenizer, load the model and give "
        f"the eight fixed prompts 64 tokens each, in turns; median of {len(found)}. Left out on "
        f"both sides: the first pass after loading. Goal: at most {GOAL}."
    )
    stages = Table("Stages of the smoke test", ("stage", "status", "seconds"))
    for stage in found[0].result.stages:
        stages.add(stage["name"], stage["status"], stage["seconds"])
    return [_table(found, notes=[note]), stages]


def _table(found: list[Pair], *, notes: list[str]) -> Table:
    table = Table(
        "The smoke test beside a bare script",
        ("what", "seconds", "of the bare script"),
        notes=notes,
    )
    if not found:
        return table
    alone = [pair.alone for pair in found]
    inside = [pair.inside for pair in found]
    whole = [pair.result.seconds for pair in found]
    for name, taken in (
        ("bare script", alone),
        ("the same in the sandbox", inside),
        ("the whole test, with all checks", whole),
    ):
        share = median([mine / bare for mine, bare in zip(taken, alone, strict=True)])
        table.add(name, round(median(taken), 1), round(share, 2))
    return table


def _tried(model: Path, folder: Path) -> SmokeResult:
    files = [
        ModelFile(path.name, path.stat().st_size, "", path)
        for path in sorted(model.iterdir())
        if path.is_file()
    ]
    result = launcher.run(
        files,
        repository="benchmark/model-Instruct",
        limits=Limits(3600, MEMORY_MIB, 2),
        scratch=folder / "scratch",
    )
    missed = [each["name"] for each in result.stages if each["status"] != "done"]
    if missed:
        found = [finding.message for finding in result.findings]
        raise RuntimeError(f"{', '.join(missed)} did not come to an end: {found[:5]}")
    return result


def _bare(model: Path) -> Bare:
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks.bare", str(model)],
        cwd=SOURCE,
        check=True,
        capture_output=True,
        text=True,
    )
    return Bare(time.monotonic() - started, **json.loads(done.stdout.splitlines()[-1]))
