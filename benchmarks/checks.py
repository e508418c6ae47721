"""Checks: what judging and measuring the weights of a model takes beside reading its files."""

import json
import multiprocessing
import os
import struct
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy

from benchmarks.report import Table, median
from registry.checks.findings import ModelFile, Severity
from registry.checks.scanners import scan
from registry.checks.scanners.shapes import expected_of

BLOCK = 1024 * 1024
HIDDEN, INNER, WORDS, HEADS, GROUPS = 2048, 5632, 32_000, 16, 8
GOAL = 0.5

Measured = tuple[float, float, int]


def measure(folder: Path, *, quick: bool) -> list[Table]:
    sizes = (0.05,) if quick else (0.5, 2.0)
    table = Table(
        "Scanning and weighing safetensors",
        ("gigabytes", "work", "from", "GB a second", "of reading", "CPU seconds a GB", "MiB more"),
        notes=[
            f"The goal is {GOAL} of the speed of reading. `MiB more` is what the process grew by "
            "over its imports. From disk means that the system was told to forget the file before.",
        ],
    )
    for size in sizes:
        place = folder / f"{size}"
        place.mkdir()
        names = make_model(place, layers=max(1, round(size * 10)))
        total = sum((place / name).stat().st_size for name in names)
        for is_cold in (True, False):
            _rows(table, place, names, total, is_cold=is_cold, rounds=1 if quick else 3)
    return [table]


def _rows(
    table: Table, place: Path, names: list[str], total: int, *, is_cold: bool, rounds: int
) -> None:
    works = {"reading": read, "scan and weights": _weigh}
    found: dict[str, list[Measured]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            if is_cold:
                forget(place, names)
            found[name].append(apart(work, place, names))
    reading = median([seconds for seconds, _, _ in found["reading"]])
    for name, runs in found.items():
        seconds = median([one for one, _, _ in runs])
        table.add(
            round(total / 1e9, 2),
            name,
            "disk" if is_cold else "memory",
            round(total / 1e9 / seconds, 2),
            round(reading / seconds, 2),
            round(median([cpu for _, cpu, _ in runs]) / total * 1e9, 2),
            max(more for _, _, more in runs),
        )


def apart(work: Callable[[Path, list[str]], Measured], place: Path, names: list[str]) -> Measured:
    """In a process of its own, as checks are run."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, place, names).result()


def read(place: Path, names: list[str]) -> Measured:
    buffer = bytearray(BLOCK)
    before, began, used = peak(), time.perf_counter(), time.process_time()
    for name in names:
        with (place / name).open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass
    return time.perf_counter() - began, time.process_time() - used, peak() - before


def _weigh(place: Path, names: list[str]) -> Measured:
    from registry.checks.smoke import weights

    files = [
        ModelFile(path.name, path.stat().st_size, "", path) for path in sorted(place.iterdir())
    ]
    spec = {"weights": names, "file": ""}
    before, began, used = peak(), time.perf_counter(), time.process_time()
    found = scan(files, repository="lab/measured").findings
    found += weights.check(place, spec, send=lambda kind, data: None, progress=lambda done: None)
    taken = time.perf_counter() - began, time.process_time() - used, peak() - before
    faults = [finding.message for finding in found if finding.severity is Severity.BLOCK]
    if faults:
        raise RuntimeError(f"the model of the benchmark is not sound: {faults[:3]}")
    return taken


def make_model(place: Path, *, layers: int) -> list[str]:
    """A random Llama in bfloat16, a shard for each ten layers or so."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": GROUPS,
        "vocab_size": WORDS,
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
    }
    (place / "config.json").write_text(json.dumps(config))
    (place / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Random\n")
    shapes = list(expected_of(config).items())
    step = 90
    parts = [shapes[at : at + step] for at in range(0, len(shapes), step)]
    names = [f"model-{n:05}-of-{len(parts):05}.safetensors" for n in range(1, len(parts) + 1)]
    if len(parts) == 1:
        names = ["model.safetensors"]
    else:
        _index(place, names, parts)
    random = numpy.random.default_rng(0)
    for name, part in zip(names, parts, strict=True):
        _write(place / name, part, random)
    return names


def _index(place: Path, names: list[str], parts: list[list[tuple[str, tuple[int, ...]]]]) -> None:
    weight_map = {
        tensor: name for name, part in zip(names, parts, strict=True) for tensor, _ in part
    }
    value = {"metadata": {}, "weight_map": weight_map}
    (place / "model.safetensors.index.json").write_text(json.dumps(value))


def _write(
    path: Path, shapes: list[tuple[str, tuple[int, ...]]], random: numpy.random.Generator
) -> None:
    header, at = {}, 0
    for name, shape in shapes:
        size = 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    raw = json.dumps(header).encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(raw)) + raw)
        for _, shape in shapes:
            values = random.standard_normal(shape, "float32") * numpy.float32(0.02)
            stream.write((values.view("<u4") >> 16).astype("<u2").tobytes())


def forget(place: Path, names: list[str]) -> None:
    for name in names:
        descriptor = os.open(place / name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def peak() -> int:
    """The most that this process has held so far, in MiB; what its parent held does not count."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0
