"""The stewards' pages of texts that were found in repositories and that nobody knows yet."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from registry.agreements import texts, wording
from registry.agreements.models import DocumentKind, FoundState, FoundText
from registry.agreements.wording import Piece
from registry.errors import Conflict, RegistryError
from registry.web.forms.documents import ReasonForm, TakeForm
from registry.web.requests import CallerRequest, text_in
from registry.web.views.documents import require_steward

PER_PAGE = 25
EXCERPT = 300
SHOWN = 60_000
PLACES = 25
AROUND = 12


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    require_steward(request)
    kind = text_in(request.GET, "kind")
    page = Paginator(texts.groups(kind=kind), PER_PAGE).get_page(text_in(request.GET, "page"))
    rows = [
        {"group": one, "excerpt": " ".join(_words(one.first).split())[:EXCERPT]}
        for one in texts.with_places(list(page.object_list))
    ]
    context = {"tab": "texts", "page": page, "rows": rows, "kind": kind}
    return render(request, "steward/texts.html", context | {"kinds": DocumentKind.choices})


@never_cache
@login_required
@require_safe
def text(request: CallerRequest, text_id: str) -> HttpResponse:
    require_steward(request)
    return _page(request, _found(text_id))


@never_cache
@login_required
@require_POST
def take(request: CallerRequest, text_id: str) -> HttpResponse:
    """Make it a version of a document."""
    require_steward(request)
    found, form = _found(text_id), TakeForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = texts.take(
                found,
                slug=given["document"],
                version=given["version"],
                effective_date=given["effective_date"],
                by=request.caller,
            )
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            said = {"title": made.document.title, "version": made.version}
            messages.success(request, _("%(title)s, version %(version)s, is loaded.") % said)
            return redirect("steward-document", made.document.slug)
    return _page(request, found, form=form, status=422)


@never_cache
@login_required
@require_POST
def dismiss(request: CallerRequest, text_id: str) -> HttpResponse:
    """Say that it is none that the site has to know."""
    require_steward(request)
    found, reasons = _found(text_id), ReasonForm(request.POST)
    if reasons.is_valid():
        try:
            texts.dismiss(found, reason=reasons.cleaned_data["reason"], by=request.caller)
        except Conflict as refusal:
            messages.error(request, str(refusal))
            return redirect("steward-text", text_id)
        except RegistryError as refusal:
            reasons.add_error(None, str(refusal))
        else:
            messages.success(request, _("Dismissed, wherever the same words come up."))
            return redirect("steward-texts")
    return _page(request, found, reasons=reasons, status=422)


def _found(text_id: str) -> FoundText:
    rows = FoundText.objects.select_related(
        "repository__namespace", "revision", "version__document", "decided_by"
    )
    return get_object_or_404(rows, public_id=text_id)


def _page(
    request: CallerRequest,
    found: FoundText,
    *,
    form: TakeForm | None = None,
    reasons: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    words = _words(found)
    is_waiting = found.state == FoundState.UNKNOWN
    near = texts.nearest(words) if is_waiting else None
    pieces = None
    if near is not None and near.is_near:
        pieces = wording.differences(near.version.words, words)
    guess = {"document": near.version.document.slug} if near and near.is_near else {}
    context: dict[str, Any] = {
        "tab": "texts",
        "found": found,
        "is_waiting": is_waiting,
        "words": words[:SHOWN],
        "is_cut": len(words) > SHOWN,
        "near": near,
        "pieces": [_shortened(piece) for piece in pieces] if pieces else [],
        "places": texts.places(found)[:PLACES],
        "form": form or TakeForm(initial=guess),
        "reasons": reasons or ReasonForm(),
    }
    return render(request, "steward/text.html", context, status=status)


def _words(found: FoundText) -> str:
    try:
        return texts.bytes_of(found).decode()
    except RegistryError:
        return ""


def _shortened(piece: Piece) -> Piece:
    """What both texts have is only there to show where the others stand."""
    words = piece.words.split(" ")
    if piece.kind != "same" or len(words) <= 2 * AROUND + 1:
        return piece
    return Piece(piece.kind, " ".join([*words[:AROUND], "…", *words[-AROUND:]]))
