"""The lists of models and datasets, and the pages of namespaces."""

import re
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, NamespaceKind
from registry.accounts.permissions import Permission
from registry.catalog import quotas, search
from registry.catalog.models import RepositoryType, Variant
from registry.catalog.search import Wanted
from registry.web import catalog_page, catalog_rows, catalog_table, listing
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
# Of a search that found nothing: the words looked at, and the published models named
WORDS, KNOWN = 8, 6


@require_safe
def index(request: CallerRequest) -> HttpResponse:
    return _list(request, RepositoryType.MODEL)


@require_safe
def datasets(request: CallerRequest) -> HttpResponse:
    if RepositoryType.DATASET not in settings.REPOSITORY_TYPES:
        raise Http404("This site has no datasets.")
    return _list(request, RepositoryType.DATASET)


def _list(request: CallerRequest, kind: RepositoryType) -> HttpResponse:
    """A state of the list: the address says all of it. htmx gets the part below the search."""
    wanted = search.parse(request.GET, kind=kind)
    if text_in(request.GET, "export") == "csv":
        return catalog_table.answer(request.caller, wanted)
    found = search.find(
        request.caller,
        wanted,
        after=text_in(request.GET, "after"),
        before=text_in(request.GET, "before"),
    )
    context = catalog_page.context(wanted, found, path=request.path) | {
        "rows": catalog_rows.rows(found.entries, request.caller),
        "owners": search.namespaces(request.caller, wanted.query) if wanted.query else [],
        "known": _known(wanted) if not found.entries else [],
        "is_datasets": kind == RepositoryType.DATASET,
        "called": ", ".join(catalog_page.labels_of(wanted))[:100],
    }
    # Back and forward ask with htmx too, for the whole page
    is_part = request.htmx and not request.htmx.history_restore_request
    response = render(request, f"catalog/index.html{'#found' if is_part else ''}", context)
    patch_vary_headers(response, ["HX-Request"])
    if is_part:
        response["HX-Push-Url"] = request.get_full_path() if _is_paged(request) else context["here"]
    return response


def _known(wanted: Wanted) -> list[Variant]:
    """Published models that bear the words, for whoever found nothing."""
    words = re.findall(r"[\w.]+", wanted.query)[:WORDS]
    if not words or wanted.kind != RepositoryType.MODEL:
        return []
    named = Variant.objects.select_related("family")
    for word in words:
        named = named.filter(name__icontains=word)
    return list(named[:KNOWN])


def _is_paged(request: CallerRequest) -> bool:
    return "after" in request.GET or "before" in request.GET


@require_safe
def namespace(request: CallerRequest, namespace: str) -> HttpResponse:
    """A person or an organisation, and what of theirs this visitor may know of."""
    owner = get_object_or_404(Namespace, name__iexact=namespace)
    found = listing.select(request.caller).filter(namespace=owner)
    is_organisation = owner.kind == NamespaceKind.ORGANISATION
    tells_members = is_organisation and permissions.is_inside(request.caller, owner)
    members = owner.memberships.select_related("user").order_by("user__username")
    context = _page(request, Paginator(found, PER_PAGE)) | {
        "owner": owner,
        "is_organisation": is_organisation,
        "members": members if tells_members else [],
        "organisations": _organisations(request.caller, owner),
        "may_write": permissions.may(request.caller, Permission.WRITE, owner),
        "held": _held(request.caller, owner),
    }
    return render(request, "catalog/namespace.html", context)


def _organisations(caller: Caller, owner: Namespace) -> QuerySet[Membership] | None:
    """Where the person is a member: on their own page, for themselves alone."""
    if caller.user is None or caller.user.namespace_id != owner.pk:
        return None
    return caller.user.memberships.select_related("namespace").order_by("namespace__name")


def _held(caller: Caller, owner: Namespace) -> dict[str, Any] | None:
    """What the namespace holds of what it may: for its members, where there is a bound."""
    if quotas.quota_of(owner) is None or not permissions.may(caller, Permission.READ, owner):
        return None
    found = quotas.usage(owner)
    return {
        "used": quotas.shown(found.used),
        "quota": quotas.shown(found.quota or 0),
        "percent": found.percent,
    }


def _page(request: CallerRequest, paginator: "Paginator[Any]") -> dict[str, Any]:
    page = paginator.get_page(request.GET.get("page"))
    return {
        "page": page,
        "rows": listing.rows(list(page.object_list), request.caller),
        "total": paginator.count,
    }
