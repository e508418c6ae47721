"""The searches that somebody keeps: what is new in each since they looked, and keeping another."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.catalog import saved_searches, search
from registry.catalog.models import SavedSearch
from registry.catalog.search import Wanted
from registry.errors import Missing, RegistryError
from registry.web import catalog_page
from registry.web.requests import CallerRequest, text_in


@dataclass(frozen=True)
class Kept:
    """A search, in words and with how many models were released since its owner looked."""

    search: SavedSearch
    words: str
    new: int


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponse:
    """The list; a POST keeps the search that it names."""
    name, query, problem = "", "", ""
    if request.method == "POST":
        name = text_in(request.POST, "name", limit=saved_searches.MAX_NAME + 1)
        query = _wanted(text_in(request.POST, "query", limit=saved_searches.MAX_QUERY)).as_query()
        try:
            saved_searches.keep(name, query, by=request.caller)
        except RegistryError as refusal:
            problem = str(refusal)
        else:
            messages.success(request, _("The search is kept."))
            return redirect("searches")
    page = {"kept": _kept(request), "name": name, "query": query, "problem": problem}
    return render(request, "settings/searches.html", page, status=422 if problem else 200)


@never_cache
@login_required
@require_POST
def act(request: CallerRequest, search_id: str, step: str) -> HttpResponse:
    """Open a search, which counts as looking at it, or forget it."""
    try:
        if step == "look":
            query = saved_searches.look(search_id, by=request.caller).query
            return redirect(f"{reverse('catalog')}?{query}")
        if step != "forget":
            raise Http404
        saved_searches.forget(search_id, by=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
    messages.success(request, _("The search is kept no longer."))
    return redirect("searches")


def _kept(request: CallerRequest) -> list[Kept]:
    searches = [(one, _wanted(one.query)) for one in saved_searches.of(request.caller)]
    new = saved_searches.new_in(
        [(wanted, one.seen_at) for one, wanted in searches], caller=request.caller
    )
    return [
        Kept(one, ", ".join(catalog_page.labels_of(wanted)), count)
        for (one, wanted), count in zip(searches, new, strict=True)
    ]


def _wanted(query: str) -> Wanted:
    return search.parse(QueryDict(query))
