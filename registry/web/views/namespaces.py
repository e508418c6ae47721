"""The pages of people and organisations: their models, what they did lately, what they like, members."""

from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, NamespaceKind
from registry.accounts.permissions import Permission
from registry.catalog import likes, quotas, search
from registry.catalog.models import Repository
from registry.releases.models import Release, Status
from registry.web import catalog_rows, trends
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
SORTS = ("updated", "downloads", "likes", "name")


@require_safe
def page(request: CallerRequest, namespace: str) -> HttpResponse:
    """A person or an organisation, and what of theirs this visitor may know of."""
    owner = get_object_or_404(Namespace, name__iexact=namespace)
    if owner.name != namespace:
        return redirect("namespace", owner.name)
    caller, is_organisation = request.caller, owner.kind == NamespaceKind.ORGANISATION
    tells_members = is_organisation and permissions.is_inside(caller, owner)
    tabs = ["models", "activity", *(["members"] if tells_members else [])]
    tabs += [] if is_organisation else ["likes"]
    tab = text_in(request.GET, "tab") or "models"
    if tab not in tabs:
        raise Http404("There is no such tab.")
    visible = Repository.objects.visible_to(caller).filter(namespace=owner)
    context = {
        "owner": owner,
        "is_organisation": is_organisation,
        "tabs": tabs,
        "tab": tab,
        "organisations": _organisations(caller, owner),
        "may_write": permissions.may(caller, Permission.WRITE, owner),
        "may_administer": is_organisation and permissions.may(caller, Permission.ADMIN, owner),
        "held": _held(caller, owner),
        "trend": trends.of_all(visible, now=timezone.now()),
    }
    context |= _TABS[tab](request, owner)
    return render(request, "namespaces/page.html", context)


def _models(request: CallerRequest, owner: Namespace) -> dict[str, Any]:
    wanted = search.parse(request.GET, kind="", namespace=owner.name)
    if not wanted.query and wanted.sort not in SORTS:
        wanted = replace(wanted, sort="updated")
    found = search.find(
        request.caller,
        wanted,
        after=text_in(request.GET, "after"),
        before=text_in(request.GET, "before"),
        with_facets=False,
    )
    return {
        "wanted": wanted,
        "sorts": SORTS,
        "rows": catalog_rows.rows(found.entries, request.caller),
        "total": found.total,
        "next": wanted.as_query(after=found.next) if found.next else "",
        "previous": wanted.as_query(before=found.previous) if found.previous else "",
    }


def _activity(request: CallerRequest, owner: Namespace) -> dict[str, Any]:
    """What was released lately, the last first."""
    released = (
        Release.objects.visible_to(request.caller)
        .filter(repository__namespace=owner, status=Status.RELEASED)
        .select_related("repository__namespace", "revision")
        .order_by("-released_at", "-pk")
    )
    return {"page": Paginator(released, PER_PAGE).get_page(request.GET.get("page"))}


def _likes(request: CallerRequest, owner: Namespace) -> dict[str, Any]:
    liked = likes.of_person(owner.name, caller=request.caller).order_by("-at", "-pk")
    return {"page": Paginator(liked, PER_PAGE).get_page(request.GET.get("page"))}


def _members(request: CallerRequest, owner: Namespace) -> dict[str, Any]:
    members = owner.memberships.select_related("user").order_by("user__username")
    return {"page": Paginator(members, PER_PAGE).get_page(request.GET.get("page"))}


_TABS = {"models": _models, "activity": _activity, "likes": _likes, "members": _members}


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
