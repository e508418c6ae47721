"""How alike the weights of two models are, by what is kept of them: cosines, shares, embeddings."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy

from registry.checks.lineage import kinds
from registry.checks.lineage.fingerprints import Array, Gram, Prints, layer_of, matrices_of

ALIKE = 0.5
FEWEST_ROWS = 64
PROBED_UNITS = 256
SHOWN_LAYERS = 512
_ATTENTION = re.compile(r"attn|attention")


@dataclass(frozen=True)
class Pair:
    """A tensor of the model and the one of the other that stands in its place."""

    name: str
    other: str
    cosine: float


@dataclass(frozen=True)
class Comparison:
    """`cosine` is the median over the matrices that both have, `share` how many of those are alike,
    `gram` the correlation of the cosines within the embeddings, `units` that of two independent
    ways to find the hidden units of one in the other; None where it cannot be said. `equal` is the
    share of tensors that are the same to the last byte. Packed weights may have no matrix in common
    with others and come from them all the same: then `is_plain` is False."""

    cosine: float | None
    share: float | None
    gram: float | None
    units: float | None
    equal: float
    matrices: int
    is_plain: bool = True
    kind: str = ""
    layers: list[dict[str, Any]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """As the report carries them."""
        return {
            "cosine": _short(self.cosine),
            "share": _short(self.share),
            "gram": _short(self.gram),
            "units": _short(self.units),
            "equal": _short(self.equal),
            "matrices": self.matrices,
            "kind": self.kind,
        }


def compare(model: Prints, other: Prints, *, in_full: bool = True) -> Comparison:
    """The model against another that may be its base. `in_full` adds kind and layers."""
    places = {name: name for name in model.tensors}
    pairs = _pairs(model, other, places)
    if _is_rearranged(model, other, pairs):
        moved = _places(model, other)
        found = _pairs(model, other, moved)
        if _share(found) > _share(pairs):
            places, pairs = moved, found
    cosines = [pair.cosine for pair in pairs]
    same = [
        name
        for name, place in places.items()
        if place in other.tensors and other.tensors[place].sha256 == model.tensors[name].sha256
    ]
    figures = Comparison(
        cosine=float(numpy.median(cosines)) if cosines else None,
        share=_share(pairs) if pairs else None,
        gram=_gram(model.gram, other.gram),
        units=_units(model, other),
        equal=len(same) / max(len(model.tensors), 1),
        matrices=len(pairs),
        is_plain=not (kinds.is_packed(model) or kinds.is_packed(other)),
    )
    if not in_full:
        return figures
    kind = kinds.of(model, other, places, figures.cosine, set(same))
    return Comparison(**{**vars(figures), "kind": kind, "layers": _layers(pairs)})


def cosine(one: Array, two: Array) -> float:
    """Between -1 and 1; two that are nothing but zeros are alike."""
    first, second = one.astype("f8"), two.astype("f8")
    lengths = float(numpy.linalg.norm(first)) * float(numpy.linalg.norm(second))
    if not lengths:
        return 1.0 if not first.any() and not second.any() else 0.0
    return float(numpy.clip(first @ second / lengths, -1, 1))


def correlation(one: Array, two: Array) -> float | None:
    """Pearson's, None where one of them does not vary."""
    first, second = one.astype("f8"), two.astype("f8")
    first, second = first - first.mean(), second - second.mean()
    lengths = float(numpy.linalg.norm(first)) * float(numpy.linalg.norm(second))
    return float(numpy.clip(first @ second / lengths, -1, 1)) if lengths else None


def _pairs(model: Prints, other: Prints, places: dict[str, str]) -> list[Pair]:
    found = []
    for name, one in matrices_of(model.tensors.items()).items():
        two = other.tensors.get(places.get(name, ""))
        if two is None or two.shape != one.shape or two.samples.size != one.samples.size:
            continue
        found.append(Pair(name, places[name], cosine(one.samples, two.samples)))
    return found


def _share(pairs: list[Pair]) -> float:
    return sum(pair.cosine > ALIKE for pair in pairs) / max(len(pairs), 1)


def _is_rearranged(model: Prints, other: Prints, pairs: list[Pair]) -> bool:
    """Whether it is worth looking for layers at other places."""
    return _share(pairs) < 0.9 or len(_layer_numbers(model)) != len(_layer_numbers(other))


def _places(model: Prints, other: Prints) -> dict[str, str]:
    """Which tensor of the other stands in the place of each, where layers were cut out, repeated or
    put into another order: for each layer the one that is most like it."""
    mine, theirs = _layer_numbers(model), _layer_numbers(other)
    likeness = [
        _normal(model, role, mine) @ _normal(other, role, theirs).T
        for role in sorted(_roles(model) & _roles(other))
    ]
    places = {name: name for name in model.tensors}
    if not likeness or not mine or not theirs:
        return places
    median = numpy.median(numpy.stack(likeness), axis=0)
    best = {number: theirs[int(at)] for number, at in zip(mine, median.argmax(axis=1), strict=True)}
    high = dict(zip(mine, median.max(axis=1), strict=True))
    for name in model.tensors:
        before, number, role = layer_of(name)
        if number is not None and high.get(number, 0) > ALIKE:
            places[name] = f"{before}.{best[number]}.{role}"
    return places


def _layer_numbers(prints: Prints) -> list[int]:
    numbers = {layer_of(name)[1] for name in prints.tensors}
    return sorted(number for number in numbers if number is not None)[:SHOWN_LAYERS]


def _roles(prints: Prints) -> set[tuple[str, str, tuple[int, ...]]]:
    """The matrices that layers have, by their place in a layer and their shape."""
    found = set()
    for name, one in matrices_of(prints.tensors.items()).items():
        before, number, role = layer_of(name)
        if number is not None:
            found.add((before, role, one.shape))
    return found


def _normal(prints: Prints, role: tuple[str, str, tuple[int, ...]], numbers: list[int]) -> Array:
    """The samples of one role in all layers, each of length one; zeros where a layer lacks it."""
    before, ending, shape = role
    found = [prints.tensors.get(f"{before}.{number}.{ending}") for number in numbers]
    size = max(one.samples.size for one in found if one is not None and one.shape == shape)
    rows = numpy.zeros((len(numbers), size), "f4")
    for at, one in enumerate(found):
        if one is not None and one.shape == shape and one.samples.size == size:
            length = float(numpy.linalg.norm(one.samples.astype("f8")))
            rows[at] = one.samples / (length or 1)
    return rows


def _gram(mine: Gram | None, theirs: Gram | None) -> float | None:
    """How alike the embeddings are, whatever rotation or reordering of the rest."""
    if mine is None or theirs is None:
        return None
    if mine.rows == theirs.rows:
        return correlation(mine.values, theirs.values)
    shared = sorted(set(mine.rows) & set(theirs.rows))
    if len(shared) < FEWEST_ROWS:
        return None
    return correlation(_among(mine, shared), _among(theirs, shared))


def _among(gram: Gram, rows: list[int]) -> Array:
    size = len(gram.rows)
    square = numpy.zeros((size, size), "f4")
    upper = numpy.triu_indices(size, 1)
    square[upper] = gram.values
    square += square.T
    at = {row: place for place, row in enumerate(gram.rows)}
    picked = [at[row] for row in rows]
    among: Array = square[numpy.ix_(picked, picked)][numpy.triu_indices(len(rows), 1)]
    return among


def _units(model: Prints, other: Prints) -> float | None:
    """Whether gate and up projection agree on where the hidden units of the model went. Unrelated
    weights send each unit to two places that have nothing to do with each other."""
    gates = [name for name in model.units if "gate" in name]
    for gate in gates:
        up = gate.replace("gate", "up")
        if up not in model.units or not {gate, up} <= set(other.units):
            continue
        by_gate = _matches(model.units[gate], other.units[gate])
        by_up = _matches(model.units[up], other.units[up])
        if by_gate is None or by_up is None or by_gate.size != by_up.size:
            continue
        return correlation(by_gate.argsort().argsort(), by_up.argsort().argsort())
    return None


def _matches(mine: Array, theirs: Array) -> Array | None:
    if mine.shape != theirs.shape or len(mine) < FEWEST_ROWS:
        return None
    step = max(len(mine) // PROBED_UNITS, 1)
    probes, targets = _unit_length(mine[::step][:PROBED_UNITS]), _unit_length(theirs)
    found: Array = (probes @ targets.T).argmax(axis=1)
    return found


def _unit_length(rows: Array) -> Array:
    floats = rows.astype("f4")
    lengths = numpy.linalg.norm(floats, axis=1, keepdims=True)
    found: Array = floats / numpy.where(lengths, lengths, 1)
    return found


def _layers(pairs: list[Pair]) -> list[dict[str, Any]]:
    """The median cosine of attention and of the rest in each layer, and what lies outside them."""
    found: dict[tuple[int, str], dict[str, list[float]]] = {}
    of: dict[tuple[int, str], str] = {}
    for pair in pairs:
        _, number, role = layer_of(pair.name)
        if number is None:
            key = (-1, "embedding") if "embed" in pair.name else (SHOWN_LAYERS, "head")
        else:
            key = (number, str(number))
        of[key] = str(layer_of(pair.other)[1]) if number is not None else key[1]
        part = "attention" if _ATTENTION.search(role) and number is not None else "mlp"
        found.setdefault(key, {}).setdefault(part, []).append(pair.cosine)
    shown = sorted(found)[: SHOWN_LAYERS + 2]
    return [
        {"layer": key[1], "of": of[key]}
        | {part: _short(float(numpy.median(values))) for part, values in found[key].items()}
        for key in shown
    ]


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
