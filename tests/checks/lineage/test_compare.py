"""What was done to a model is told by a few values of each tensor, and unrelated models never match."""

import itertools

import pytest

from registry.checks.lineage import kinds, verdicts
from registry.checks.lineage.compare import Comparison, compare
from registry.checks.lineage.fingerprints import decode, encode, read
from tests.checks import prints

BASE = prints.weights()
SUPPORTED, NOT_SUPPORTED = verdicts.SUPPORTED, verdicts.NOT_SUPPORTED


def _compared(model: prints.Weights, base: prints.Weights = BASE, **how: str) -> Comparison:
    return compare(read(prints.records(model, **how)), read(prints.records(base)))


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (BASE, kinds.IDENTICAL),
        (prints.tuned(BASE), kinds.FULL),
        (prints.tuned(BASE, share=0.3), kinds.FULL),
        (prints.tuned(BASE, share=0.001), kinds.FULL),
        (prints.with_adapter(BASE), kinds.ADAPTER),
        (prints.with_adapter(BASE, rank=16), kinds.ADAPTER),
        (prints.rounded(BASE), kinds.QUANTIZED),
        (prints.rounded(BASE, bits=4), kinds.QUANTIZED),
        (prints.pruned(BASE), kinds.PRUNED),
        (prints.pruned(BASE, share=0.2), kinds.PRUNED),
        (prints.cut(BASE, 3, 4), kinds.DEPTH_CUT),
        (prints.cut(BASE, 4, 5), kinds.DEPTH_CUT),
        (prints.tuned(prints.cut(BASE, 1, 2)), kinds.DEPTH_CUT),
    ],
)
def test_what_was_done_to_the_base_is_told_and_supports_it(model, kind):
    one = _compared(model)

    assert one.kind == kind
    assert verdicts.verdict_of(one) == SUPPORTED
    assert not verdicts.is_disguised(one)


def test_another_number_format_is_the_same_model():
    assert _compared(prints.as_bfloat16(BASE), dtype="BF16").kind == kinds.CONVERTED


def test_packed_weights_are_quantized_whatever_their_values_say():
    assert _compared(prints.rounded(BASE, bits=4), dtype="Q4_K").kind == kinds.QUANTIZED


def test_layers_in_another_order_are_no_cut():
    model = dict(BASE)
    for name in BASE:
        if ".layers.2." in name:
            model[name] = BASE[name.replace(".2.", ".4.")]
            model[name.replace(".2.", ".4.")] = BASE[name]

    assert _compared(model).kind == kinds.REARRANGED


@pytest.mark.parametrize(
    "model",
    [
        prints.permuted_units(BASE),
        prints.rotated(BASE),
        prints.permuted_units(prints.tuned(BASE, share=0.02)),
    ],
)
def test_a_disguised_copy_is_seen_through(model):
    one = _compared(model)

    assert verdicts.is_disguised(one)
    assert verdicts.verdict_of(one) == NOT_SUPPORTED


def test_a_rotation_is_known_by_its_embedding_alone():
    one = _compared(prints.rotated(BASE))

    assert abs(one.cosine) < 0.3
    assert one.gram > 0.99


def test_reordered_units_are_found_by_gate_and_up_alike():
    one = _compared(prints.permuted_units(BASE))

    assert one.units > 0.99
    assert one.share < 0.9


def test_unrelated_models_never_match():
    others = [prints.weights(seed) for seed in range(1, 6)]
    read_once = [read(prints.records(each)) for each in (BASE, *others, prints.tuned(others[0]))]
    for one, two in itertools.combinations(read_once, 2):
        if one is read_once[1] and two is not read_once[2]:
            continue
        found = compare(one, two)
        if found.cosine > 0.5:
            assert two is not read_once[2]
            continue
        assert (found.kind, verdicts.verdict_of(found)) == ("", verdicts.CONTRADICTED)
        assert not verdicts.is_disguised(found)
        assert abs(found.cosine) < 0.1
        assert abs(found.units) < 0.4


def test_an_average_of_two_unrelated_models_is_partly_either():
    other = prints.weights(9)
    both = {name: (BASE[name] + other[name]) / 2 for name in BASE}

    assert verdicts.verdict_of(_compared(both)) == NOT_SUPPORTED


def test_a_longer_vocabulary_leaves_the_layers_comparable():
    model = dict(prints.tuned(BASE))
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        model[name] = prints.numpy.concatenate([model[name], model[name][:20]])

    one = _compared(model)

    assert verdicts.verdict_of(one) == SUPPORTED
    assert one.gram > 0.95


def test_weights_of_another_shape_are_no_fine_tune():
    small = {name: tensor[..., :32].copy() for name, tensor in prints.weights(3).items()}

    one = _compared(small)

    assert one.cosine is None
    assert verdicts.verdict_of(one) == verdicts.CONTRADICTED


def test_each_layer_has_its_own_figures():
    model = prints.weights(5)
    half = {name: model[name] if ".layers.5." in name else BASE[name] for name in BASE}

    layers = {one["layer"]: one for one in _compared(half).layers}

    assert list(layers) == ["embedding", "0", "1", "2", "3", "4", "5", "head"]
    assert layers["4"] == {"layer": "4", "of": "4", "attention": 1.0, "mlp": 1.0}
    assert abs(layers["5"]["attention"]) < 0.2


def test_a_cut_names_the_layers_of_the_base():
    layers = {one["layer"]: one["of"] for one in _compared(prints.cut(BASE, 1, 2)).layers}

    assert (layers["0"], layers["1"], layers["3"]) == ("0", "3", "5")


def test_a_row_gives_back_what_was_written():
    found = read(prints.records(prints.tuned(BASE)))

    again = decode(encode(found))

    assert again.weights_digest == found.weights_digest
    assert again.shape_key == found.shape_key
    assert compare(again, found).kind == kinds.IDENTICAL
    assert compare(again, found).gram == pytest.approx(1)
    assert {name: one.shape for name, one in again.units.items()} == {
        name: one.shape for name, one in found.units.items()
    }
