"""People, organisations and their repositories, as far as whoever asks may know of them."""

from typing import Any

from django.db.models import OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, NamespaceKind, User
from registry.accounts.permissions import Permission
from registry.catalog import likes, quotas
from registry.catalog.models import Holding, Repository, RepositoryType
from registry.errors import Missing, NotAllowed, SignInRequired
from registry.hub import paging, wire
from registry.hub.wire import WireRequest


@wire.endpoint("GET")
def person(request: WireRequest, name: str) -> HttpResponse:
    """GET /api/users/{name}/overview: what a person's page says"""
    user = User.objects.select_related("namespace").filter(username__iexact=name, is_active=True)
    found = user.first()
    if found is None:
        raise Missing("This user does not exist")
    orgs = Membership.objects.filter(
        _known_to(request.caller), user=found, namespace__kind=NamespaceKind.ORGANISATION
    ).select_related("namespace")
    return wire.json_answer(
        person_summary(found)
        | _counts(found.namespace, request.caller)
        | {
            "type": "user",
            "createdAt": wire.time(found.created_at),
            "numLikes": likes.of_person(found.username, caller=request.caller).count(),
            "orgs": [_organisation_summary(one.namespace) for one in orgs],
        }
    )


@wire.endpoint("GET")
def organisation(request: WireRequest, name: str) -> HttpResponse:
    """GET /api/organizations/{name}/overview: what an organisation's page says"""
    found = _organisation(name)
    summary = _organisation_summary(found) | _counts(found, request.caller)
    if permissions.is_inside(request.caller, found):
        summary["numUsers"] = found.memberships.filter(user__is_active=True).count()
    return wire.json_answer(summary)


@wire.endpoint("GET")
def members(request: WireRequest, name: str) -> HttpResponse:
    """GET /api/organizations/{name}/members: told to members and to maintainers of the site."""
    found = _organisation(name)
    if not permissions.is_inside(request.caller, found):
        return wire.json_answer([])
    rows = found.memberships.filter(user__is_active=True).select_related("user")
    return paging.by_key(request, rows, _member, newest_first=False)


@wire.endpoint("GET")
def own_repositories(request: WireRequest) -> HttpResponse:
    """GET /api/settings/repositories: the caller's repositories, with sizes"""
    if request.caller.user is None:
        raise SignInRequired("Send a token to see your repositories.")
    return _storage(request, request.caller.user.namespace)


@wire.endpoint("GET")
def repositories_of(request: WireRequest, name: str) -> HttpResponse:
    """GET /api/organizations/{name}/settings/repositories: an organisation's, with sizes"""
    if request.caller.user is None:
        raise SignInRequired("Send a token to see the repositories of an organisation.")
    found = _organisation(name)
    if not permissions.is_inside(request.caller, found):
        raise NotAllowed("Only members see what an organisation stores.")
    return _storage(request, found)


def person_summary(user: User) -> dict[str, Any]:
    return {"user": user.username, "fullname": user.full_name or user.username, "avatarUrl": ""}


def _member(membership: Membership) -> dict[str, Any]:
    return person_summary(membership.user) | {"type": "user", "role": membership.role}


def _organisation_summary(namespace: Namespace) -> dict[str, Any]:
    return {
        "name": namespace.name,
        "fullname": namespace.full_name or namespace.name,
        "avatarUrl": "",
        "type": "org",
    }


def _organisation(name: str) -> Namespace:
    found = Namespace.objects.filter(name__iexact=name, kind=NamespaceKind.ORGANISATION).first()
    if found is None:
        raise Missing("This organization does not exist")
    return found


def _known_to(caller: Caller) -> Q:
    """The condition that a membership is of a namespace whose people the caller may know."""
    return Q() if caller.is_maintainer else permissions.namespaces_with(caller, Permission.READ)


def _counts(namespace: Namespace, caller: Caller) -> dict[str, int]:
    visible = Repository.objects.visible_to(caller).filter(namespace=namespace)
    return {
        "numModels": visible.filter(type=RepositoryType.MODEL).count(),
        "numDatasets": visible.filter(type=RepositoryType.DATASET).count(),
        "numSpaces": 0,
    }


def _storage(request: WireRequest, namespace: Namespace) -> HttpResponse:
    held = (
        Holding.objects.filter(repository=OuterRef("pk"))
        .order_by()
        .values("repository")
        .annotate(bytes=Sum("blob__size"))
        .values("bytes")
    )
    visible = Repository.objects.visible_to(request.caller).filter(namespace=namespace)
    rows = visible.select_related("namespace").annotate(storage=Coalesce(Subquery(held), 0))
    quota = quotas.quota_of(namespace)
    return paging.by_key(request, rows, lambda row: _stored(row, quota), newest_first=False)


def _stored(repository: Any, quota: int | None) -> dict[str, Any]:
    told = {
        "id": repository.full_name,
        "type": repository.type,
        "updatedAt": wire.time(repository.updated_at),
        "visibility": repository.visibility,
        "storage": int(repository.storage),
    }
    if quota:
        told["storagePercent"] = round(100 * int(repository.storage) / quota, 2)
    return told
