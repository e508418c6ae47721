"""What the page of a model's lineage shows: who comes from whom, what says so, and which licenses and
duties come down."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from registry.accounts.callers import Caller
from registry.agreements import licenses
from registry.agreements.licenses import Licensed
from registry.agreements.models import Document
from registry.catalog import descendants, known_models, lineage
from registry.catalog.descendants import PER_PAGE, Child
from registry.catalog.lineage import Ancestry, Parent
from registry.catalog.models import Ref, Revision
from registry.checks.models import CheckRun, RunState
from registry.web import card_panel, graphs, plain_terms, shown_terms
from registry.web.graphs import Box, Curve, Edge, Graph
from registry.web.standing import Standing

ROOT, ALIKE = "this", "alike"
LONGEST, ENDING = 21, 8  # characters of a name that its box holds
TEXT_X, CHIP = 18, 22
LOOKS = {
    "supported": "measured",
    "not supported": "doubted",
    "contradicted": "contradicted",
}


@dataclass(frozen=True)
class Model:
    """A model in the graph. `address` is "" where no page of it is to be had."""

    key: str
    name: str
    address: str = ""
    state: str = ""
    revision: Revision | None = None
    column: int = 0
    own: tuple[int, ...] = ()
    box: Box | None = None
    relation: str = ""

    @property
    def owner(self) -> str:
        return self.name.partition("/")[0] if "/" in self.name else ""

    @property
    def own_name(self) -> str:
        return self.name.partition("/")[2] or self.name

    @property
    def short_name(self) -> str:
        """With its ending, which is what tells the copies of a model apart."""
        name = self.own_name
        if len(name) <= LONGEST:
            return name
        return f"{name[: LONGEST - ENDING - 1]}…{name[-ENDING:]}"

    @property
    def note(self) -> str:
        return " · ".join(one for one in (self.relation, self.state) if one)

    @property
    def letters(self) -> str:
        return " ".join(graphs.letter(place) for place in self.own)

    @property
    def chips(self) -> list[tuple[int, int, str]]:
        """The letters of its licenses: how far right each stands, its look and itself."""
        shown = self.own[: graphs.MAX_BANDS]
        return [
            (row * CHIP, place % graphs.MAX_BANDS, graphs.letter(place))
            for row, place in enumerate(shown)
        ]

    @property
    def note_x(self) -> int:
        return TEXT_X + len(self.chips) * CHIP


@dataclass(frozen=True)
class Line:
    """`below` comes from `above`: as its card declares, and as the weights say (`look`)."""

    above: str
    below: str
    relation: str
    look: str = "declared"
    curve: Curve | None = None


@dataclass
class Flowing:
    """A license in the graph, who brings it to this model, and what it asks of whoever passes the
    model on."""

    place: int
    title: str
    address: str = ""
    is_own: bool = False
    brought_by: list[str] = field(default_factory=list)
    duties: list[str] = field(default_factory=list)

    @property
    def letter(self) -> str:
        return graphs.letter(self.place)

    @property
    def look(self) -> int:
        return self.place % graphs.MAX_BANDS


@dataclass(frozen=True)
class Branch:
    """A model in the list, with those that come from it."""

    model: Model
    line: Line | None
    below: "list[Branch]"


def of(here: Standing, *, caller: Caller, page: str | None) -> dict[str, Any]:
    ancestry = lineage.of_revision(here.shown)
    found = descendants.children(here.repository, caller=caller)
    children: Page[Ref] = Paginator(found, PER_PAGE).get_page(page)
    below = descendants.of_page(here.repository, list(children.object_list), caller=caller)
    bands = _Bands()
    models, lines = _above(here, ancestry, bands)
    models |= _below(below, bands)
    lines += [_line(child, base, here) for child in below for base in child.bases]
    measured = _reports(one.revision for one in models.values() if one.revision is not None)
    lines = _measured(measured, models, lines)
    models = _placed(models, lines, below)
    beside = _beside(measured.get(here.shown.pk, {}), models, caller)
    shown, drawn = dict(models), list(lines)
    if beside is not None:
        shown[ALIKE] = beside
        drawn.append(Line(ALIKE, ROOT, "", ALIKE))
    graph = _graph(shown, drawn)
    return {
        "graph": graph,
        "models": [replace(one, box=graph.boxes[one.key]) for one in shown.values()],
        "lines": [replace(a, curve=b) for a, b in zip(drawn, graph.curves, strict=True)],
        "beside": beside,
        "up": _branches(models, lines, is_up=True),
        "down": _branches(models, lines, is_up=False),
        "this": models[ROOT],
        "flowing": bands.flowing,
        "page": children,
        "looks": {line.look for line in lines},
    } | _notes(ancestry)


class _Bands:
    """The licenses in the graph, each with a place of its own, those of this model first."""

    def __init__(self) -> None:
        self.flowing: list[Flowing] = []
        self._places: dict[str, int] = {}

    def of_document(self, one: Document | str) -> int:
        title = str(one if isinstance(one, str) else one.title)
        if title not in self._places:
            self._places[title] = len(self.flowing)
            address = "" if isinstance(one, str) else one.get_absolute_url()
            duties = [] if isinstance(one, str) else _duties(one)
            self.flowing.append(Flowing(len(self.flowing), title, address, duties=duties))
        return self._places[title]

    def of_licensed(self, one: Licensed) -> int:
        place = self.of_document(one.document)
        flowing = self.flowing[place]
        flowing.is_own |= one.is_declared
        flowing.brought_by = list(dict.fromkeys(parent.shown for parent in one.parents))
        return place


def _duties(document: Document) -> list[str]:
    asked = document.facts.get("redistribution_duties") or []
    return [plain_terms.duty_sentence(str(one)) for one in asked]


def _above(
    here: Standing, ancestry: Ancestry, bands: _Bands
) -> tuple[dict[str, Model], list[Line]]:
    """This model and those that it comes from. Two that may only be said by one name are one."""
    found = licenses.licenses_of(ancestry, here.shown.card)
    own: dict[int, set[int]] = {}
    mine: list[int] = []
    for one in found.known:
        place = bands.of_licensed(one)
        mine += [place] if one.is_declared else []
        for parent in one.parents:
            own.setdefault(id(parent), set()).add(place)
    name, address = here.repository.full_name, here.repository.get_absolute_url()
    models = {ROOT: Model(ROOT, name, address, revision=here.shown, own=tuple(mine))}
    keys = {-1: ROOT}
    for place, parent in enumerate(ancestry.ancestors):
        keys[place] = key = f"up:{parent.shown.lower()}"
        models.setdefault(key, _of_parent(key, parent, sorted(own.get(id(parent), ()))))
    lines = [
        Line(keys[above], keys[below], _relation(ancestry, below, here))
        for below, above in ancestry.edges
        if keys[above] != keys[below]
    ]
    for name in ancestry.own_unknown:
        key = f"unknown:{name.lower()}"
        models[key] = Model(key, name, state=_("not known here"))
        lines.append(Line(key, ROOT, _word(lineage.relation_of(here.shown))))
    return models, list({(line.above, line.below): line for line in lines}.values())


def _of_parent(key: str, parent: Parent, own: Sequence[int]) -> Model:
    origin = shown_terms.origin(parent)
    address = origin.address
    if not address and parent.repository is None and parent.variant is not None:
        address = reverse("variant", args=[parent.variant.family.slug, parent.variant.slug])
    return Model(key, origin.name, address, origin.kind, parent.revision, own=tuple(own))


def _relation(ancestry: Ancestry, below: int, here: Standing) -> str:
    revision = here.shown if below < 0 else ancestry.ancestors[below].revision
    return _word(lineage.relation_of(revision)) if revision is not None else ""


def _word(relation: str) -> str:
    return str(shown_terms.relations().get(relation, ""))


def _below(found: Sequence[Child], bands: _Bands) -> dict[str, Model]:
    named = licenses.named_in_each([child.revision.card for child in found]) if found else []
    models = {}
    for child, each in zip(found, named, strict=True):
        repository, key = child.repository, f"down:{child.repository.pk}"
        state = "" if child.revision.state == "released" else child.revision.get_state_display()
        own = tuple(bands.of_document(one) for one in each)
        address = repository.get_absolute_url()
        models[key] = Model(key, repository.full_name, address, state, child.revision, own=own)
    return models


def _line(child: Child, base: int, here: Standing) -> Line:
    above = ROOT if base == here.repository.pk else f"down:{base}"
    return Line(above, f"down:{child.repository.pk}", _word(child.relation))


def _measured(
    reports: Mapping[int, dict[str, Any]], models: dict[str, Model], lines: list[Line]
) -> list[Line]:
    """The lines with what was measured of each base that a card names. Only names that the graph
    shows anyway are looked up in a report."""
    said = {key: card_panel.verdicts_in(report) for key, report in reports.items()}
    found = []
    for line in lines:
        revision, above = models[line.below].revision, models[line.above].name.lower()
        verdicts = said.get(revision.pk, {}) if revision is not None else {}
        found.append(replace(line, look=LOOKS.get(verdicts.get(above, ""), "declared")))
    return found


def _beside(report: dict[str, Any], models: dict[str, Model], caller: Caller) -> Model | None:
    """The published model whose weights are nearest to this one's, where the graph has no line
    to it and the caller may know of it."""
    names = [str(one.get("model") or "") for one in report.get("nearest") or []]
    drawn = {one.name.lower() for one in models.values()}
    names = [name for name in names if name.lower() not in drawn]
    addresses = known_models.addresses_of(names, caller)
    for name in names:
        if address := addresses.get(name.lower()):
            return Model(ALIKE, name, address, pgettext("lineage", "alike, not declared"))
    return None


def _reports(revisions: Iterable[Revision]) -> dict[int, dict[str, Any]]:
    """By revision what its newest run measured of lineage."""
    rows = (
        CheckRun.objects.filter(revision__in=list(revisions), state=RunState.FINISHED)
        .exclude(rescan__isnull=False, rescan__adopted_at=None)
        .order_by("revision_id", "-pk")
        .distinct("revision_id")
        .values_list("revision_id", "report__lineage")
    )
    return {key: measured or {} for key, measured in rows}


def _placed(
    models: dict[str, Model], lines: Sequence[Line], below: Sequence[Child]
) -> dict[str, Model]:
    up = [key for key in models if not key.startswith("down:")]
    pairs = [(line.above, line.below) for line in lines if not line.below.startswith("down:")]
    columns = graphs.columns_of(up, pairs, ROOT)
    columns |= {f"down:{child.repository.pk}": child.generation for child in below}
    how = {line.below: line.relation for line in lines}
    # Nobody that it comes from stands in the column of the model itself
    return {
        key: replace(
            one,
            column=min(columns[key], -1) if key in up[1:] else columns[key],
            relation=how.get(key, ""),
        )
        for key, one in models.items()
    }


def _graph(models: dict[str, Model], lines: Sequence[Line]) -> Graph:
    carried: dict[str, set[int]] = {key: set(one.own) for key, one in models.items()}
    for _round in range(len(models)):
        before = {key: len(one) for key, one in carried.items()}
        for line in lines:
            carried[line.below] |= carried[line.above]
        if before == {key: len(one) for key, one in carried.items()}:
            break
    nodes = [
        graphs.Node(key, one.column, tuple(sorted(carried[key]))) for key, one in models.items()
    ]
    edges = [Edge(one.above, one.below, tuple(sorted(carried[one.above]))) for one in lines]
    return graphs.laid_out(nodes, edges)


def _branches(models: dict[str, Model], lines: Sequence[Line], *, is_up: bool) -> list[Branch]:
    """What stands on one side of this model, each line once. A model that several lead to has what
    follows where it is nearest, so that a list is no deeper than the lineage is followed."""
    following: dict[str, list[tuple[str, Line]]] = {}
    for line in lines:
        if line.below.startswith("down:") != is_up:
            near, far = (line.below, line.above) if is_up else (line.above, line.below)
            following.setdefault(near, []).append((far, line))
    first: dict[str, Line | None] = {ROOT: None}
    queue = deque([ROOT])
    while queue:
        for far, line in following.get(queue.popleft(), []):
            if far not in first:
                first[far] = line
                queue.append(far)

    def below(key: str) -> list[Branch]:
        return [
            Branch(models[far], line, below(far) if first[far] is line else [])
            for far, line in following.get(key, [])
        ]

    return below(ROOT)


def _notes(ancestry: Ancestry) -> dict[str, Any]:
    return {"has_circle": ancestry.has_circle, "is_cut": ancestry.is_cut}
