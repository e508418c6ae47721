"""Whether a layer is the copy of another (W-DUP)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke.weights import roles
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    """One finding for each two layers, however much of them is the same."""
    alike: dict[str, list[Figures]] = defaultdict(list)
    for tensor in tensors:
        if (
            len(tensor.tensor.shape) >= 2
            and not tensor.is_constant
            and roles.is_weight(tensor.name)
        ):
            alike[f"{tensor.tensor.dtype} {tensor.tensor.shape} {tensor.sha256}"].append(tensor)
    pairs: dict[tuple[str, str], list[tuple[Figures, Figures]]] = defaultdict(list)
    for first, *others in alike.values():
        layer = roles.layer_of(first.name)
        for other in others:
            copy = roles.layer_of(other.name)
            if layer and copy and layer != copy:
                pairs[layer, copy].append((first, other))
    for found in pairs.values():
        first, other = found[0]
        more = f", and {len(found) - 1} more tensors of these layers" if len(found) > 1 else ""
        yield warn(
            "W-DUP",
            f"{show(first.name)} = {show(other.name)}{more}.",
            file=other.tensor.file,
            where=other.name,
            value=len(found),
            threshold=0,
            evidence={"tensors": [[one.name, two.name] for one, two in found[:20]]},
        )
