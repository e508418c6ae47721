"""Where a model comes from, and what comes from it."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.web import lineage_graph, lookup, standing
from registry.web.requests import CallerRequest


@require_safe
def page(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """The graph of ancestors and descendants, and the duties that come down to this model."""
    repository = lookup.repository_or_404(request, namespace, name)
    here = standing.of(repository, caller=request.caller)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    context = {"here": here, "repository": repository, "tab": "lineage"}
    context |= lineage_graph.of(here, caller=request.caller, page=request.GET.get("page"))
    return render(request, "repository/lineage_page.html", context)
