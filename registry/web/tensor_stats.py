"""How far the weights of two revisions are from each other, by layer and by tensor, from what the checks
kept of each: the hash of a tensor, its length as a vector, and some of its values."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registry.catalog.models import Revision
from registry.checks import runs
from registry.checks.lineage import fingerprints
from registry.checks.lineage.fingerprints import Print
from registry.checks.models import LIVE, CheckRun, Fingerprint

# A fingerprint keeps some values of each tensor too
MAX_PRINT = 64 * 1024 * 1024
MAX_TARGETS = 4
# Of a revision; more would take seconds of whoever asks for the page
MAX_TENSORS = 25_000
MAX_LAYERS = 200
MAX_MOVED = 50


@dataclass(frozen=True, slots=True)
class TensorMove:
    """One tensor of both revisions. `norm` are its lengths as a vector before and after; `mean` and
    `spread` are of the values that were kept; `distance` is how far these moved, as a share of their
    own length. None where nothing was kept that could be compared."""

    name: str
    before: Print
    after: Print
    distance: float | None

    @property
    def differs(self) -> bool:
        return self.before.sha256 != self.after.sha256

    @property
    def mean(self) -> tuple[float, float] | None:
        return _of_samples(self, lambda values: float(values.mean(dtype="f8")))

    @property
    def spread(self) -> tuple[float, float] | None:
        return _of_samples(self, lambda values: float(values.std(dtype="f8")))


@dataclass(frozen=True, slots=True)
class LayerMove:
    """The tensors of a layer together; `number` is None for those outside of all layers."""

    prefix: str
    number: int | None
    count: int
    differ: int
    norm: tuple[float, float]
    distance: float | None

    @property
    def change(self) -> float | None:
        """Of the length, as a share of what it was."""
        before, after = self.norm
        return (after - before) / before if before else None


@dataclass(frozen=True)
class TensorStats:
    """`missing` says which side has no measurement, and why; then there is nothing else. `moved` are
    the tensors whose values moved most."""

    measured: int = 0
    differing: list[str] = field(default_factory=list)
    layers: list[LayerMove] = field(default_factory=list)
    layers_left_out: int = 0
    moved: list[TensorMove] = field(default_factory=list)
    missing: list[tuple[str, str | Promise]] = field(default_factory=list)


def of(before: Revision, after: Revision) -> TensorStats:
    sides = [_kept(before), _kept(after)]
    missing = [
        (revision.short, why)
        for revision, (_prints, why) in zip((before, after), sides, strict=True)
        if why
    ]
    if missing:
        return TensorStats(missing=missing)
    (old, _none), (new, _none) = sides
    moves = [one for target in sorted(old.keys() & new.keys()) for one in _moves(old, new, target)]
    layers = _layers(moves)
    moved = sorted((one for one in moves if one.differs and one.distance is not None), key=_far)
    return TensorStats(
        measured=len(moves),
        differing=[one.name for one in moves if one.differs],
        layers=layers[:MAX_LAYERS],
        layers_left_out=max(len(layers) - MAX_LAYERS, 0),
        moved=moved[:MAX_MOVED],
    )


def _kept(revision: Revision) -> tuple[dict[str, dict[str, Print]], str | Promise]:
    """What the checks that count kept of each model in the revision, or why there is nothing."""
    run = runs.latest(revision)
    if run is None:
        return {}, _("its checks have not started")
    if run.state in LIVE:
        return {}, _("its checks are still running")
    found = Fingerprint.objects.filter(run=run).values_list("target", "tensors")[:MAX_TARGETS]
    prints = {
        target: fingerprints.decode(raw).tensors for target, raw in found if len(raw) <= MAX_PRINT
    }
    if sum(map(len, prints.values())) > MAX_TENSORS:
        return {}, _("it has more tensors than are compared on a page")
    return prints, "" if prints else _why_none(run)


def _why_none(run: CheckRun) -> str | Promise:
    if run.verdict == "blocked":
        return _("a check stopped the run before the weights were measured")
    return _("its checks kept no measurement of the weights")


def _moves(
    old: dict[str, dict[str, Print]], new: dict[str, dict[str, Print]], target: str
) -> Iterable[TensorMove]:
    was, now = old[target], new[target]
    for name in sorted(was.keys() & now.keys()):
        yield TensorMove(name, was[name], now[name], _distance(was[name], now[name]))


def _distance(one: Print, other: Print) -> float | None:
    """Of the values at the same places; places follow from name and shape, so the shape has to be
    the same."""
    if one.shape != other.shape or not one.samples.size or one.samples.size != other.samples.size:
        return None
    if one.sha256 == other.sha256:
        return 0.0
    length = float(numpy.linalg.norm(one.samples.astype("f8")))
    apart = float(numpy.linalg.norm(other.samples.astype("f8") - one.samples))
    return apart / length if length else None


def _layers(moves: Iterable[TensorMove]) -> list[LayerMove]:
    """In the order of the model: what is outside of the layers first."""
    groups: dict[tuple[str, int], list[TensorMove]] = {}
    for one in moves:
        prefix, number, _role = fingerprints.layer_of(one.name)
        groups.setdefault((prefix, -1 if number is None else number), []).append(one)
    return [
        LayerMove(
            prefix=prefix,
            number=None if number < 0 else number,
            count=len(found),
            differ=sum(1 for one in found if one.differs),
            norm=(
                math.hypot(*(one.before.norm for one in found)),
                math.hypot(*(one.after.norm for one in found)),
            ),
            distance=max((one.distance for one in found if one.distance is not None), default=None),
        )
        for (prefix, number), found in sorted(groups.items())
    ]


def _far(one: TensorMove) -> tuple[float, str]:
    return -(one.distance or 0.0), one.name


def _of_samples(
    one: TensorMove, figure: Callable[[fingerprints.Array], float]
) -> tuple[float, float] | None:
    if not one.before.samples.size or not one.after.samples.size:
        return None
    return figure(one.before.samples), figure(one.after.samples)
