"""How many repositories that a caller may know of have a facet: counts for whole pages of values."""

from collections.abc import Iterable

from django.db.models import CharField, Count, F, Func

from registry.accounts.callers import Caller
from registry.catalog.models import Repository, RepositoryType, SearchEntry


def of(caller: Caller, key: str, values: Iterable[str]) -> dict[str, int]:
    """For each value of a facet with at least one model, how many there are. One query."""
    wanted = {f"{key}:{value.lower()}": value for value in values if value}
    if not wanted:
        return {}
    visible = Repository.objects.visible_to(caller).filter(type=RepositoryType.MODEL)
    each = Func(F("facets"), function="unnest", output_field=CharField())
    rows = (
        SearchEntry.objects.filter(repository__in=visible, facets__overlap=list(wanted))
        .annotate(facet=each)
        .values("facet")
        .annotate(count=Count("repository_id"))
        .values_list("facet", "count")
    )
    return {wanted[facet]: count for facet, count in rows if facet in wanted}


def having(caller: Caller, key: str, values: Iterable[str]) -> int:
    """How many models have one of these values, each counted once."""
    wanted = [f"{key}:{value.lower()}" for value in values if value]
    visible = Repository.objects.visible_to(caller).filter(type=RepositoryType.MODEL)
    return SearchEntry.objects.filter(repository__in=visible, facets__overlap=wanted).count()
