"""The lists of models and datasets."""

import re

from django.conf import settings
from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from registry.catalog import search
from registry.catalog.models import RepositoryType, Variant
from registry.catalog.search import Wanted
from registry.web import catalog_page, catalog_rows, catalog_table, picks
from registry.web.requests import CallerRequest, text_in

# A cursor holds the longest name there can be
CURSOR = 1000
# Of a search that found nothing: the words looked at, and the published models named
WORDS, KNOWN = 8, 6


@require_safe
def index(request: CallerRequest) -> HttpResponseBase:
    return _list(request, RepositoryType.MODEL)


@require_safe
def datasets(request: CallerRequest) -> HttpResponseBase:
    if RepositoryType.DATASET not in settings.REPOSITORY_TYPES:
        raise Http404("This site has no datasets.")
    return _list(request, RepositoryType.DATASET)


def _list(request: CallerRequest, kind: RepositoryType) -> HttpResponseBase:
    """A state of the list: the address says all of it. htmx gets the part below the search."""
    wanted = search.parse(request.GET, kind=kind)
    if text_in(request.GET, "export") == "csv":
        return catalog_table.answer(request.caller, wanted)
    picked = picks.of(request.GET.getlist("m") if kind == RepositoryType.MODEL else [])
    is_ready = "compare" in request.GET
    if is_ready and picked.can_compare:
        return redirect(picked.comparison)
    cursors = {key: text_in(request.GET, key, limit=CURSOR) for key in ("after", "before")}
    found = search.find(request.caller, wanted, after=cursors["after"], before=cursors["before"])
    context = catalog_page.context(wanted, found, path=request.path, picks=picked) | {
        "cursors": [(key, value) for key, value in cursors.items() if value],
        "is_too_few": is_ready and not picked.is_cut,
        "rows": catalog_rows.rows(found.entries, request.caller),
        "listed": {one.full_name for one in found.repositories},
        "owners": search.namespaces(request.caller, wanted.query) if wanted.query else [],
        "known": _known(wanted) if not found.entries else [],
        "is_datasets": kind == RepositoryType.DATASET,
        "called": ", ".join(catalog_page.labels_of(wanted))[:100],
    }
    # Back and forward ask with htmx too, for the whole page
    is_part = request.htmx and not request.htmx.history_restore_request
    response = render(request, f"catalog/index.html{'#found' if is_part else ''}", context)
    patch_vary_headers(response, ["HX-Request"])
    if is_part:
        response["HX-Push-Url"] = request.get_full_path() if _is_paged(request) else context["here"]
    return response


def _known(wanted: Wanted) -> list[Variant]:
    """Published models that bear the words, for whoever found nothing."""
    words = re.findall(r"[\w.]+", wanted.query)[:WORDS]
    if not words or wanted.kind != RepositoryType.MODEL:
        return []
    named = Variant.objects.select_related("family")
    for word in words:
        named = named.filter(name__icontains=word)
    return list(named[:KNOWN])


def _is_paged(request: CallerRequest) -> bool:
    return "after" in request.GET or "before" in request.GET
