"""Taking rows away: for stewards of the whole site, for publishers of a repository of theirs."""

from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.agreements import exports, requests
from registry.agreements.exports import Wanted
from registry.errors import RegistryError
from registry.web import lookup
from registry.web.forms.governing import ExportForm
from registry.web.requests import CallerRequest, text_in

TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponseBase:
    """The form; a POST is the file."""
    if not (request.caller.is_steward and request.caller.can_administer):
        raise Http404("Only stewards take away what happened on the whole site.")
    form = ExportForm(request, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        wanted = form.wanted()
        try:
            return file(exports.for_steward(wanted, by=request.caller), wanted)
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
    columns = {kind: exports.columns(kind) for kind in exports.KINDS}
    page = {"tab": "exports", "form": form, "columns": columns, "personal": exports.PERSONAL}
    return render(request, "steward/exports.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def of_repository(request: CallerRequest, namespace: str, name: str) -> HttpResponseBase:
    """The requests or grants of one repository, for those who decide about them."""
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        requests.require_review(repository, request.caller)
        wanted = Wanted(
            kind=text_in(request.POST, "kind"),
            format=text_in(request.POST, "format") or "csv",
            repository=repository,
            personal=text_in(request.POST, "personal") == "1",
        )
        return file(exports.for_publisher(wanted, by=request.caller), wanted)
    except RegistryError as refusal:
        raise Http404(str(refusal)) from refusal


def file(texts: Iterator[str], wanted: Wanted) -> StreamingHttpResponse:
    """The rows as they come from the database, to be stored by the browser."""
    response = StreamingHttpResponse(texts, content_type=TYPES[wanted.format])
    name = exports.file_name(wanted)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
