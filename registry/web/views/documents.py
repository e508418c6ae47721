"""The stewards' pages of documents: what is known, its versions, loading a text, adding one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.accounts.models import User
from registry.agreements import documents
from registry.agreements.models import Document, DocumentKind, DocumentVersion
from registry.errors import RegistryError
from registry.releases import uses
from registry.web.forms.documents import DocumentForm, ReasonForm, TextForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 50


def require_steward(request: CallerRequest) -> None:
    if not documents.may_govern(request.caller):
        raise Http404("Only stewards have these pages.")


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    require_steward(request)
    query, kind = text_in(request.GET, "q"), text_in(request.GET, "kind")
    held = text_in(request.GET, "text")
    found = select(query, kind=kind, held=held)
    page = Paginator(found, PER_PAGE).get_page(text_in(request.GET, "page"))
    used = uses.by_document()
    context = {
        "tab": "documents",
        "page": page,
        "rows": [(one, used.get(one.public_id) or uses.Uses()) for one in page.object_list],
        "query": query,
        "kind": kind,
        "held": held,
        "kinds": DocumentKind.choices,
    }
    return render(request, "steward/documents.html", context)


def select(query: str, *, kind: str = "", held: str = "") -> QuerySet[Document]:
    """Documents with each of the words in title, publisher or names, and what they hold."""
    texts = DocumentVersion.objects.filter(document=OuterRef("pk")).exclude(text=None)
    found = Document.objects.annotate(
        has_text=Exists(texts), loaded=Count("versions", distinct=True)
    ).select_related("stands_for")
    for word in query.split()[:8]:
        found = found.filter(
            Q(title__icontains=word)
            | Q(slug__icontains=word)
            | Q(publisher__icontains=word)
            | Q(hub_tags__icontains=word)
            | Q(license_names__icontains=word)
        )
    if kind in DocumentKind.values:
        found = found.filter(kind=kind)
    if held in {"yes", "no"}:
        found = found.filter(Exists(texts) if held == "yes" else ~Exists(texts))
    return found.order_by("title", "pk")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def document(request: CallerRequest, slug: str) -> HttpResponse:
    """One document; its form loads a text."""
    require_steward(request)
    found = _found(slug)
    if request.method != "POST":
        return _page(request, found)
    form = TextForm(request.POST, request.FILES)
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = documents.add_text(
                slug=slug,
                version=given["version"],
                text=given["bytes"],
                effective_date=given["effective_date"],
                by=request.caller,
            )
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            said = {"title": found.title, "version": made.version}
            messages.success(request, _("%(title)s, version %(version)s, is loaded.") % said)
            return redirect("steward-document", slug)
    return _page(request, found, form=form, status=422)


@never_cache
@login_required
@require_POST
def needs_acceptance(request: CallerRequest, slug: str) -> HttpResponse:
    """Switch whether downloads under it wait for an acceptance."""
    require_steward(request)
    found = _found(slug)
    reasons = ReasonForm(request.POST)
    if reasons.is_valid():
        needed = text_in(request.POST, "needed") == "yes"
        reason = reasons.cleaned_data["reason"]
        try:
            documents.set_needs_acceptance(found, needed, reason=reason, by=request.caller)
        except RegistryError as refusal:
            reasons.add_error(None, str(refusal))
        else:
            messages.success(request, _("Recorded. It holds for releases from now on."))
            return redirect("steward-document", slug)
    return _page(request, found, reasons=reasons, status=422)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: CallerRequest) -> HttpResponse:
    """Add a document that the site does not know."""
    require_steward(request)
    form = DocumentForm(
        request.POST or None, initial={"license_names": text_in(request.GET, "name")}
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                made = documents.create(**form.wanted(), by=request.caller)
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Added. Load its text now, if you have it."))
                return redirect("steward-document", made.slug)
        status = 422
    context = {"tab": "documents", "form": form}
    return render(request, "steward/document_new.html", context, status=status)


def _found(slug: str) -> Document:
    return get_object_or_404(Document.objects.select_related("policy", "stands_for"), slug=slug)


def _page(
    request: CallerRequest,
    found: Document,
    *,
    form: TextForm | None = None,
    reasons: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    versions = Paginator(found.versions.defer("text").order_by("-pk"), PER_PAGE)
    page = versions.get_page(text_in(request.GET, "page"))
    names = dict(
        User.objects.filter(public_id__in={one.loaded_by for one in page.object_list}).values_list(
            "public_id", "username"
        )
    )
    texts = set(found.versions.exclude(text=None).values_list("pk", flat=True))
    coming = {one.pk for one in documents.coming(found, now=now).defer("text")}
    rows: list[dict[str, Any]] = [
        {
            "version": one,
            "by": names.get(one.loaded_by, ""),
            "has_text": one.pk in texts,
            "is_coming": one.pk in coming,
        }
        for one in page.object_list
    ]
    context = {
        "tab": "documents",
        "document": found,
        "page": page,
        "rows": rows,
        "in_force": documents.in_force(found, now=now),
        "uses": uses.by_document().get(found.public_id) or uses.Uses(),
        "form": form or TextForm(),
        "reasons": reasons or ReasonForm(),
    }
    return render(request, "steward/document.html", context, status=status)
