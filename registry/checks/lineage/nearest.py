"""Which published models are like this one. Only what everybody may know of is ever looked at."""

import base64
import heapq
from collections.abc import Iterator
from typing import Any

import numpy
from django.db.models import Q, QuerySet

from registry.accounts.callers import NOBODY
from registry.catalog.models import Repository, RepositoryType, Revision
from registry.checks.lineage.compare import Comparison, compare, correlation, cosine
from registry.checks.lineage.fingerprints import Array, Prints, decode, layer_of
from registry.checks.models import Fingerprint, RunState, Verdict

# How many are compared in full, and from which likeness of the sketches on
MOST_COMPARED = 8
LIKELY = 0.4

_ROLES = ("self_attn.v_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj")
_PART = 128
_PAIRS = 256


class Found:
    """A published model and how it compares."""

    def __init__(self, row: Fingerprint, comparison: Comparison) -> None:
        self.row = row
        self.revision = row.run.revision
        self.repository = self.revision.repository
        self.comparison = comparison

    @property
    def name(self) -> str:
        return self.repository.full_name


def counted() -> QuerySet[Fingerprint]:
    """Those of finished runs that count."""
    compared_only = Q(run__rescan__isnull=False, run__rescan__adopted_at=None)
    finished = Fingerprint.objects.filter(run__state=RunState.FINISHED)
    return finished.exclude(run__verdict=Verdict.ERROR).exclude(compared_only)


def published() -> QuerySet[Fingerprint]:
    """Those of revisions that anybody may know of, recalled ones included: a recall hides nothing."""
    out = Revision.objects.visible_to(NOBODY).filter(repository__type=RepositoryType.MODEL)
    return counted().filter(run__revision__in=out)


def sketch(prints: Prints) -> dict[str, str]:
    """A little of a fingerprint, to look through very many of them."""
    lowest = min((at for _, at, _ in map(layer_of, prints.tensors) if at is not None), default=None)
    values = numpy.zeros((len(_ROLES), _PART), "f4")
    for name, one in prints.tensors.items():
        _, at, role = layer_of(name)
        place = role.removesuffix(".weight")
        if at == lowest and place in _ROLES and one.samples.size:
            picked = one.samples[:: max(one.samples.size // _PART, 1)][:_PART].astype("f8")
            length = float(numpy.linalg.norm(picked))
            values[_ROLES.index(place), : picked.size] = picked / (length or 1)
    found = {"values": _text(values)}
    if prints.gram is not None and prints.gram.values.size >= _PAIRS:
        step = prints.gram.values.size // _PAIRS
        found["gram"] = _text(prints.gram.values[::step][:_PAIRS])
        found["rows"] = f"{len(prints.gram.rows)} to {max(prints.gram.rows)}"
    return found


def search(prints: Prints, *, apart_from: Repository) -> list[Found]:
    """The published models of other repositories that are likely related, best first; each
    repository once, with what is most like it."""
    rows = published().exclude(run__revision__repository=apart_from)
    best: dict[int, Found] = {}
    for row in _likely(prints, rows):
        found = Found(row, compare(prints, decode(row.tensors)))
        before = best.get(found.repository.pk)
        if before is None or _rank(found) < _rank(before):
            best[found.repository.pk] = found
    return sorted(best.values(), key=_rank)


def _rank(found: Found) -> tuple[float, float, float, int]:
    """Copies first, then by likeness; of equals the one that was there first."""
    one = found.comparison
    likeness = one.cosine or 0.0
    return (-round(one.equal, 3), -round(likeness, 4), -(one.gram or 0.0), found.row.pk)


def _likely(prints: Prints, rows: QuerySet[Fingerprint]) -> Iterator[Fingerprint]:
    """One after the other: only one fingerprint besides our own is in memory at a time."""
    copies = rows.filter(weights_digest=prints.weights_digest).order_by("pk")
    keys = list(copies.values_list("pk", flat=True)[:2])
    mine = sketch(prints)
    known: set[tuple[int, str]] = set()
    scored: list[tuple[float, int]] = []
    listed = rows.filter(shape_key=prints.shape_key).exclude(weights_digest=prints.weights_digest)
    for key, repository, digest, theirs in listed.values_list(
        "pk", "run__revision__repository", "weights_digest", "facts__sketch"
    ).iterator(chunk_size=500):
        if (repository, digest) in known:
            continue
        known.add((repository, digest))
        score = _score(mine, theirs or {})
        if score >= LIKELY:
            heapq.heappush(scored, (score, -key))
            if len(scored) > MOST_COMPARED:
                heapq.heappop(scored)
    keys += [-key for _, key in sorted(scored, reverse=True)]
    for key in keys:
        whole = rows.select_related("run__revision__repository__namespace")
        if (row := whole.filter(pk=key).first()) is not None:
            yield row


def _score(mine: dict[str, str], theirs: dict[str, Any]) -> float:
    """The better of: two of the four matrices are alike; the embeddings are."""
    score = 0.0
    if "values" in theirs:
        one, two = (
            _values(said).reshape(len(_ROLES), -1) for said in (mine["values"], theirs["values"])
        )
        alike = [cosine(a, b) for a, b in zip(one, two, strict=True) if a.any() and b.any()]
        score = sorted(alike)[-2] if len(alike) > 1 else 0.0
    if "gram" in mine and mine.get("rows") == theirs.get("rows"):
        score = max(score, correlation(_values(mine["gram"]), _values(theirs["gram"])) or 0.0)
    return score


def _text(values: Array) -> str:
    return base64.b64encode(values.astype("<f2").tobytes()).decode()


def _values(text: str) -> Array:
    return numpy.frombuffer(base64.b64decode(text), "<f2").astype("f4")
