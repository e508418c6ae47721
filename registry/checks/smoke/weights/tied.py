"""Whether a head that the configuration ties to the embedding is the embedding (KEY-TIED)."""

from collections.abc import Iterator, Sequence

from registry.checks.findings import Finding, block, show
from registry.checks.smoke.weights import roles
from registry.checks.smoke.weights.about import About
from registry.checks.smoke.weights.figures import Figures


def check(tensors: Sequence[Figures], about: About) -> Iterator[Finding]:
    if not about.ties_embeddings:
        return
    embedding = next((t for t in tensors if t.name.endswith(roles.EMBEDDINGS)), None)
    head = next((t for t in tensors if t.name.endswith("lm_head.weight")), None)
    if embedding is None or head is None or _is_same(embedding, head):
        return
    yield block(
        "KEY-TIED",
        f"The head differs from the embedding although the config ties them: {show(head.name)}.",
        file=head.tensor.file,
        where=head.name,
        evidence={"sha256": [embedding.sha256, head.sha256]},
    )


def _is_same(embedding: Figures, head: Figures) -> bool:
    one, two = embedding.tensor, head.tensor
    return (one.dtype, one.shape, embedding.sha256) == (two.dtype, two.shape, head.sha256)
