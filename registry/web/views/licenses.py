"""License and policy texts: always readable, signed in or not."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry.agreements import documents, duty_table
from registry.agreements.models import Document, DocumentKind, DocumentVersion
from registry.catalog import search, tallies
from registry.catalog.search import Wanted
from registry.web import duty_words, license_history, plain_terms, terms_changes
from registry.web.requests import CallerRequest, text_in
from registry.web.views.documents import select

PER_PAGE = 50
MODELS = 10


@require_safe
def index(request: CallerRequest) -> HttpResponse:
    """Every document that the site knows, with how many models are under it."""
    query, kind = text_in(request.GET, "q"), text_in(request.GET, "kind")
    page = Paginator(select(query, kind=kind), PER_PAGE).get_page(text_in(request.GET, "page"))
    shown = list(page.object_list)
    counts = tallies.of(request.caller, "license", [tag for one in shown for tag in _names(one)])
    context = {
        "page": page,
        "rows": [(one, sum(counts.get(tag, 0) for tag in _names(one))) for one in shown],
        "query": query,
        "kind": kind,
        "kinds": DocumentKind.choices,
        "tab": "licenses",
    }
    return render(request, "licenses/index.html", context)


@require_safe
def document(request: CallerRequest, slug: str) -> HttpResponse:
    known = Document.objects.select_related("policy", "stands_for__policy")
    found = get_object_or_404(known, slug=slug)
    now = timezone.now()
    shown = in_force = documents.in_force(found, now=now)
    if wanted := text_in(request.GET, "sha256"):
        shown = get_object_or_404(found.versions, sha256=wanted)
    if shown is None:
        raise Http404("No version of it is in force.")
    coming = documents.coming(found, now=now).defer("text")
    page = {
        "document": found,
        "version": shown,
        "is_in_force": shown == in_force,
        "is_coming": shown in coming,
        "coming": coming,
        "plain": plain_terms.of((found.stands_for or found).facts),
        "part_of": Document.objects.filter(policy=found),
        "others": found.versions.exclude(pk=shown.pk).defer("text").order_by("-pk")[:PER_PAGE],
    }
    return render(request, "licenses/document.html", page | _data(request, found, shown))


@require_safe
def text(request: CallerRequest, slug: str, sha256: str) -> HttpResponse:
    """The exact bytes of one version. They never change, so they may be kept for ever."""
    found = get_object_or_404(Document, slug=slug)
    version = get_object_or_404(found.versions.exclude(text=None), sha256=sha256)
    answer = HttpResponse(bytes(version.text or b""), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="{slug}.txt"'
    answer["Cache-Control"] = "public, max-age=31536000, immutable"
    answer["ETag"] = f'"{sha256}"'
    return answer


def _data(request: CallerRequest, found: Document, shown: DocumentVersion) -> dict[str, Any]:
    """What stands beside the text: duties with their clauses, models under it, what changed."""
    entry = duty_table.facts_of(found)
    is_license = found.kind == DocumentKind.LICENSE and bool(entry) and not entry.get("by_model")
    row = duty_table.row(entry, duty_table.policy_of(found)) if is_license else None
    names = tuple(_names(found))
    wanted = Wanted(facets={"license": names})
    under = search.find(request.caller, wanted, size=MODELS, with_facets=False) if names else None
    return {
        "duties": duty_words.cells(row) if row else [],
        "under": under,
        "under_query": wanted.as_query(),
        "history": license_history.before(found),
        "difference": _difference(request, found, shown),
    }


def _difference(
    request: CallerRequest, found: Document, shown: DocumentVersion
) -> dict[str, Any] | None:
    """The text shown against another version of it, word by word."""
    wanted = text_in(request.GET, "against")
    if not wanted:
        return None
    before = get_object_or_404(found.versions, sha256=wanted)
    both = before.has_text and shown.has_text
    is_long = both and len(before.words) + len(shown.words) > terms_changes.LONGEST
    pieces = terms_changes.of_words(before.words, shown.words) if both and not is_long else ()
    return {"before": before, "pieces": list(pieces), "has_texts": both, "is_long": is_long}


def _names(one: Document) -> list[str]:
    """What the catalog may know the models under a license by."""
    return sorted({name.lower() for name in (*one.hub_tags, *one.license_names)})
