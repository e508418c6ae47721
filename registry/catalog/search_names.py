"""The part of an entry of the search that a repository has from its first moment: its name."""

from datetime import UTC, datetime

from django.db import connection
from django.db.models import F, Func
from django.utils import timezone

from registry.catalog import search_words
from registry.catalog.models import Repository, SearchEntry
from registry.catalog.search_words import Weighted

# When an entry was built that has to be built again
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# One statement that leaves alone what is there, on the way of every upload of a new repository
_ENTER = """
INSERT INTO catalog_searchentry
    (repository_id, name, words, facets, facts, is_official, built_at)
SELECT repository.id, lower(namespace.name || '/' || repository.name), '', '{}', '{}', false, %s
FROM catalog_repository AS repository
JOIN accounts_namespace AS namespace ON namespace.id = repository.namespace_id
WHERE repository.id = ANY(%s)
ON CONFLICT DO NOTHING
"""


def names_of(repository: Repository) -> list[Weighted]:
    """What the name is found by. Fetch with the namespace."""
    return [Weighted("A", (repository.name,)), Weighted("B", (repository.namespace.name,))]


def enter(repository: Repository) -> None:
    """Have a new repository found by its name, in the transaction that makes it."""
    SearchEntry.objects.create(
        repository=repository,
        name=repository.full_name.lower(),
        words=search_words.vector(names_of(repository)),
        built_at=timezone.now(),
    )


def enter_all(keys: list[int]) -> None:
    """Have these found, in some way, that have no entry yet; they have to be built."""
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [LONG_AGO, keys])


def rename(repository: Repository) -> None:
    """Have a repository found by its new name at once. The old one goes when it is built again."""
    added = search_words.vector(names_of(repository))
    both = Func(F("words"), added, template="(%(expressions)s)", arg_joiner=" || ")
    SearchEntry.objects.filter(pk=repository.pk).update(
        name=repository.full_name.lower(), words=both, built_at=LONG_AGO
    )
