"""What stands beside a card: its front matter in rows, what is known of the model, reported results."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from registry.accounts.callers import Caller
from registry.catalog import cards
from registry.catalog.known_models import addresses_of
from registry.catalog.models import Revision, SearchEntry
from registry.checks.models import CheckRun
from registry.releases import evidence
from registry.releases.gate import Answer
from registry.web.measured_lineage import LOOKS

MAX_VALUES = 30
MAX_TEXT = 300
MAX_RESULTS = 60
# In the order in which the panel shows them; the other keys come after, as they are written
TITLES = {
    "license": _("License"),
    "license_name": _("Name of the license"),
    "license_link": _("Text of the license"),
    "pipeline_tag": _("Task"),
    "library_name": _("Library"),
    "language": _("Languages"),
    "datasets": _("Datasets"),
    "base_model": _("Base"),
    "base_model_relation": _("Relation to the base"),
    "new_version": _("Newer model"),
    "tags": _("Tags"),
    "metrics": _("Metrics"),
    "co2_eq_emissions": _("Emissions (CO2)"),
    "thumbnail": _("Picture"),
    "model_name": _("Name of the model"),
    "inference": _("Inference"),
}
ELSEWHERE = {"model-index"}


@dataclass(frozen=True)
class Row:
    """A key of the front matter. `title` is "" where the site gives it no name of its own."""

    key: str
    title: Any
    values: list[str]
    more: int = 0


@dataclass(frozen=True)
class Base:
    """A model that the card names as its base, with what the weights say of that."""

    name: str
    address: str = ""
    look: str = ""
    sign: str = ""
    word: Any = ""


@dataclass(frozen=True)
class Result:
    """A result as the card reports it."""

    task: str
    dataset: str
    metric: str
    value: str
    source: str = ""
    source_url: str = ""


@dataclass(frozen=True)
class Panel:
    rows: list[Row]
    own: list[Row]
    bases: list[Base]
    results: list[Result]
    task: str = ""
    methods: list[str] = field(default_factory=list)
    dtypes: list[tuple[str, int]] = field(default_factory=list)
    context_length: int | None = None


def of(revision: Revision, *, run: CheckRun | None, answer: Answer, caller: Caller) -> Panel:
    card = revision.card
    rows = [_row(key, card[key]) for key in TITLES if key in card]
    own = [
        _row(key, value)
        for key, value in card.items()
        if key not in TITLES and key not in ELSEWHERE
    ]
    entry = SearchEntry.objects.filter(repository=revision.repository_id).first()
    fits = entry is not None and entry.revision_id == revision.pk
    facets = entry.facets if entry is not None and fits else []
    return Panel(
        rows=[row for row in rows if row.values],
        own=[row for row in own if row.values][:MAX_VALUES],
        bases=_bases(revision, run, answer, caller),
        results=_results(card.get("model-index")),
        task=str(card.get("pipeline_tag") or ""),
        methods=[one.removeprefix("method:") for one in facets if one.startswith("method:")],
        dtypes=_dtypes(revision.facts),
        context_length=(entry.context_length if entry is not None and fits else None)
        or _context(revision.facts),
    )


def newer(revision: Revision, *, caller: Caller) -> Base | None:
    """The model that the card calls its newer version."""
    name = revision.card.get("new_version")
    if not isinstance(name, str) or not cards.REPO_ID.fullmatch(name):
        return None
    return Base(name, addresses_of([name], caller).get(name.lower(), ""))


def _row(key: str, value: Any) -> Row:
    values = [_text(one) for one in cards.as_list(value)[:MAX_VALUES]]
    more = max(0, len(cards.as_list(value)) - MAX_VALUES)
    return Row(key[:80], TITLES.get(key, ""), [one for one in values if one], more)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is None:
        return ""
    if isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values()):
        return ", ".join(f"{key}: {one}" for key, one in value.items())[:MAX_TEXT]
    return json.dumps(value, ensure_ascii=False)[:MAX_TEXT]


def _bases(revision: Revision, run: CheckRun | None, answer: Answer, caller: Caller) -> list[Base]:
    names = [one for one in cards.as_list(revision.card.get("base_model")) if isinstance(one, str)]
    names = list(dict.fromkeys(names))[:10]
    if not names:
        return []
    measured = verdicts(run, answer, by=caller)
    addresses = addresses_of(names, caller)
    return [
        Base(name, addresses.get(name.lower(), ""), *_look(measured.get(name.lower())))
        for name in names
    ]


def _look(verdict: str | None) -> tuple[str, str, Any]:
    return LOOKS.get(verdict, ("", "", "")) if verdict else ("", "", "")


def verdicts(run: CheckRun | None, answer: Answer, *, by: Caller) -> dict[str, str]:
    """What was measured of each base that the card names, by its name in small letters."""
    report = evidence.report_for(run, answer, by=by) if run is not None else {}
    return verdicts_in(report.get("lineage") or {})


def verdicts_in(measured: dict[str, Any]) -> dict[str, str]:
    """The same from what a report says of lineage."""
    found: dict[str, str] = {}
    for part in (measured.get("targets") or {"": measured}).values():
        for base in part.get("bases") or ([part] if part.get("compared_with") else []):
            name = str(base.get("model") or base.get("compared_with") or "").lower()
            if verdict := base.get("verdict"):
                found[name] = _graver(found.get(name), str(verdict))
    return found


def _graver(one: str | None, other: str) -> str:
    order = list(LOOKS)
    known = [verdict for verdict in (one, other) if verdict in order]
    return max(known, key=order.index, default=other)


def _results(value: Any) -> list[Result]:
    """The rows of a `model-index`, whatever stands in it."""
    found = []
    for model in cards.as_list(value):
        for result in cards.as_list(_dict(model).get("results")):
            told = _dict(result)
            source = _dict(told.get("source"))
            for metric in cards.as_list(told.get("metrics")):
                found.append(_result(told, _dict(metric), source))
                if len(found) >= MAX_RESULTS:
                    return found
    return found


def _result(told: dict[str, Any], metric: dict[str, Any], source: dict[str, Any]) -> Result:
    task, dataset = _dict(told.get("task")), _dict(told.get("dataset"))
    url = _text(source.get("url"))
    return Result(
        task=_text(task.get("name") or task.get("type")),
        dataset=_text(dataset.get("name") or dataset.get("type")),
        metric=_text(metric.get("name") or metric.get("type")),
        value=_text(metric.get("value")),
        source=_text(source.get("name")) or url,
        source_url=url if url.startswith("https://") else "",
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dtypes(facts: dict[str, Any]) -> list[tuple[str, int]]:
    counts = _dict(_dict(facts.get("safetensors")).get("parameters"))
    return sorted(counts.items(), key=lambda one: -one[1])[:4]


def _context(facts: dict[str, Any]) -> int | None:
    said = _dict(facts.get("gguf")).get("context_length")
    return said if isinstance(said, int) and said > 0 else None
