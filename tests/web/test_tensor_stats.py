"""How far the weights of two revisions are from each other, as the checks measured them."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy
import pytest
from django.test import Client

from registry.catalog.models import Revision
from registry.checks.lineage import fingerprints
from registry.web import tensor_stats
from registry.web.templatetags.files import figure, share, signed_share
from tests import factories, turns
from tests.checks import kept_prints, models

pytestmark = pytest.mark.django_db
Tensors = Mapping[str, Any]
Q = "model.layers.{}.self_attn.q_proj.weight"


def keep(revision: Revision, tensors: Tensors) -> None:
    """A finished run that measured these."""
    run = factories.finish_checks(revision)
    prints = fingerprints.Prints(
        {
            name: fingerprints.Print(
                hashlib.sha256(tensor.tobytes()).hexdigest(),
                "F32",
                tensor.shape,
                float(numpy.linalg.norm(tensor)),
                tensor.reshape(-1)[:1024],
            )
            for name, tensor in tensors.items()
        }
    )
    kept_prints.keep(run, prints)


def make_pair(before: Tensors, after: Tensors) -> tuple[Revision, Revision]:
    repository = factories.make_repository()
    made = []
    for tensors in (before, after):
        raw = models.safetensors(dict(tensors))
        made.append(factories.make_commit(repository, {"model.safetensors": raw}))
        keep(made[-1], tensors)
    return made[0], made[1]


def test_layers_and_tensors_say_how_far_they_moved() -> None:
    ones = numpy.ones((2, 4), "f4")
    before = {"model.embed.weight": ones, Q.format(0): ones, Q.format(10): ones}
    after = before | {Q.format(0): ones * 2, Q.format(10): ones * 1.1}

    found = tensor_stats.of(*make_pair(before, after))

    assert (found.measured, found.missing) == (3, [])
    assert [(one.number, one.differ, one.count) for one in found.layers] == [
        (None, 0, 1),
        (0, 1, 1),
        (10, 1, 1),
    ]
    assert found.layers[1].change == pytest.approx(1.0)
    assert found.layers[0].distance == 0
    assert [one.name for one in found.moved] == [Q.format(0), Q.format(10)]
    moved = found.moved[1]
    assert moved.distance == pytest.approx(0.1, rel=1e-5)
    assert moved.mean == pytest.approx((1.0, 1.1), rel=1e-5)
    assert moved.spread == pytest.approx((0.0, 0.0), abs=1e-6)


def test_of_tensors_with_another_shape_no_move_is_told() -> None:
    ones = numpy.ones((2, 4), "f4")

    found = tensor_stats.of(*make_pair({Q.format(0): ones}, {Q.format(0): ones[:1]}))

    assert found.differing == [Q.format(0)]
    assert found.moved == []
    assert found.layers[0].distance is None


def test_a_revision_without_a_measurement_is_named_with_the_reason(client: Client) -> None:
    ones = numpy.ones((2, 4), "f4")
    before, _ = make_pair({"a.weight": ones}, {"a.weight": ones * 2})
    running = factories.make_commit(
        before.repository, {"model.safetensors": models.safetensors({"a.weight": ones * 3})}
    )
    client.force_login(before.repository.created_by)
    where = f"/{before.repository.full_name}/compare?from={before.oid}&to={running.oid}"

    live = client.get(where).text
    factories.finish_checks(running, "blocked")
    stopped = client.get(where).text

    assert f"Revision {running.short} has no statistics of its tensors" in live
    assert "its checks are still running" in live
    assert "a check stopped the run before the weights were measured" in stopped
    assert f"Revision {before.short} has no" not in live


def test_the_comparison_shows_layers_and_the_tensors_that_moved_most(client: Client) -> None:
    ones = numpy.ones((2, 4), "f4")
    before, after = make_pair(
        {"a.weight": ones, Q.format(3): ones}, {"a.weight": ones, Q.format(3): ones * 2}
    )
    client.force_login(before.repository.created_by)

    page = client.get(
        f"/{before.repository.full_name}/compare?from={before.oid}&to={after.oid}"
    ).text

    assert "Tensors by layer" in page
    assert "model.layers.3" in page
    assert "+100.00\u00a0%" in page
    assert "Tensors that moved most" in page


def test_many_tensors_are_bounded_and_quick() -> None:
    chance = numpy.random.default_rng(1)
    values = chance.normal(size=(32, 8)).astype("f4")
    before = {
        f"model.layers.{one}.t{two}.weight": values for one in range(250) for two in range(40)
    }
    after = dict.fromkeys(before, values * 1.01)
    pair = make_pair(before, after)

    with turns.at_most(200):
        found = tensor_stats.of(*pair)

    assert found.measured == 10_000
    assert (len(found.layers), found.layers_left_out) == (tensor_stats.MAX_LAYERS, 50)
    assert len(found.moved) == tensor_stats.MAX_MOVED


def test_of_more_tensors_than_a_page_takes_none_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ones = numpy.ones((2, 4), "f4")
    few = {Q.format(number): ones for number in range(2)}
    pair = make_pair(few, few | {Q.format(2): ones})

    monkeypatch.setattr(tensor_stats, "MAX_TENSORS", 2)
    found = tensor_stats.of(*pair)

    assert [(short, "more tensors" in str(why)) for short, why in found.missing] == [
        (pair[1].short, True)
    ]
    assert (found.measured, found.layers) == (0, [])


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.0000"), (1234.5678, "1,235"), (12.3456, "12.35"), (0.00001234, "1.23e-05")],
)
def test_figures_have_the_digits_that_count(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_a_share_that_is_there_is_never_shown_as_nothing() -> None:
    assert [share(one) for one in (None, 0.0, 0.000001, 0.5)] == [
        "–",
        "=",
        "< 0.01\u00a0%",
        "50.00\u00a0%",
    ]
    assert signed_share(-0.5) == "−50.00\u00a0%"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -1e308, 1e85, -0.0])
def test_figures_of_hostile_weights_are_short_and_no_words(value: float) -> None:
    for shown in (figure(value), share(value), signed_share(value)):
        assert len(shown) < 12
        assert "n" not in shown
