"""The list of models: those that the caller may know of, as they stand for them."""

import re
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpResponse

from registry.catalog import files, revisions
from registry.catalog.models import Ref, Revision, RevisionState
from registry.errors import Invalid
from registry.hub import info, paging, wire
from registry.hub.info import Model
from registry.hub.wire import WireRequest
from registry.releases import gate

BY_TIME = {
    "lastModified": "shown_at",
    "last_modified": "shown_at",
    "createdAt": "repository__created_at",
    "created_at": "repository__created_at",
}
BY_NUMBER = {
    "downloads": "repository__downloads",
    "likes": "repository__likes",
    "trendingScore": "repository__trending",
    "trending_score": "repository__trending",
}
SORTS = BY_TIME | BY_NUMBER
# Fields that take queries of their own for each model
COSTLY = info.NEEDS_FILES | {"gated", "childrenModelCount"}
COSTLY_PAGE = 100
WITHOUT_DATA = ("apps", "inference", "inference_provider")
UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_BOUND = re.compile(r"(min|max):(\d{1,15}(?:\.\d{1,6})?)([KMBT]?)", re.IGNORECASE)
DEFAULT = [
    "likes",
    "downloads",
    "trendingScore",
    "private",
    "tags",
    "pipeline_tag",
    "library_name",
    "createdAt",
]
FULL = ["author", "sha", "lastModified", "gated", "disabled", "siblings"]


@wire.endpoint("GET")
def models(request: WireRequest, kind: str) -> HttpResponse:
    """GET /api/{type}s: the list, with filters and sorts"""
    chosen = info.wanted_fields(request, kind)
    names = _names(request) if chosen is None else chosen
    wanted = wire.flag(request, "gated") if request.GET.get("gated") else None
    is_costly = wanted is not None or bool(COSTLY.intersection(names))
    page = paging.limit(request, COSTLY_PAGE if is_costly else paging.MAX_PAGE)
    if any(request.GET.get(name) for name in WITHOUT_DATA):
        return wire.json_answer([])
    key = SORTS.get(request.GET.get("sort", "trendingScore"))
    if key is None:
        raise Invalid(f'"sort" must be one of [{", ".join(SORTS)}]')
    found = _filtered(request, revisions.mains(caller=request.caller, kind=kind), wanted)
    found = _after(request, found.annotate(shown_at=_of_shown("committed_at")), key)
    refs = list(found.order_by(f"-{key}", "-pk")[: page + 1])
    items = _described(request, refs[:page], names, wanted)
    if chosen is None:
        items = [item | {"modelId": item["id"]} for item in items]
    response = wire.json_answer(items)
    if len(refs) > page:
        last = refs[page - 1]
        paging.link_next(request, response, [_value(last, key), last.pk])
    return response


def _names(request: WireRequest) -> list[str]:
    names = [*DEFAULT]
    if wire.flag(request, "full"):
        names += FULL
    return names + [name for name in ("cardData", "config") if wire.flag(request, name)]


def _filtered(request: WireRequest, refs: QuerySet[Ref], gated: bool | None) -> QuerySet[Ref]:
    for author in wire.values(request, "author"):
        refs = refs.filter(repository__namespace__name__iexact=author)
    if words := wire.values(request, "search"):
        name = Concat("repository__namespace__name", Value("/"), "repository__name")
        found = [Q(full_name__icontains=word) for word in words]
        refs = refs.annotate(full_name=name).filter(*found)
    shown = Revision.objects.filter(pk=OuterRef("shown"))
    if tags := wire.values(request, "filter"):
        refs = refs.filter(Exists(shown.filter(tags__contains=tags)))
    for task in wire.values(request, "pipeline_tag"):
        refs = refs.filter(Exists(shown.filter(card__pipeline_tag=task)))
    if wanted := request.GET.get("num_parameters"):
        refs = refs.filter(Exists(shown.filter(**_bounds(wanted))))
    if gated is not None:
        refs = refs.filter(gate.may_be_gated(gated, revision="shown"))
    return refs


def _bounds(wanted: str) -> dict[str, int]:
    """`min:6B,max:128B`, either half of it."""
    found = {}
    for part in wanted.split(","):
        bound = _BOUND.fullmatch(part.strip())
        if bound is None:
            raise Invalid("num_parameters: write min:6B,max:128B, or one of the two.")
        side, number, unit = bound.groups()
        value = min(int(float(number) * UNITS[unit.upper()]), 2**63 - 1)
        found["parameters__gte" if side.lower() == "min" else "parameters__lte"] = value
    return found


def _after(request: WireRequest, refs: QuerySet[Ref], key: str) -> QuerySet[Ref]:
    position = paging.after(request)
    if position is None:
        return refs
    try:
        sent, last = position
        value = _instant(sent) if key in BY_TIME.values() else _number(sent)
        below = Q(**{f"{key}__lt": value}) | Q(**{key: value}, pk__lt=_number(last))
    except (TypeError, ValueError, OverflowError) as error:
        raise Invalid(paging.BAD_CURSOR) from error
    return refs.filter(below)


def _instant(sent: Any) -> datetime:
    """A time of a cursor; Python knows times that no year has in UTC, and the database does not."""
    at = datetime.fromisoformat(sent)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC)


def _number(sent: Any) -> int:
    if type(sent) is not int or not 0 <= sent < 2**63:
        raise ValueError("no whole number that the database holds")
    return sent


def _value(ref: Ref, key: str) -> Any:
    value = ref
    for part in key.split("__"):
        value = getattr(value, part)
    return value.isoformat() if isinstance(value, datetime) else value


def _of_shown(field: str) -> Subquery:
    return Subquery(Revision.objects.filter(pk=OuterRef("shown")).values(field))


def _described(
    request: WireRequest, refs: list[Ref], names: list[str], wanted: bool | None
) -> list[dict[str, Any]]:
    """The items of a page; fewer than its rows where `gated` has to be as `wanted` and is not."""
    shown = Revision.objects.in_bulk([ref.shown for ref in refs])  # type: ignore[attr-defined]
    has_files = info.NEEDS_FILES.intersection(names)
    of = files.files_of_many(shown.values()) if has_files else {}
    judged = wanted is not None or "gated" in names
    asks = gate.which_ask(shown.values()) if judged else {}
    items = []
    for ref in refs:
        revision = shown[ref.shown]  # type: ignore[attr-defined]
        gated = gate.gated(ref.repository, asks=asks.get(revision.pk, False))
        if wanted is not None and bool(gated) != wanted:
            continue
        model = Model(
            ref.repository,
            revision,
            gated=gated,
            is_disabled=revision.state in {RevisionState.SUSPENDED, RevisionState.RECALLED},
            files=tuple(of[revision.pk]) if has_files else None,
            caller=request.caller,
        )
        items.append(info.described(model, names))
    return items
