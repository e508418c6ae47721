"""Which models here name a model as their base, and which name those, as far as a caller may know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from registry.accounts.callers import Caller
from registry.catalog import cards, lineage, revisions
from registry.catalog.models import Ref, Repository, RepositoryType, Revision, SearchEntry
from registry.catalog.wanted import MAX_VALUE

PER_PAGE = 20
MAX_BELOW = 40
MAX_GENERATIONS = 3


@dataclass(frozen=True)
class Child:
    """A model with those of the ones shown that it names as its base. `relation` says how it was
    made from them."""

    repository: Repository
    revision: Revision
    bases: tuple[int, ...]
    relation: str
    generation: int


def children(repository: Repository, *, caller: Caller) -> QuerySet[Ref]:
    """`main` of the models that name this one as their base, the most downloaded first."""
    found = _naming([repository.full_name], caller).exclude(repository=repository)
    return found.order_by("-repository__downloads", "repository_id")


def of_page(repository: Repository, page: Sequence[Ref], *, caller: Caller) -> list[Child]:
    """The children of a page, and what comes from those: each once, so many at most."""
    level = [(repository.pk, repository.full_name.lower())]
    seen = {repository.pk}
    found: list[Child] = []
    rows: Iterable[Ref] = page
    for generation in range(1, MAX_GENERATIONS + 1):
        made = _made(rows, level, generation)
        found += made
        seen |= {child.repository.pk for child in made}
        level = [(child.repository.pk, child.repository.full_name.lower()) for child in made]
        room = PER_PAGE + MAX_BELOW - len(found)
        if not level or room <= 0 or generation == MAX_GENERATIONS:
            break
        names = [child.repository.full_name for child in made]
        below = _naming(names, caller).exclude(repository__in=seen)
        rows = below.order_by("-repository__downloads", "repository_id")[:room]
    return found


def _naming(names: list[str], caller: Caller) -> QuerySet[Ref]:
    tags = [f"base_model:{name}"[:200] for name in names]
    names_it = Revision.objects.filter(pk=OuterRef("shown"), tags__overlap=tags)
    found = revisions.mains(caller=caller, kind=RepositoryType.MODEL).filter(Exists(names_it))
    if max(map(len, names)) > MAX_VALUE:
        return found  # the entries leave such names out
    # Entries have an index, tags none. Who sees quarantine sees what no entry tells
    facets = [f"base:{name.lower()}" for name in names]
    told = SearchEntry.objects.filter(facets__overlap=facets)
    likely = Q(repository__in=told.values("repository"))
    if caller.user is not None:
        likely |= Q(repository__in=Repository.objects.quarantine_seen_by(caller))
    return found.filter(likely)


def _made(rows: Iterable[Ref], level: list[tuple[int, str]], generation: int) -> list[Child]:
    refs = list(rows)
    shown = Revision.objects.in_bulk([row.shown for row in refs])  # type: ignore[attr-defined]
    made = []
    for row in refs:
        revision: Revision = shown[row.shown]  # type: ignore[attr-defined]
        named = {str(one).strip().lower() for one in cards.as_list(revision.card.get("base_model"))}
        bases = tuple(key for key, name in level if name in named)
        how = lineage.relation_of(revision)
        made.append(Child(row.repository, revision, bases, how, generation))
    return [child for child in made if child.bases]
