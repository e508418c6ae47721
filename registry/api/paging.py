"""Long lists, page by page."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import Field

from registry.api.authentication import ApiRequest
from registry.api.shapes import Wanted

MAX_PAGE = 1_000_000
Row = TypeVar("Row", bound=Model)


class Paging(Wanted):
    page: int = Field(1, ge=1, le=MAX_PAGE)
    limit: int = Field(50, ge=1, le=100)


class Page(Schema):
    """What every list says beside its items."""

    count: int
    next: str = Field(description="the address of the next page, or empty")


def page_of(
    request: ApiRequest,
    found: QuerySet[Row] | Sequence[Row],
    paging: Paging,
    *,
    shape: Callable[[list[Row]], list[dict[str, Any]]],
) -> dict[str, Any]:
    """One page of what was found, in the shape that is made of its rows. Past the last one there is
    an empty page."""
    pages = Paginator(found, paging.limit)
    rows = list(pages.page(paging.page)) if paging.page <= pages.num_pages else []
    following = ""
    if paging.page < pages.num_pages:
        query = request.GET.copy()
        query["page"] = str(paging.page + 1)
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return {"items": shape(rows), "count": pages.count, "next": following}
