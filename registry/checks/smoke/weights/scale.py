"""Whether a weight is far larger or smaller than the same one of the other layers (W-SCALE)."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, show, warn
from registry.checks.positions import role_of
from registry.checks.smoke.weights import formats, roles
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures

MOST_TIMES = 8
LEAST_LAYERS = 4
MOST_SPREAD = 10
MOST_VALUE = 10_000


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    weights = [tensor for tensor in tensors if _is_judged(tensor)]
    siblings: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    for tensor in weights:
        if layer := roles.layer_of(tensor.name):
            siblings[role_of(tensor.name)][layer].append(tensor)
    for layers in siblings.values():
        if len(layers) >= LEAST_LAYERS:
            yield from _apart([tensor for group in layers.values() for tensor in group])
    for tensor in weights:
        if roles.is_projection(tensor.name):
            yield from _huge(tensor)


def _is_judged(tensor: Figures) -> bool:
    return (
        len(tensor.tensor.shape) >= 2
        and not tensor.broken
        and not tensor.is_constant
        and bool(tensor.std)
        and roles.is_weight(tensor.name)
        # Numbers that get their size from a scale beside them say nothing by themselves.
        and not tensor.tensor.dtype.startswith(("F4", "F6", "F8"))
        and tensor.tensor.dtype not in formats.INTEGERS
    )


def _apart(tensors: list[Figures]) -> Iterator[Finding]:
    usual = statistics.median(math.log(tensor.std or 1) for tensor in tensors)
    for tensor in tensors:
        times = math.exp(math.log(tensor.std or 1) - usual)
        if not 1 / MOST_TIMES <= times <= MOST_TIMES:
            yield warn(
                "W-SCALE",
                f"{show(tensor.name)} is {times:.3g}× its siblings.",
                file=tensor.tensor.file,
                where=tensor.name,
                value=float(f"{times:.6g}"),
                threshold=MOST_TIMES,
            )


def _huge(tensor: Figures) -> Iterator[Finding]:
    spread = tensor.std or 0.0
    if spread > MOST_SPREAD:
        said, value, limit = "a standard deviation", spread, MOST_SPREAD
    elif tensor.highest > MOST_VALUE:
        said, value, limit = "values up to", tensor.highest, MOST_VALUE
    else:
        return
    yield warn(
        "W-SCALE",
        f"{show(tensor.name)} has {said} {'of ' if limit == MOST_SPREAD else ''}{value:.3g}.",
        file=tensor.tensor.file,
        where=tensor.name,
        value=float(f"{value:.6g}"),
        threshold=limit,
    )
