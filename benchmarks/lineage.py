"""Measured lineage: two models told apart by their files, and by what is kept of them."""

import time
from pathlib import Path

import numpy

from benchmarks import checks
from benchmarks.checks import Measured, forget, make_model, peak
from benchmarks.report import Table, median
from registry.checks.lineage import kinds, verdicts
from registry.checks.lineage.compare import compare
from registry.checks.lineage.fingerprints import Prints, decode, encode, read

BLOCK = 16 * 1024 * 1024


def measure(folder: Path, *, quick: bool) -> list[Table]:
    size = 0.05 if quick else 2.0
    base, tuned = folder / "base", folder / "tuned"
    for place in (base, tuned):
        place.mkdir()
        names = make_model(place, layers=max(1, round(size * 10)))
    for name in names:
        _tune(tuned / name)
    total = sum((place / name).stat().st_size for place in (base, tuned) for name in names)
    table = Table(
        f"Comparing two models of {total / 2e9:.2f} GB",
        (
            *("work", "from", "seconds", "GB a second", "of reading"),
            *("CPU seconds a GB", "MiB more"),
        ),
        notes=[
            "Files are read once, when a model is uploaded; later comparisons read what was kept, "
            "never the weights of the other model. Each tensor is hashed by SHA-256, which is about "
            "half of the processor time.",
        ],
    )
    for is_cold in (True, False):
        _rows(table, folder, names, total, is_cold=is_cold, rounds=1 if quick else 3)
    return [table, _kept(folder, names, rounds=3 if quick else 20)]


def _rows(
    table: Table, folder: Path, names: list[str], total: int, *, is_cold: bool, rounds: int
) -> None:
    both = [f"{place}/{name}" for place in ("base", "tuned") for name in names]
    works = {"reading both": checks.read, "measuring and comparing both": _compare_files}
    found: dict[str, list[Measured]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            if is_cold:
                forget(folder, both)
            found[name].append(checks.apart(work, folder, both))
    reading = median([seconds for seconds, _, _ in found["reading both"]])
    for name, runs in found.items():
        seconds = median([one for one, _, _ in runs])
        speed, share = round(total / 1e9 / seconds, 2), round(reading / seconds, 2)
        used = round(median([cpu for _, cpu, _ in runs]) / total * 1e9, 2)
        more = max(more for _, _, more in runs)
        place = "disk" if is_cold else "memory"
        table.add(name, place, round(seconds, 2), speed, share, used, more)


def _kept(folder: Path, names: list[str], *, rounds: int) -> Table:
    rows = [encode(_measured([folder / place / n for n in names])) for place in ("tuned", "base")]
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        one = compare(decode(rows[0]), decode(rows[1]))
        taken.append((time.perf_counter() - began) * 1000)
    table = Table(
        "Comparing by what is kept", ("kilobytes a model", "milliseconds", "kind", "verdict")
    )
    table.add(len(rows[0]) // 1000, round(median(taken), 1), one.kind, verdicts.verdict_of(one))
    return table


def _compare_files(folder: Path, both: list[str]) -> Measured:
    before, began, used = peak(), time.perf_counter(), time.process_time()
    prints = [
        _measured([folder / name for name in both if name.startswith(f"{place}/")])
        for place in ("tuned", "base")
    ]
    found = compare(*prints)
    if found.kind != kinds.FULL:
        raise RuntimeError(f"the models of the benchmark compare as {found.kind!r}")
    return time.perf_counter() - began, time.process_time() - used, peak() - before


def _measured(paths: list[Path]) -> Prints:
    from registry.checks.smoke import weights

    records: dict[str, list[dict[str, object]]] = {}
    weights.measure(
        paths,
        send=lambda kind, data: records.setdefault(kind, []).append(data),
        progress=lambda done: None,
    )
    found = read(records)
    if found is None:
        raise RuntimeError("nothing was measured")
    return found


def _tune(path: Path) -> None:
    """Another model near by: half of the values change by up to three of the smallest steps."""
    random = numpy.random.default_rng(1)
    with path.open("r+b") as stream:
        start = int.from_bytes(stream.read(8), "little") + 8
        size = path.stat().st_size
        for at in range(start, size, BLOCK):
            stream.seek(at)
            values = numpy.frombuffer(stream.read(min(BLOCK, size - at)), "<u2")
            change = random.integers(0, 4, len(values), "u2")
            stream.seek(at)
            stream.write((values ^ change).tobytes())
