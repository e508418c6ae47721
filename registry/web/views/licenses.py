"""License and policy texts: always readable, signed in or not."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from registry.agreements import documents
from registry.agreements.models import Document
from registry.web import plain_terms
from registry.web.requests import CallerRequest, text_in


@require_safe
def document(request: CallerRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Document.objects.select_related("policy"), slug=slug)
    shown = documents.current(found)
    if wanted := text_in(request.GET, "sha256"):
        shown = get_object_or_404(found.versions, sha256=wanted)
    page = {
        "document": found,
        "version": shown,
        "plain": plain_terms.of(found.facts),
        "others": found.versions.exclude(pk=shown.pk).order_by("-pk"),
    }
    return render(request, "licenses/document.html", page)
