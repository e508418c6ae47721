"""Whether tensors, or rows of them, were never filled (W-DEAD)."""

from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.weights import roles
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures

MOST_DEAD_ROWS = 0.01
MOST_DEAD_TOKENS = 0.05


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    for tensor in tensors:
        if tensor.broken:
            continue
        dimensions = len(tensor.tensor.shape)
        if dimensions >= 2 and tensor.is_constant and roles.is_weight(tensor.name):
            what = "holds nothing but zeros" if tensor.is_zero else "is constant"
            yield _dead(tensor, what)
        # A norm of ones is that of a fresh model; one of zeros lets nothing through.
        elif dimensions == 1 and tensor.is_zero and roles.is_norm(tensor.name):
            yield _dead(tensor, "holds nothing but zeros")
        elif dimensions >= 2 and tensor.zero_rows:
            yield from _rows(tensor, about)


def _dead(tensor: Figures, what: str) -> Finding:
    return block(
        "W-DEAD",
        f"{show(tensor.name)} {what}.",
        file=tensor.tensor.file,
        where=tensor.name,
        value=0,
        threshold=0,
    )


def _rows(tensor: Figures, about: About) -> Iterator[Finding]:
    dead, rows = tensor.zero_rows, tensor.rows
    find, allowed = warn, int(MOST_DEAD_ROWS * rows)
    if roles.is_of_tokens(tensor.name):
        allowed = about.spare_rows(rows)
        find = block if dead > MOST_DEAD_TOKENS * rows else warn
    elif not roles.is_projection(tensor.name):
        return
    if dead > allowed:
        yield find(
            "W-DEAD",
            f"{dead} of the {rows} rows of {show(tensor.name)} hold nothing but zeros.",
            file=tensor.tensor.file,
            where=tensor.name,
            value=dead,
            threshold=allowed,
        )
