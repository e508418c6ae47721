"""License and policy texts: always readable, signed in or not."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry.agreements import documents
from registry.agreements.models import Document, DocumentKind
from registry.web import plain_terms
from registry.web.requests import CallerRequest, text_in
from registry.web.views.documents import select

PER_PAGE = 50


@require_safe
def index(request: CallerRequest) -> HttpResponse:
    """Every document that the site knows."""
    query, kind = text_in(request.GET, "q"), text_in(request.GET, "kind")
    page = Paginator(select(query, kind=kind), PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {"page": page, "query": query, "kind": kind, "kinds": DocumentKind.choices}
    return render(request, "licenses/index.html", context)


@require_safe
def document(request: CallerRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Document.objects.select_related("policy", "stands_for"), slug=slug)
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
    return render(request, "licenses/document.html", page)


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
