"""Whether the scales of quantized tensors are above zero (QUANT-CONFIG); W-FINITE sees that they are numbers."""

from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, block, show
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    for tensor in tensors:
        if tensor.not_positive and not tensor.broken:
            yield block(
                "QUANT-CONFIG",
                f"{show(tensor.name)} has {tensor.not_positive} scales that are not above zero.",
                file=tensor.tensor.file,
                where=tensor.name,
                value=tensor.not_positive,
                threshold=0,
            )
