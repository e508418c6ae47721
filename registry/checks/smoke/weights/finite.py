"""Whether every value is a number (W-FINITE), the scales of quantized tensors included."""

from collections.abc import Iterator, Sequence

import numpy

from registry.checks.findings import Finding, block, show
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    for tensor in tensors:
        if tensor.broken:
            yield block(
                "W-FINITE",
                f"{show(tensor.name)} has {tensor.broken} values that are not numbers.",
                file=tensor.tensor.file,
                where=tensor.name,
                value=tensor.broken,
                threshold=0,
                evidence={"first_index": _index(tensor)},
            )


def _index(tensor: Figures) -> list[int]:
    shape = tensor.tensor.shape
    if not shape or tensor.first_broken >= tensor.tensor.elements:
        return []
    return [int(place) for place in numpy.unravel_index(tensor.first_broken, shape)]
