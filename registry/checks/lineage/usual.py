"""QUAL-BASE without a base: how well published models of the same family and size read the fixed texts."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any, TypeGuard

from registry.catalog.models import Repository
from registry.checks.findings import Finding, warn
from registry.checks.lineage import nearest
from registry.checks.lineage.fingerprints import Prints

WORSE = 1.5
# Fewer say nothing of what is usual.
FEWEST, MOST = 3, 500
SIZE = 0.1
LANGUAGE = "en"
# The program has compared it with a base of its own.
COMPARED = ("perplexity_of_base", "ratio_parent")


def check(
    prints: Prints, figures: Mapping[str, Any], *, here: Repository, file: str
) -> Iterator[Finding]:
    """Never blocks: nobody has said that the model comes from those."""
    own = figures.get("perplexity")
    found = own.get(LANGUAGE) if isinstance(own, dict) else None
    if not _is_perplexity(found) or any(name in figures for name in COMPARED):
        return
    others = _others(prints, figures.get("probe"), here)
    if len(others) < FEWEST:
        return
    usual = median(others)
    if found > WORSE * usual:
        yield warn(
            "QUAL-BASE",
            f"Perplexity {found:.1f}, and {usual:.1f} is usual for this family and size "
            f"({len(others)} models).",
            file=file,
            value=round(found / usual, 3),
            threshold=WORSE,
        )


def _others(prints: Prints, probe: Any, here: Repository) -> list[float]:
    """Of each repository of others the newest model: a layer of these shapes, about as many
    parameters."""
    size = prints.parameters
    rows = (
        nearest.published()
        .exclude(run__revision__repository__namespace=here.namespace_id)
        .filter(
            shape_key=prints.shape_key,
            parameters__range=(int(size * (1 - SIZE)), int(size * (1 + SIZE))),
            facts__metrics__probe=str(probe),
        )
        .order_by("-pk")
        .values_list("run__revision__repository", f"facts__metrics__perplexity__{LANGUAGE}")[:MOST]
    )
    newest: dict[int, float] = {}
    for repository, perplexity in rows:
        if _is_perplexity(perplexity):
            newest.setdefault(repository, float(perplexity))
    return list(newest.values())


def _is_perplexity(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < 1e25
