"""What the sandbox says of weights is not believed: it is whole, bounded and finite, or refused."""

import base64
import copy
import math

import numpy
import pytest

from registry.checks.lineage import fingerprints
from registry.checks.lineage.fingerprints import Malformed, read
from tests.checks import prints

GOOD = prints.records(prints.weights(layers=1))


def _changed(kind: str, **changes: object) -> prints.Records:
    found = copy.deepcopy(GOOD)
    found[kind][0] |= changes
    return found


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a\x1b[31m"},
        {"name": "../../etc"},
        {"name": "a" * 513},
        {"name": None},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"dtype": "<b>"},
        {"dtype": 3},
        {"shape": "300"},
        {"shape": [-1, 4]},
        {"shape": [True, 4]},
        {"shape": [2.0, 4]},
        {"shape": [1] * 9},
        {"shape": [2**40, 2**40]},
        {"shape": [2, 2]},
        {"samples": _text(b"\0" * 4100)},
        {"samples": _text(b"\0" * 5)},
        {"samples": "not base64!"},
        {"samples": "é"},
        {"samples": 7},
        {"samples": "A" * 10_000_000},
    ],
)
def test_a_tensor_that_cannot_be_is_refused(changes):
    with pytest.raises(Malformed):
        read(_changed("tensor", **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": None},
        {"rows": 513},
        {"rows": True},
        {"rows": [-1]},
        {"rows": ["a"]},
        {"rows": list(range(600))},
        {"rows": [1, 2, 3]},
        {"values": _text(b"\0" * 3)},
        {"values": "A" * 1_000_000},
        {"values": {}},
    ],
)
def test_a_gram_matrix_that_cannot_be_is_refused(changes):
    with pytest.raises(Malformed):
        read(_changed("gram", **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a b"},
        {"width": 0},
        {"width": 33},
        {"width": "16"},
        {"values": _text(b"\0" * 17)},
        {"values": "A" * 8_000_000},
        {"values": None},
    ],
)
def test_hidden_units_that_cannot_be_are_refused(changes):
    with pytest.raises(Malformed):
        read(_changed("units", **changes))


def test_a_tensor_twice_or_too_many_are_refused(monkeypatch):
    with pytest.raises(Malformed):
        read({"tensor": [GOOD["tensor"][0]] * 2})
    monkeypatch.setattr(fingerprints, "MOST_TENSORS", 3)
    with pytest.raises(Malformed):
        read(GOOD)


def test_endless_parts_are_refused():
    units = {**GOOD["units"][0], "values": _text(b"\0" * 16 * 65_536)}
    with pytest.raises(Malformed):
        read(GOOD | {"units": [units] * 5})
    with pytest.raises(Malformed):
        read(GOOD | {"gram": [{"rows": 2, "values": ""}] * 100})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_left_out(value):
    samples = _text(numpy.array([value] * 10, "<f4").tobytes())
    for changes in ({"samples": samples}, {"norm": value}, {"norm": "1"}, {"norm": None}):
        one = read(_changed("tensor", **changes)).tensors["model.embed_tokens.weight"]
        assert one.samples.size == 0
        assert one.norm == 0
    gram = read(
        GOOD | {"gram": [{"rows": 2, "values": _text(numpy.array([value], "<f2").tobytes())}]}
    )
    assert gram.gram is None


def test_nothing_measured_is_no_fingerprint():
    assert read({}) is None
    assert read({"tensor": [], "gram": GOOD["gram"]}) is None


def test_the_key_is_of_one_layer_and_the_digest_of_all_weights():
    whole, cut = read(prints.records(prints.weights())), read(GOOD)
    longer = read(prints.records(prints.weights(1)))

    assert whole.shape_key == cut.shape_key == longer.shape_key
    assert len({whole.weights_digest, cut.weights_digest, longer.weights_digest}) == 3


def test_extreme_values_compare_without_a_warning():
    huge = {name: tensor * 1e37 for name, tensor in prints.weights().items()}
    none = {name: tensor * 0 for name, tensor in prints.weights().items()}
    from registry.checks.lineage.compare import compare
    from registry.checks.lineage.nearest import sketch

    for one in (huge, none):
        for two in (huge, none, prints.weights()):
            first = read(prints.records({k: v.astype("f4") for k, v in one.items()}))
            second = read(prints.records({k: v.astype("f4") for k, v in two.items()}))
            found = compare(first, second)
            assert found.cosine is None or -1 <= found.cosine <= 1
            assert sketch(first)
