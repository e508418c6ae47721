"""Which of the models that a text names are here, and known to whoever asks."""

from collections.abc import Iterable

from django.db.models.functions import Lower

from registry.accounts.callers import Caller
from registry.catalog.models import Repository, RepositoryType


def addresses_of(names: Iterable[str], caller: Caller) -> dict[str, str]:
    """The pages of those of these models that the caller may know of, by their names in small
    letters; for published ones that are not here, none."""
    wanted = {name.lower() for name in names if "/" in name}
    if not wanted:
        return {}
    parts = [name.partition("/") for name in wanted]
    rows = (
        Repository.objects.visible_to(caller)
        .alias(owner=Lower("namespace__name"), own=Lower("name"))
        .filter(
            type=RepositoryType.MODEL,
            owner__in={owner for owner, _slash, _name in parts},
            own__in={name for _owner, _slash, name in parts},
        )
        .select_related("namespace")
    )
    found = {row.full_name.lower(): row.get_absolute_url() for row in rows}
    return {name: found[name] for name in wanted if name in found}
