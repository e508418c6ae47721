"""Two to five models beside each other: facts, licenses, published scores, own measurements, files."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registry.agreements import duty_table
from registry.agreements.models import Document
from registry.catalog import cards
from registry.catalog.models import SearchEntry
from registry.checks import figures
from registry.releases import measured
from registry.releases.measured import Measured
from registry.web import benchmarks, comparisons, duty_words, family_story, finder, plots
from registry.web.duty_words import ShownCell
from registry.web.models_named import Named
from registry.web.templatetags.catalog import told_day
from registry.web.templatetags.web import size

FEWEST, MOST = 2, 5
MISSING = "–"


@dataclass(frozen=True)
class Row:
    """One thing about every model. `exact` are values for machines, shown on hover."""

    title: str
    cells: list[str]
    exact: list[str]
    best: tuple[int, ...] = ()

    @property
    def is_same(self) -> bool:
        return len(set(self.cells)) == 1

    @property
    def usual(self) -> str:
        """What more than half of the models say, or that it is missing."""
        ((cell, count),) = Counter(self.cells).most_common(1)
        return cell if 2 * count > len(self.cells) else MISSING

    @property
    def shown(self) -> list[tuple[str, str, bool, bool]]:
        """Each cell with its exact value, whether it is the best, and whether it stands out: to be
        known is nothing to mark, nor to be unknown."""
        usual = self.usual
        return [
            (cell, exact, place in self.best, MISSING != usual != cell != MISSING)
            for place, (cell, exact) in enumerate(zip(self.cells, self.exact, strict=True))
        ]


@dataclass(frozen=True)
class Group:
    """Rows under a heading: those that differ, and those that say the same of every model."""

    key: str
    title: str
    differing: list[Row]
    same: list[Row]


@dataclass(frozen=True)
class DutyRow:
    """A column of the table of duties, turned: for each model the cell of each of its licenses."""

    title: str
    cells: list[list[ShownCell]]

    @property
    def is_same(self) -> bool:
        said = [{(one.word, one.value) for one in cell} for cell in self.cells]
        return all(one == said[0] for one in said)


ScoreRow = tuple[benchmarks.Row, list[tuple[benchmarks.Score | None, bool, int]]]


@dataclass(frozen=True)
class ScoreTable:
    """Rows with their cells: a score, whether it is the best, and the number of its source.
    `alone` are those in which one model has a score and no other."""

    rows: list[ScoreRow]
    alone: list[ScoreRow]
    sources: list[str]


@dataclass(frozen=True)
class MachineTable:
    """What was measured on one machine on which at least two of the models ran."""

    name: str
    differing: list[Row]
    same: list[Row]


def facts(models: Sequence[Named]) -> Group:
    here = [one.revision for one in models if one.revision is not None]
    entries = SearchEntry.objects.filter(revision__in=here)
    lengths = dict(entries.values_list("revision_id", "context_length"))
    context: _Readers = ((gettext_lazy("Context"), partial(_context, lengths)),)
    rows = []
    for title, read in (*_FIRST, *context, *_FACTS):
        told = [read(one) for one in models]
        if any(shown for shown, _exact in told):
            cells = [shown or MISSING for shown, _exact in told]
            rows.append(Row(str(title), cells, [exact for _shown, exact in told]))
    return _group("facts", _("Facts"), rows)


def files(models: Sequence[Named]) -> Group:
    """What the files here are; nothing is known of files that are elsewhere."""
    here = [one.revision for one in models]
    told: list[tuple[Any, Callable[[Any], tuple[str, str]]]] = [
        (_("Size of all files"), lambda one: (size(one.total_size), str(one.total_size))),
        (_("Format of weights"), lambda one: (", ".join(_formats(one)), "")),
        (_("Number formats"), lambda one: (", ".join(_dtypes(one)), "")),
        (_("Revision"), lambda one: (one.short, one.oid)),
        (_("Manifest"), lambda one: (one.manifest_digest[:12], one.manifest_digest)),
    ]
    rows = []
    for title, read in told:
        cells = [read(one) if one is not None else ("", "") for one in here]
        rows.append(
            Row(
                str(title),
                [shown or MISSING for shown, _e in cells],
                [exact for _s, exact in cells],
            )
        )
    return _group("files", _("Files"), rows if any(here) else [])


@dataclass(frozen=True)
class Licensed:
    """The licenses of a model, and the names of those that nobody here knows."""

    documents: list[Document]
    unknown: list[str]


@dataclass(frozen=True)
class Licensing:
    """The licenses of each model, and the duties that they differ in."""

    models: list[Licensed]
    differing: list[DutyRow]
    same: list[DutyRow]


def licensing(models: Sequence[Named]) -> Licensing:
    subjects = [finder.subject_of(one.title, one.revision, one.variant) for one in models]
    shown = [
        [
            duty_words.cells(duty_table.row(duty_table.facts_of(d), duty_table.policy_of(d)))
            for d in of
        ]
        for of in (one.documents for one in subjects)
    ]
    rows = [
        DutyRow(str(title), [[cells[place] for cells in of_model] for of_model in shown])
        for place, title in enumerate(duty_words.COLUMNS.values())
    ]
    return Licensing(
        [Licensed(one.documents, one.unknown) for one in subjects],
        [row for row in rows if not row.is_same],
        [row for row in rows if row.is_same],
    )


def scores(models: Sequence[Named]) -> ScoreTable:
    """Published scores in the same setting in one row; see `benchmarks.beside`."""
    rows = benchmarks.beside([_scores_of(one) for one in models])
    printed = (score.source for row in rows for score in row.cells if score is not None)
    numbers = {source: place for place, source in enumerate(dict.fromkeys(printed), 1)}
    shown = [
        (row, [(one, best, numbers[one.source] if one else 0) for one, best in row.pairs])
        for row in rows
    ]
    several = [one for one in shown if sum(score is not None for score in one[0].cells) > 1]
    alone = [one for one in shown if one not in several]
    return ScoreTable(several, alone, list(numbers))


def reported(models: Sequence[Named]) -> list[dict[str, Any]]:
    """Tables of publishers that set one of these beside others' models, each once."""
    found: dict[str, dict[str, Any]] = {}
    for one in models:
        if one.variant is not None:
            found |= {table["id"]: table for table in family_story.comparisons_of(one.variant)}
    return list(found.values())


def on_machines(models: Sequence[Named]) -> tuple[list[MachineTable], list[str]]:
    """The measurements of machines on which at least two of the models ran, and the names of the
    models that ran on none of those: speed on unlike machines says nothing."""
    revisions = {one.revision.pk: one.revision for one in models if one.revision is not None}
    found = measured.newest(revisions.values())
    by_model = [found.get(one.revision.pk, []) if one.revision else [] for one in models]
    machines = dict.fromkeys(
        one.machine for told in by_model for one in told if one.machine.is_known
    )
    tables, placed = [], set()
    for machine in machines:
        here = [next((m for m in told if m.machine == machine), None) for told in by_model]
        if sum(one is not None for one in here) < FEWEST:
            continue
        placed |= {place for place, one in enumerate(here) if one is not None}
        group = _group("", str(machine), _figures(here))
        tables.append(MachineTable(group.title, group.differing, group.same))
    alone = [one.title for place, one in enumerate(models) if one.revision and place not in placed]
    return tables, alone


def _figures(here: Sequence[Measured | None]) -> list[Row]:
    rows = []
    for name, title in comparisons.TITLES.items():
        values = [one.figures.get(name) if one else None for one in here]
        if any(value is not None for value in values):
            cells = [plots.number(value) for value in values]
            exact = ["" if value is None else str(value) for value in values]
            rows.append(Row(str(title), cells, exact, _best(name, values)))
    return rows


def _best(name: str, values: Sequence[float | None]) -> tuple[int, ...]:
    """Which ran best on this machine. Perplexities of unlike tokenizers are not ranked."""
    known = [value for value in values if value is not None]
    if name not in figures.OF_THE_MACHINE or len(known) < FEWEST or len(set(known)) == 1:
        return ()
    top = max(known) if name in figures.MORE_IS_BETTER else min(known)
    return tuple(place for place, value in enumerate(values) if value == top)


def _scores_of(one: Named) -> list[benchmarks.Score]:
    """A card is a document of its own, whatever it names as its source."""
    published = benchmarks.of_variant(one.variant) if one.variant is not None else []
    claimed = benchmarks.of_card(one.revision) if one.revision is not None else []
    own = [replace(score, source=f"{one.title}: {score.source}") for score in claimed]
    return [*(score for group in published for score in group.scores), *own]


def _group(key: str, title: str, rows: Iterable[Row]) -> Group:
    both = list(rows)
    return Group(key, title, [r for r in both if not r.is_same], [r for r in both if r.is_same])


def _known(one: Named, key: str) -> Any:
    return one.variant.facts.get(key) if one.variant is not None else None


def _config(one: Named, key: str) -> Any:
    return (_known(one, "config") or {}).get(key)


def _card(one: Named, key: str) -> list[str]:
    return (
        [str(value) for value in cards.as_list(one.revision.card.get(key))] if one.revision else []
    )


def _formats(revision: Any) -> list[str]:
    return [name for name in ("safetensors", "gguf", "pytorch") if name in revision.tags]


def _dtypes(revision: Any) -> list[str]:
    return sorted((revision.facts.get("safetensors") or {}).get("parameters") or {})


def _parameters(one: Named) -> tuple[str, str]:
    sizes = _known(one, "parameters") or {}
    exact = (one.revision.parameters if one.revision else None) or sizes.get("computed_from_config")
    if exact:
        return _billions(int(exact)), f"{exact:,}"
    return str(sizes.get("label") or ""), ""


def _billions(count: int) -> str:
    unit, letter = (10**9, "B") if count >= 10**9 else (10**6, "M")
    return f"{count / unit:.2f} {letter}" if count >= unit else str(count)


def _number(value: Any) -> tuple[str, str]:
    if isinstance(value, bool) or not isinstance(value, int):
        return ("", "")
    return number_format(value, force_grouping=True), str(value)


def _text(value: Any) -> tuple[str, str]:
    if isinstance(value, list):
        return ", ".join(map(str, value)), ""
    return ("" if value is None else str(value)), ""


def _context(lengths: Mapping[int, int | None], one: Named) -> tuple[str, str]:
    """What the files here say, else published facts."""
    own = lengths.get(one.revision.pk) if one.revision is not None else None
    known = _config(one, "max_position_embeddings") or _known(one, "context_length")
    return _number(own or known)


def _day(one: Named, key: str) -> tuple[str, str]:
    said = str(_known(one, key) or "")
    return told_day(said), said


def _base(one: Named) -> tuple[str, str]:
    return _text(_card(one, "base_model") or _known(one, "base_model"))


def _languages(one: Named) -> tuple[str, str]:
    return _text(_card(one, "language") or _known(one, "languages"))


def _modalities(one: Named) -> tuple[str, str]:
    return _text((_known(one, "modalities") or {}).get("input"))


def _tokens(one: Named) -> tuple[str, str]:
    return _text((_known(one, "training_tokens") or {}).get("stated"))


def _where(one: Named) -> tuple[str, str]:
    return (_("here") if one.repository is not None else _("known, not here")), ""


_Readers = tuple[tuple[Promise, Callable[[Named], tuple[str, str]]], ...]
_FIRST: _Readers = (
    (gettext_lazy("Where"), _where),
    (gettext_lazy("Parameters"), _parameters),
)
_FACTS: _Readers = (
    (gettext_lazy("Kind"), lambda one: _text(_known(one, "kind"))),
    (gettext_lazy("Task"), lambda one: _text(_card(one, "pipeline_tag"))),
    (gettext_lazy("Takes"), _modalities),
    (gettext_lazy("Base"), _base),
    (gettext_lazy("Released"), lambda one: _day(one, "release_date")),
    (gettext_lazy("Languages"), _languages),
    (gettext_lazy("Training tokens"), _tokens),
    (gettext_lazy("Training methods"), lambda one: _text(_known(one, "training_methods"))),
    (gettext_lazy("Knowledge until"), lambda one: _day(one, "knowledge_cutoff")),
    (gettext_lazy("Layers"), lambda one: _number(_config(one, "num_hidden_layers"))),
    (gettext_lazy("Width"), lambda one: _number(_config(one, "hidden_size"))),
    (gettext_lazy("Vocabulary"), lambda one: _number(_config(one, "vocab_size"))),
)
