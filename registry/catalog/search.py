"""Finds repositories: by words, by what they are, in an order, a page at a time, with counts."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import cast

from django.db import connection, transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Length

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.catalog import search_counts, search_orders, search_words
from registry.catalog.models import Repository, RepositoryQuerySet, SearchEntry
from registry.catalog.search_counts import FacetCount
from registry.catalog.search_words import Question
from registry.catalog.wanted import FACETS, SORTS, Wanted, parse

__all__ = [
    "FACETS",
    "SORTS",
    "FacetCount",
    "Found",
    "Wanted",
    "find",
    "matching",
    "namespaces",
    "parse",
]

PER_PAGE = 25
# With fewer than this that bear the words, similar names are shown as well
FEW = 3
# How much of a word has to be like a word of the name
LIKENESS = 0.4


@dataclass(frozen=True)
class Found:
    """A page. `entries` have their `repository` with its namespace. The cursors are "" at the ends.
    `is_fuzzy` says that hardly anything bears the words, so that similar names are among these."""

    entries: Sequence[SearchEntry]
    total: int
    next: str = ""
    previous: str = ""
    facets: dict[str, list[FacetCount]] = field(default_factory=dict)
    is_fuzzy: bool = False

    @property
    def repositories(self) -> list[Repository]:
        return [entry.repository for entry in self.entries]


def find(
    caller: Caller,
    wanted: Wanted,
    *,
    after: str = "",
    before: str = "",
    size: int = PER_PAGE,
    with_facets: bool = True,
) -> Found:
    """The page of what the caller may know of that follows the cursor `after`, or comes before the
    cursor `before`. A cursor that is none of this list's leads to the first page."""
    question = search_words.read(wanted.query)
    if wanted.query and question is None:
        return Found([], 0)
    is_fuzzy = question is not None and question.is_plain and _has_few(caller, wanted, question)
    with transaction.atomic() if is_fuzzy else nullcontext():
        if is_fuzzy:
            _accept_similar()
        chosen = _choosing(_narrowed(caller, wanted, question, is_fuzzy=is_fuzzy), wanted)
        if question is not None and is_fuzzy:
            chosen = chosen.annotate(bears=question.matches())
        counted = search_counts.count(
            lambda who: _narrowed(who, wanted, question, is_fuzzy=is_fuzzy),
            wanted,
            caller=caller,
            with_facets=with_facets,
            is_fuzzy=is_fuzzy,
        )
        page = search_orders.page(
            chosen.select_related("repository__namespace"),
            search_orders.of(wanted, question, caller=caller),
            after=after,
            before=before,
            size=size,
            total=0 if is_fuzzy else counted.total,
        )
    return Found(
        page.entries,
        counted.total,
        page.next,
        page.previous,
        counted.facets,
        is_fuzzy=is_fuzzy and not all(entry.bears for entry in page.entries),  # type: ignore[attr-defined]
    )


def matching(caller: Caller, wanted: Wanted) -> QuerySet[SearchEntry]:
    """All that a search finds, in no order, without names that are merely similar."""
    question = search_words.read(wanted.query)
    if wanted.query and question is None:
        return SearchEntry.objects.none()
    return _choosing(_narrowed(caller, wanted, question, is_fuzzy=False), wanted)


def namespaces(caller: Caller, query: str, *, limit: int = 6) -> list[Namespace]:
    """People and organisations with something that the caller may know of, by their names: those
    called so first."""
    words = search_words.tokens(query)
    if not words or len(words) > 4:
        return []
    visible = Repository.objects.visible_to(caller).filter(namespace=OuterRef("pk"))
    found = Namespace.objects.filter(Exists(visible))
    for word in words:
        found = found.filter(Q(name__icontains=word) | Q(full_name__icontains=word))
    exactly = Case(
        When(name__iexact=query.strip(), then=Value(0)),
        When(name__istartswith=words[0], then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return list(found.order_by(exactly, Length("name"), "name")[:limit])


def _accept_similar() -> None:
    """For this transaction, names are similar that are less alike than the database has it."""
    with connection.cursor() as cursor:
        name = "pg_trgm.word_similarity_threshold"
        cursor.execute("SELECT set_config(%s, %s, true)", [name, str(LIKENESS)])


def _has_few(caller: Caller, wanted: Wanted, question: Question) -> bool:
    """Whether hardly anything of this kind bears the words, whatever else is chosen."""
    plain = Wanted(kind=wanted.kind, namespace=wanted.namespace)
    bearing = _narrowed(caller, plain, question, is_fuzzy=False)
    return len(bearing.values_list("pk")[:FEW]) < FEW


def _narrowed(
    caller: Caller, wanted: Wanted, question: Question | None, *, is_fuzzy: bool
) -> QuerySet[SearchEntry]:
    """All that the search leaves but for the facets that were chosen."""
    visible = cast(RepositoryQuerySet, Repository.objects.visible_to(caller))
    if wanted.kind:
        visible = visible.filter(type=wanted.kind)
    if wanted.namespace:
        visible = visible.filter(namespace__name__iexact=wanted.namespace)
    found = SearchEntry.objects.filter(repository__in=visible)
    for column, (low, high) in (
        ("parameters", wanted.parameters),
        ("context_length", wanted.context),
    ):
        if low is not None:
            found = found.filter(**{f"{column}__gte": low})
        if high is not None:
            found = found.filter(**{f"{column}__lte": high})
    if question is None:
        return found
    if not is_fuzzy:
        return found.filter(question.matches())
    similar = Q()
    for word in question.words:
        similar &= Q(name__trigram_word_similar=word)
    return found.filter(Q(question.matches()) | similar)


def _choosing(found: QuerySet[SearchEntry], wanted: Wanted) -> QuerySet[SearchEntry]:
    """Of one facet any of the chosen values, of all facets one."""
    for key, values in wanted.facets.items():
        found = found.filter(facets__overlap=[f"{key}:{value}" for value in values])
    return found
