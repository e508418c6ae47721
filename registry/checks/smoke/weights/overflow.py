"""Whether values survive the cast to the 16-bit floats that the configuration declares (W-RANGE)."""

from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, block, show
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures

HIGHEST = 65_504


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    if not about.declares_float16:
        return
    for tensor in tensors:
        if tensor.tensor.dtype in ("BF16", "F32", "F64") and tensor.highest > HIGHEST:
            yield block(
                "W-RANGE",
                f"{show(tensor.name)} overflows float16: it has values up to {tensor.highest:.4g}.",
                file=tensor.tensor.file,
                where=tensor.name,
                value=float(f"{tensor.highest:.6g}"),
                threshold=HIGHEST,
            )
