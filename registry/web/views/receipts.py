"""Receipts to read, print and download, what one accepted, and the keys that sign receipts."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.accounts.models import Membership
from registry.agreements import receipts
from registry.agreements.models import Acceptance, Adherence, Receipt
from registry.audit.models import SigningKey
from registry.catalog import countries
from registry.catalog.models import Repository
from registry.releases import agreed
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25


@never_cache
@login_required
@require_safe
def receipt(request: CallerRequest, receipt_id: str) -> HttpResponse:
    found = _receipt_or_404(request, receipt_id)
    file = receipts.for_holder(found)
    words = file.get("disclosed")
    page: dict[str, Any] = {
        "receipt": found,
        "acceptance": found.acceptance,
        "body": found.body,
        "words": words,
        "country": countries.shown(words["country"]) if words else "",
        "signature": file["signature"]["value"],
    }
    return render(request, "receipts/receipt.html", page)


@never_cache
@login_required
@require_safe
def receipt_file(request: CallerRequest, receipt_id: str) -> HttpResponse:
    """The holder's copy, byte for byte as it verifies."""
    found = _receipt_or_404(request, receipt_id)
    response = HttpResponse(receipts.file_of(found), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="receipt-{found.public_id}.json"'
    return response


@never_cache
@login_required
@require_safe
def agreements(request: CallerRequest) -> HttpResponse:
    """What the visitor accepted, and what covers them of their organisations' signatures."""
    page = Paginator(_own(request), PER_PAGE).get_page(text_in(request.GET, "page"))
    seen = Repository.objects.visible_to(request.caller).filter(
        pk__in=[one.repository_id for one in page.object_list]
    )
    context = {
        "page": page,
        "rows": agreed.states(page.object_list, now=timezone.now()),
        "visible": set(seen.values_list("pk", flat=True)),
        "joined": _joined(request),
    }
    return render(request, "receipts/agreements.html", context)


@require_safe
def keys(request: CallerRequest) -> HttpResponse:
    """The public keys, the one in use first."""
    found = [
        (key, bytes(key.public_key).hex()) for key in SigningKey.objects.order_by("-created_at")
    ]
    return render(request, "receipts/keys.html", {"keys": found})


@require_safe
def key(request: CallerRequest, key_id: str) -> HttpResponse:
    """A public key as `receipt verify --key` takes it."""
    found = get_object_or_404(SigningKey, key_id=key_id)
    return HttpResponse(bytes(found.public_key).hex() + "\n", content_type="text/plain")


def _receipt_or_404(request: CallerRequest, receipt_id: str) -> Receipt:
    found = (
        Receipt.objects.visible_to(request.caller)
        .select_related("acceptance__repository__namespace", "acceptance__organisation")
        .filter(public_id=receipt_id)
        .first()
    )
    if found is None:
        raise Http404("No receipt of this id.")
    return found


def _own(request: CallerRequest) -> Any:
    return (
        Acceptance.objects.filter(user=request.caller.user)
        .select_related("repository__namespace", "organisation", "receipt", "ending")
        .order_by("-accepted_at", "-pk")
    )


def _joined(request: CallerRequest) -> list[Adherence]:
    """What of organisations' signatures the visitor joined and is covered by, newest first."""
    held = Membership.objects.filter(user=request.caller.user).values_list("pk", flat=True)
    found = Adherence.objects.filter(
        user=request.caller.user, membership__in=list(held), acceptance__ending=None
    )
    return list(
        found.select_related("acceptance__repository__namespace", "acceptance__organisation")
        .prefetch_related(Prefetch("acceptance__receipt"))
        .order_by("-at")[:PER_PAGE]
    )
