"""The commits that lead to a revision, as far as the visitor may know of them, newest first."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.catalog import history
from registry.releases.models import Release
from registry.web import file_tree, lookup, standing
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 40


@require_safe
def commits(
    request: CallerRequest, namespace: str, name: str, revision: str = "main"
) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    here = standing.of(repository, caller=request.caller, revision=shown)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    line = history.line(repository, shown, caller=request.caller)
    page = Paginator(line, PER_PAGE).get_page(text_in(request.GET, "page"))
    found = history.revisions_at(page.object_list)
    older = line[page.end_index() : page.end_index() + 1]
    before = [*(one.oid for one in found[1:]), *(place.oid for place in older), ""]
    releases = Release.objects.visible_to(request.caller).filter(revision__in=found)
    versions: dict[int, list[Release]] = {}
    for release in releases.order_by("pk"):
        versions.setdefault(release.revision_id, []).append(release)
    rows = [
        {"revision": one, "before": previous, "releases": versions.get(one.pk, [])}
        for one, previous in zip(found, before, strict=False)
    ]
    context = {
        "here": here,
        "repository": repository,
        "tab": "files",
        "revision": shown,
        "page": page,
        "rows": rows,
        "places": file_tree.places_of(repository, caller=request.caller),
        "name_asked": revision,
    }
    return render(request, "repository/commits.html", context)
