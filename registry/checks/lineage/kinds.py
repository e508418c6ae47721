"""What was done to a model to make another of it, by the difference between the two."""

from collections.abc import Iterator, Mapping

import numpy

from registry.checks.lineage.fingerprints import Array, Print, Prints, layer_of
from registry.checks.positions import grid

IDENTICAL, CONVERTED = "identical", "identical in another number format"
ADAPTER, FULL = "adapter merge", "full fine-tune"
QUANTIZED, PRUNED, DEPTH_CUT = "quantized", "pruned", "depth-cut"
REARRANGED = "layers rearranged"

EQUAL_SHARE = 0.99
RELATED = 0.3
FLOATS = {"F64", "F32", "F16", "BF16"}
# Share of zeros among the values where the base has others
ZEROS, ZEROS_BEFORE = 0.1, 0.02
# Of a grid of 32 by 32, a full difference needs about 17 directions for 90 % of its energy, that of
# an adapter of rank 16 about 9, of rank 64 about 14.
ENERGY, LOW_RANK = 0.9, 0.47
# The largest of 32 errors of rounding is 1.7 to 2 times the usual one; of other changes, 2.3
ROUNDED = 2.1


def of(
    model: Prints,
    other: Prints,
    places: Mapping[str, str],
    cosine: float | None,
    same: set[str],
) -> str:
    """One word, or nothing where the model does not come from the other. `places` says where the
    tensors of the model stand in the other, `same` which are equal to the last byte."""
    in_place = sum(places[name] == name for name in same)
    if in_place >= EQUAL_SHARE * max(len(model.tensors), len(other.tensors)):
        return IDENTICAL
    if cosine is None or cosine < RELATED:
        return ""
    if cut := _cut(model, other, places):
        return cut
    changed = list(_changed(model, other, places, same))
    if is_packed(model) and not is_packed(other):
        return QUANTIZED
    if not changed:
        return IDENTICAL if len(model.tensors) == len(other.tensors) else FULL
    if _median(_zeros(*pair) for _, *pair in changed) >= ZEROS:
        return PRUNED
    if all(_is_cast(*pair) for _, *pair in changed):
        return CONVERTED
    matrices = [one for one in changed if one[1].is_matrix]
    others = {name for name in places if places[name] in other.tensors} - same
    keeps_rest = others <= {name for name, *_ in matrices}
    if keeps_rest and _median(_rank(*one) for one in matrices) <= LOW_RANK:
        return ADAPTER
    if keeps_rest and _median(_evenness(*pair) for _, *pair in matrices) <= ROUNDED:
        return QUANTIZED
    return FULL


def _cut(model: Prints, other: Prints, places: Mapping[str, str]) -> str:
    """Whether layers are gone, or stand elsewhere."""
    mine, theirs = _layers(model), _layers(other)
    targets = {layer_of(name)[1]: layer_of(place)[1] for name, place in places.items()}
    order = [targets[number] for number in sorted(mine) if targets.get(number) is not None]
    is_rising = all(one < two for one, two in zip(order, order[1:], strict=False))  # type: ignore[operator]
    if len(mine) < len(theirs) and is_rising:
        return DEPTH_CUT
    if len(mine) != len(theirs) or order != sorted(mine):
        return REARRANGED
    return ""


def _layers(prints: Prints) -> set[int]:
    numbers = (layer_of(name)[1] for name in prints.tensors)
    return {number for number in numbers if number is not None}


def _changed(
    model: Prints, other: Prints, places: Mapping[str, str], same: set[str]
) -> Iterator[tuple[str, Print, Print]]:
    for name, one in model.tensors.items():
        two = other.tensors.get(places.get(name, ""))
        if name in same or two is None or two.shape != one.shape:
            continue
        if one.samples.size and one.samples.size == two.samples.size:
            yield name, one, two


def is_packed(prints: Prints) -> bool:
    return prints.dtype not in FLOATS


def _zeros(one: Print, two: Print) -> float:
    """How much of it became zero, where the base has hardly any and the rest changed less: rounding
    makes zeros too."""
    gone = one.samples == 0
    if float((two.samples == 0).mean()) > ZEROS_BEFORE or not gone.any() or gone.all():
        return 0.0
    delta = (one.samples.astype("f8") - two.samples.astype("f8")) ** 2
    is_pruned = delta[~gone].mean() < delta[gone].mean() / 4
    return float(gone.mean()) if is_pruned else 0.0


def _is_cast(one: Print, two: Print) -> bool:
    """Whether the values differ by no more than one number format rounds."""
    if one.dtype == two.dtype:
        return False
    if "BF16" in (one.dtype, two.dtype):
        return bool((_as_bfloat16(one.samples) == _as_bfloat16(two.samples)).all())
    if "F16" in (one.dtype, two.dtype):
        with numpy.errstate(over="ignore"):
            return bool((one.samples.astype("f2") == two.samples.astype("f2")).all())
    return bool((one.samples == two.samples).all())


def _as_bfloat16(values: Array) -> Array:
    """The upper half of the bits, rounded to even."""
    bits = values.astype("<f4").view("<u4").astype("u8")
    rounded: Array = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded


def _rank(name: str, one: Print, two: Print) -> float:
    """How many directions hold most of the difference, of all that there can be."""
    rows, columns = (len(side) for side in grid(name, one.shape))
    delta = one.samples.astype("f8") - two.samples.astype("f8")
    if rows * columns != delta.size or min(rows, columns) < 2:
        return 1.0
    energy = numpy.linalg.svd(delta.reshape(rows, columns), compute_uv=False) ** 2
    total = energy.sum()
    if not total:
        return 0.0
    return float((energy.cumsum() < ENERGY * total).sum() + 1) / min(rows, columns)


def _evenness(one: Print, two: Print) -> float:
    """The largest difference against the usual one, within rows of the grid."""
    delta = one.samples.astype("f8") - two.samples.astype("f8")
    rows = delta.reshape(-1, 32) if delta.size % 32 == 0 else delta.reshape(1, -1)
    usual = numpy.sqrt((rows**2).mean(axis=1))
    kept = usual > 0
    if not kept.any():
        return numpy.inf
    return float(numpy.median(numpy.abs(rows[kept]).max(axis=1) / usual[kept]))


def _median(values: Iterator[float]) -> float:
    found = list(values)
    return float(numpy.median(found)) if found else numpy.inf
