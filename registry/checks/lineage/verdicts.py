"""Whether weights come from the model that they were compared with, by the figures."""

from registry.checks.lineage.compare import Comparison

DERIVED, UNRELATED = 0.85, 0.3
ALL_ALIKE = 0.9
SAME_EMBEDDING, OTHER_EMBEDDING = 0.95, 0.9
SAME_UNITS = 0.9
COPY = 0.99

SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
CONTRADICTED, UNVERIFIED = "contradicted", "unverified"


def verdict_of(one: Comparison) -> str:
    """Whether weights that compare so come from the model that they were compared with."""
    if is_disguised(one):
        return NOT_SUPPORTED
    if one.cosine is None and one.gram is None and not one.is_plain:
        return UNVERIFIED
    if one.cosine is None:
        return CONTRADICTED if (one.gram or 0) < OTHER_EMBEDDING else NOT_SUPPORTED
    if one.cosine >= DERIVED and (one.share or 0) >= ALL_ALIKE:
        return SUPPORTED
    if one.cosine < UNRELATED and (one.gram or 0) < OTHER_EMBEDDING:
        return CONTRADICTED if (one.share or 0) < UNRELATED else NOT_SUPPORTED
    return NOT_SUPPORTED


def is_disguised(one: Comparison) -> bool:
    """A copy that was permuted, rotated or reordered: what such changes leave alone is the same."""
    is_moved = one.cosine is not None and one.cosine < UNRELATED
    if is_moved and (one.gram or 0) >= SAME_EMBEDDING:
        return True
    is_partly_moved = one.share is not None and one.share < ALL_ALIKE
    return is_partly_moved and (one.units or 0) > SAME_UNITS


def is_related(one: Comparison) -> bool:
    return (one.cosine or 0) >= DERIVED or is_disguised(one)


def why(one: Comparison) -> str:
    """The figures in words."""
    if one.cosine is None:
        words = ["no matrix has the same name and shape"]
    else:
        words = [
            f"cosine {one.cosine:.3f} over {one.matrices} matrices",
            f"{one.share or 0:.0%} of them alike",
        ]
    if one.gram is not None:
        words.append(f"embeddings {one.gram:.3f}")
    if (one.units or 0) > SAME_UNITS and (one.share or 0) < ALL_ALIKE:
        words.append("hidden units found again elsewhere")
    return ", ".join(words)


def gravest(verdicts: list[str]) -> str:
    order = (CONTRADICTED, NOT_SUPPORTED, UNVERIFIED, SUPPORTED)
    return min(verdicts, key=order.index)
