"""Judges the numbers in the weights and measures them, in one pass over the bytes.

One module for each check; each sees the figures that the pass has kept of every tensor.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.checks.findings import Finding, first
from registry.checks.smoke.weights import (
    adapters,
    dead,
    duplicates,
    finite,
    overflow,
    quantized,
    scale,
    tied,
)
from registry.checks.smoke.weights.about import About, about
from registry.checks.smoke.weights.figures import Figures, measured
from registry.checks.smoke.weights.prints import Records
from registry.checks.smoke.weights.tensors import tensors_of

MOST_THREADS = 8
FINDINGS_PER_CHECK = 50

Check = Callable[[Sequence[Figures], About], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    finite.check,
    dead.check,
    scale.check,
    duplicates.check,
    overflow.check,
    quantized.check,
    tied.check,
    adapters.check,
)


def check(
    folder: Path,
    spec: Mapping[str, Any],
    *,
    send: Callable[[str, dict[str, Any]], None],
    progress: Callable[[float], None],
) -> Iterator[Finding]:
    """What is wrong with the weights of this target. `send(kind, data)` takes the records."""
    paths = [folder / name for name in names_of(folder, spec)]
    figures = measure(paths, send=send, progress=progress)
    circumstances = about(folder, paths)
    for judge in CHECKS:
        yield from first(judge(figures, circumstances), FINDINGS_PER_CHECK)


def measure(
    paths: list[Path],
    *,
    send: Callable[[str, dict[str, Any]], None],
    progress: Callable[[float], None],
) -> list[Figures]:
    """The figures of every tensor. Samples are told and then dropped: what stays is small."""
    tensors = list(tensors_of(paths))
    total = sum(tensor.bytes for tensor in tensors) or 1
    records, done, found = Records(), 0, []
    for figures in measured(tensors, threads=_threads()):
        for kind, data in records.of(figures):
            send(kind, data)
        figures.samples = figures.gram = figures.units = None
        found.append(figures)
        done += figures.tensor.bytes
        progress(done / total)
    return found


def names_of(folder: Path, spec: Mapping[str, Any]) -> list[str]:
    """The files with the weights of this target."""
    if spec["weights"]:
        return list(spec["weights"])
    if spec["file"]:
        return [spec["file"]]
    return sorted(path.name for path in folder.iterdir() if path.name.endswith((".bin", ".pth")))


def _threads() -> int:
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0))))
