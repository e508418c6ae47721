"""Whether an adapter changes anything (LORA-NOOP): B·A is zero where each rank is dead on one side."""

import re
from collections.abc import Iterator, Sequence

import numpy

from registry.checks.findings import Finding, show, warn
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures

_SIDE = re.compile(r"(.*lora_(?:embedding_)?)([AB])((?:\..*)?)")


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    sides: dict[str, dict[str, Figures]] = {}
    others = 0
    for tensor in tensors:
        if match := _SIDE.fullmatch(tensor.name):
            sides.setdefault(f"{match[1]}*{match[3]}", {})[match[2]] = tensor
        else:
            others += 1
    pairs = [(pair["A"], pair["B"]) for pair in sides.values() if len(pair) == 2]
    dead = [b for a, b in pairs if _is_nothing(a, b)]
    if not dead:
        return
    everything = len(dead) == len(pairs) and not others
    yield warn(
        "LORA-NOOP",
        "The adapter changes nothing: every product of its matrices is zero."
        if everything
        else f"The adapter changes nothing in {len(dead)} of {len(pairs)} places, "
        f"e.g. {show(dead[0].name)}.",
        file=dead[0].tensor.file,
        where=dead[0].name,
        value=len(dead),
        threshold=0,
        evidence={"tensors": [tensor.name for tensor in dead[:20]]},
    )


def _is_nothing(a: Figures, b: Figures) -> bool:
    if a.is_zero or b.is_zero:
        return True
    rows, columns = a.live_rows, b.live_columns
    if rows is None or columns is None or len(rows) != len(columns):
        return False
    return not numpy.any(rows & columns)
