"""Published scores: grouped by the document that prints them, and beside each other only where the
settings are the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from registry.catalog import cards
from registry.catalog.models import Revision, Variant

MAX_RESULTS = 500
LOWER_IS_BETTER = "lower is better"


@dataclass(frozen=True)
class Score:
    """What one document prints for one model. `shots` is None where none are used or printed,
    `is_reported` that the model's own card says so and nobody here measured it."""

    benchmark: str
    shots: str
    metric: str
    value: float
    source: str
    is_reported: bool = False
    note: str = ""

    @property
    def setting(self) -> tuple[str, str, str]:
        return (self.benchmark.lower(), self.shots, self.metric.lower())


@dataclass(frozen=True)
class Group:
    source: str
    scores: list[Score]


@dataclass(frozen=True)
class Row:
    """One setting of a benchmark for several models. `best` are the places of the best score, and
    none where the scores are of different documents: those are never ranked together."""

    benchmark: str
    shots: str
    metric: str
    cells: list[Score | None]
    best: list[int]
    is_ranked: bool

    @property
    def pairs(self) -> list[tuple[Score | None, bool]]:
        return [(one, place in self.best) for place, one in enumerate(self.cells)]


def of_variant(variant: Variant) -> list[Group]:
    """What published facts print of a model, by document."""
    return [
        Group(str(group["source"]), [_score(one, str(group["source"])) for one in group["results"]])
        for group in variant.facts.get("benchmarks") or []
    ]


def of_card(revision: Revision) -> list[Score]:
    """What the `model-index` of a card claims. Nothing of it was measured here."""
    found = []
    for model in cards.as_list(revision.card.get("model-index")):
        results = model.get("results") if isinstance(model, dict) else None
        for result in results if isinstance(results, list) else ():
            found += _claimed(result) if isinstance(result, dict) else []
    return found[:MAX_RESULTS]


def beside(scores: Sequence[Sequence[Score]]) -> list[Row]:
    """A row for each setting in which at least one model has a score, those of several first."""
    settings: dict[tuple[str, str, str], list[Score | None]] = {}
    for place, of_model in enumerate(scores):
        for one in of_model:
            cells = settings.setdefault(one.setting, [None] * len(scores))
            if cells[place] is None:
                cells[place] = one
    rows = [_row(cells) for cells in settings.values()]
    return sorted(rows, key=lambda row: (-sum(map(bool, row.cells)), row.benchmark.lower()))


def _row(cells: list[Score | None]) -> Row:
    printed = [one for one in cells if one is not None]
    first = printed[0]
    is_ranked = len(printed) > 1 and len({(one.source, one.is_reported) for one in printed}) == 1
    best: list[int] = []
    if is_ranked:
        pick = min if LOWER_IS_BETTER in first.benchmark.lower() else max
        top = pick(one.value for one in printed)
        best = [place for place, one in enumerate(cells) if one is not None and one.value == top]
        best = [] if len(best) == len(printed) else best
    return Row(first.benchmark, first.shots, first.metric, cells, best, is_ranked)


def _score(one: dict[str, Any], source: str) -> Score:
    shots = one.get("shots")
    return Score(
        benchmark=str(one["benchmark"]),
        shots="" if shots is None else str(shots),
        metric=str(one.get("metric") or ""),
        value=float(one["score"]),
        source=source,
        note=str(one.get("note") or ""),
    )


def _claimed(result: dict[str, Any]) -> list[Score]:
    dataset = result.get("dataset")
    named = dataset if isinstance(dataset, dict) else {}
    given = named.get("args")
    args = given if isinstance(given, dict) else {}
    shots = args.get("num_few_shot")
    source = result.get("source")
    where = source.get("name") or source.get("url") if isinstance(source, dict) else ""
    found = []
    metrics = result.get("metrics")
    for metric in metrics if isinstance(metrics, list) else ():
        value = metric.get("value") if isinstance(metric, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        found.append(
            Score(
                benchmark=str(named.get("name") or named.get("type") or "?")[:100],
                shots="" if shots is None else str(shots)[:20],
                metric=str(metric.get("name") or metric.get("type") or "")[:60],
                value=float(value),
                source=str(where or _("the model card"))[:200],
                is_reported=True,
            )
        )
    return found
