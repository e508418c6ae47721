"""What a card says of the models that a model comes from, and which come from it."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Lower

from registry.accounts.callers import Caller
from registry.catalog import cards, repositories, revisions
from registry.catalog.models import (
    MAIN,
    FormerName,
    Ref,
    Repository,
    RepositoryType,
    Revision,
    Variant,
    Visibility,
)
from registry.errors import Moved, RepositoryMissing

# Each is looked up, and a card may repeat a name ten thousand times
MAX_BASES = 50
MAX_ANCESTORS = 100
MAX_DEPTH = 12
MAX_NAME = 200
# Our own key: ids of models, or licenses, whose output the model was trained on
OUTPUTS = "trained_on_outputs_of"


@dataclass(frozen=True)
class Parent:
    """A model that another comes from: here with its released revision, or by published facts.

    `name` is as the card that declares it writes it. `shown` is the name that may be said to
    whoever sees the descendant: what comes through a private repository is said by that one's
    name. `unknown` are the names that its own card declares and that lead nowhere.
    """

    name: str
    repository: Repository | None
    revision: Revision | None
    variant: Variant | None
    relation: str
    shown: str = ""
    depth: int = 1
    unknown: tuple[str, ...] = ()
    is_root: bool = True

    @property
    def public_id(self) -> str:
        """The repository's opaque id, where it may be said."""
        is_private = self.shown != self.name or (
            self.repository is not None and self.repository.visibility != Visibility.PUBLIC
        )
        return "" if self.repository is None or is_private else self.repository.public_id


@dataclass(frozen=True)
class Ancestry:
    """What a card declares of the models that this one comes from, followed upwards.

    `ancestors` has each once, the nearest first, parents included. `own_unknown` are the names of
    the model's own card that lead nowhere, `unknown` those and the ones further up. `is_cut` says
    that there is more than is followed, `has_circle` that somebody descends from themselves.
    `edges` are pairs of who comes from whom: places in `ancestors`, and -1 for the model itself.
    """

    parents: tuple[Parent, ...] = ()
    ancestors: tuple[Parent, ...] = ()
    unknown: tuple[str, ...] = ()
    own_unknown: tuple[str, ...] = ()
    is_cut: bool = False
    has_circle: bool = False
    edges: tuple[tuple[int, int], ...] = ()


def of_revision(revision: Revision) -> Ancestry:
    """The declared lineage of a revision, as it stands now. The same whoever asks."""
    return _walk(revision.repository, revision.card, relation_of(revision))


def of(
    repository: Repository,
    card: dict[str, Any],
    *,
    paths: Iterable[str] = (),
    config: dict[str, Any] | None = None,
) -> Ancestry:
    """The lineage that this card would declare for the repository."""
    return _walk(repository, card, cards.relation(card, paths, config or {}))


def of_outputs(repository: Repository, card: dict[str, Any]) -> Ancestry:
    """The models whose output this one was trained on, as its card declares them, and what those
    come from. Names of licenses are among the unknown."""
    return _walk(repository, {"base_model": card.get(OUTPUTS)}, "outputs")


@dataclass(eq=False)
class _Node:
    """A model on the way up; `derives` says how it was made from those above. The first has no
    name."""

    repository: Repository | None
    revision: Revision | None
    variant: Variant | None
    card: dict[str, Any]
    derives: str
    relation: str = ""
    name: str = ""
    shown: str = ""
    depth: int = 0
    above: list["_Node"] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether what its card names may be said to whoever sees the descendant."""
        is_private = self.repository is not None and self.repository.visibility != Visibility.PUBLIC
        return not self.name or (self.shown == self.name and not is_private)

    def frozen(self) -> Parent:
        return Parent(
            name=self.name,
            repository=self.repository,
            revision=self.revision,
            variant=self.variant,
            relation=self.relation,
            shown=self.shown,
            depth=self.depth,
            unknown=tuple(self.unknown),
            is_root=not self.above or self.variant is not None,
        )


def _walk(repository: Repository, card: dict[str, Any], relation: str) -> Ancestry:
    """Upwards, a generation at a time, each with a fixed number of queries."""
    start = _Node(repository, None, None, card, derives=relation)
    nodes = {("repository", repository.pk): start}
    known = _Names()
    level, is_cut = [start], False
    while level:
        names = {id(node): _named(node.card) for node in level}
        is_cut |= any(_names_more(node.card) for node in level)
        known.look_up(name for found in names.values() for name in found)
        following: list[_Node] = []
        for node in level:
            for name in names[id(node)]:
                made = known.find(name, below=node)
                if made is None:
                    node.unknown.append(name)
                    continue
                seen = nodes.get(_key(made))
                if seen is None and (len(nodes) > MAX_ANCESTORS or made.depth > MAX_DEPTH):
                    is_cut = True
                    continue
                if seen is None:
                    nodes[_key(made)] = seen = made
                    following.append(made)
                node.above.append(seen)
        level = following
    return _ancestry(start, [node for node in nodes.values() if node is not start], is_cut)


def _ancestry(start: _Node, found: list[_Node], is_cut: bool) -> Ancestry:
    said = dict.fromkeys(start.unknown)
    for node in found:
        unknown = node.unknown if node.is_open else [node.shown] * bool(node.unknown)
        said |= dict.fromkeys(unknown)
    frozen = {id(node): node.frozen() for node in found}
    return Ancestry(
        parents=tuple(frozen[id(n)] for n in dict.fromkeys(start.above) if n is not start),
        ancestors=tuple(frozen.values()),
        unknown=tuple(said),
        own_unknown=tuple(start.unknown),
        is_cut=is_cut,
        has_circle=_has_circle([start, *found]),
        edges=_edges(start, found),
    )


def _edges(start: _Node, found: list[_Node]) -> tuple[tuple[int, int], ...]:
    places = {id(node): place for place, node in enumerate(found)} | {id(start): -1}
    pairs = ((places[id(node)], places[id(one)]) for node in [start, *found] for one in node.above)
    return tuple(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))


def _has_circle(nodes: list[_Node]) -> bool:
    """Whether somebody is left when those without descendants are taken away, again and again."""
    below = {id(node): 0 for node in nodes}
    for node in nodes:
        for one in node.above:
            below[id(one)] += 1
    free = deque(node for node in nodes if not below[id(node)])
    taken = 0
    while free:
        taken += 1
        for one in free.popleft().above:
            below[id(one)] -= 1
            if not below[id(one)]:
                free.append(one)
    return taken < len(nodes)


class _Names:
    """Names of models and where they lead, each looked up once."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._places: dict[str, Ref] = {}
        self._variants: dict[str, Variant] = {}

    def look_up(self, names: Iterable[str]) -> None:
        new = {name.lower() for name in names} - self._asked
        new = {name for name in new if "/" in name}
        if not new:
            return
        self._asked |= new
        self._places |= _places_of(new)
        if gone := new - set(self._places):
            self._places |= _moved(gone)
        # A repository here may bear the name of a published one: then both count
        current = {place.repository.full_name.lower() for place in self._places.values()}
        facts = Variant.objects.select_related("family").alias(folded=Lower("hub_repo_id"))
        for variant in facts.filter(folded__in=new | current):
            self._variants.setdefault(variant.hub_repo_id.lower(), variant)

    def find(self, name: str, *, below: _Node) -> _Node | None:
        """What this name means in the card of `below`. A private repository of another namespace,
        and one of which nothing is released, are as if they were not there."""
        place = self._places.get(name.lower())
        revision = _outside(place) if place is not None else None
        repository = place.repository if place is not None else None
        if repository is not None and not (revision and _may_be_named(repository, below)):
            repository = revision = None
        variant = self._variants.get(name.lower())
        if variant is None and repository is not None:
            variant = self._variants.get(repository.full_name.lower())
        if repository is None and variant is None:
            return None
        return _Node(
            repository,
            revision,
            variant,
            revision.card if revision is not None else {},
            derives=relation_of(revision) if revision is not None else "",
            relation=below.derives,
            name=name,
            shown=name if below.is_open else below.shown,
            depth=below.depth + 1,
        )


def relation_of(revision: Revision) -> str:
    """How a revision was made from its bases: as its files said when it was made."""
    said = str(revision.facts.get("relation") or "")
    return said or cards.relation(revision.card, (), revision.facts.get("config") or {})


def _key(node: _Node) -> tuple[str, int]:
    if node.repository is not None:
        return ("repository", node.repository.pk)
    assert node.variant is not None  # noqa: S101 - one of the two
    return ("variant", node.variant.pk)


def _named(card: dict[str, Any]) -> list[str]:
    """The names that a card declares, each once, as far as they are followed."""
    found: dict[str, str] = {}
    for one in cards.as_list(card.get("base_model")):
        if isinstance(one, str) and one.strip():
            name = one.strip()[:MAX_NAME]
            found.setdefault(name.lower(), name)
    return list(found.values())[:MAX_BASES]


def _names_more(card: dict[str, Any]) -> bool:
    named = {str(one).strip().lower() for one in cards.as_list(card.get("base_model"))}
    return len(named) > MAX_BASES


def _may_be_named(repository: Repository, below: _Node) -> bool:
    assert below.repository is not None  # noqa: S101 - published facts are not followed further
    return (
        repository.visibility == Visibility.PUBLIC
        or repository.namespace_id == below.repository.namespace_id
    )


def _outside(place: Ref) -> Revision | None:
    """What the outside gets, or last got, from `main`: a recall ends no license."""
    return place.head if revisions.is_published(place) else place.public or place.withdrawn


def _places() -> QuerySet[Ref]:
    return Ref.objects.filter(
        name=MAIN, repository__type=RepositoryType.MODEL, repository__deleted_at=None
    ).select_related("repository__namespace", "head", "public", "withdrawn")


def _places_of(names: set[str]) -> dict[str, Ref]:
    owners, own_names = _parts(names)
    found = _places().alias(
        owner=Lower("repository__namespace__name"), own=Lower("repository__name")
    )
    rows = found.filter(owner__in=owners, own__in=own_names)
    by_name = {row.repository.full_name.lower(): row for row in rows}
    return {name: row for name, row in by_name.items() if name in names}


def _moved(names: set[str]) -> dict[str, Ref]:
    """The repositories that were called so once."""
    owners, own_names = _parts(names)
    former = FormerName.objects.alias(owner=Lower("namespace__name"), own=Lower("name")).filter(
        type=RepositoryType.MODEL, owner__in=owners, own__in=own_names
    )
    leads_to = {
        f"{one.namespace.name}/{one.name}".lower(): one.repository_id
        for one in former.select_related("namespace")
    }
    wanted = {name: pk for name, pk in leads_to.items() if name in names}
    if not wanted:
        return {}
    rows = {row.repository_id: row for row in _places().filter(repository__in=wanted.values())}
    return {name: rows[pk] for name, pk in wanted.items() if pk in rows}


def _parts(names: set[str]) -> tuple[set[str], set[str]]:
    parts = [name.partition("/") for name in names]
    return {owner for owner, _, _ in parts}, {name for _, _, name in parts}


def warnings(card: dict[str, Any], *, caller: Caller) -> list[str]:
    """What a careful author would look at again in the bases that the card names first."""
    found = []
    named = (base for base in cards.as_list(card.get("base_model")) if isinstance(base, str))
    for base in list(dict.fromkeys(named))[:MAX_BASES]:
        if "/" not in base:
            continue
        try:
            repositories.find(base, caller=caller)
        except Moved as moved:
            found.append(f'"base_model" {base} is called {moved.now} now')
        except RepositoryMissing:
            if not Variant.objects.filter(hub_repo_id__iexact=base).exists():
                found.append(f'"base_model" {base} is not known to this registry')
    return found


def children_count(repository: Repository, *, caller: Caller) -> int:
    """How many models that the caller may know of name this one as their base."""
    tag = f"base_model:{repository.full_name}"[:200]
    names_it = Revision.objects.filter(pk=OuterRef("shown"), tags__contains=[tag])
    models = revisions.mains(caller=caller, kind=RepositoryType.MODEL)
    return models.filter(Exists(names_it)).count()
