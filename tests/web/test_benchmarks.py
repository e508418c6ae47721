"""Published scores stand in one row, and are ranked, only where the settings are the same."""

from registry.catalog.models import Revision
from registry.web import benchmarks
from registry.web.benchmarks import Score


def score(value: float, *, shots: str = "5", source: str = "card A", name: str = "MMLU") -> Score:
    return Score(name, shots, "accuracy", value, source)


def test_the_best_is_marked_where_one_document_measured_all_alike() -> None:
    (row,) = benchmarks.beside([[score(60)], [score(70)], []])
    assert (row.is_ranked, row.best) == (True, [1])

    (low,) = benchmarks.beside(
        [
            [score(60, name="ToxiGen (lower is better)")],
            [score(7, name="ToxiGen (lower is better)")],
        ]
    )
    assert low.best == [1]


def test_other_settings_are_other_rows_and_other_documents_are_not_ranked() -> None:
    assert len(benchmarks.beside([[score(60)], [score(70, shots="0")]])) == 2

    (row,) = benchmarks.beside([[score(60)], [score(70, source="card B")]])
    assert (row.is_ranked, row.best) == (False, [])


def test_claims_of_a_card_are_marked_and_what_is_no_number_is_left_out() -> None:
    result = {
        "task": {"type": "text-generation"},
        "dataset": {"name": "MMLU", "type": "mmlu", "args": {"num_few_shot": 5}},
        "metrics": [{"type": "accuracy", "value": 61.5}, {"type": "acc", "value": "high"}, 3],
    }
    index = [{"results": [result, "x", {"dataset": None, "metrics": None}]}, "y"]

    (one,) = benchmarks.of_card(Revision(card={"model-index": index}))
    assert (one.benchmark, one.shots, one.value, one.is_reported) == ("MMLU", "5", 61.5, True)
    ranked = benchmarks.beside([[one], [Score("MMLU", "5", "accuracy", 70, one.source)]])
    assert not ranked[0].is_ranked
    assert benchmarks.of_card(Revision(card={"model-index": {"a": 1}})) == []
