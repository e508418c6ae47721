"""What a card says of the models that a model comes from, and which come from it."""

from typing import Any

from django.db.models import Exists, OuterRef

from registry.accounts.callers import Caller
from registry.catalog import cards, repositories, revisions
from registry.catalog.models import Repository, RepositoryType, Revision, Variant
from registry.errors import Moved, RepositoryMissing

# Each is looked up, and a card may repeat a name ten thousand times
MAX_BASES = 50


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
