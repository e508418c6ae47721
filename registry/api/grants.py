"""Grants of a repository, and groups of repositories that are asked for together."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from ninja import Query, Router, Schema, Status
from pydantic import Field

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.agreements import grants, groups, locks, requests, scopes
from registry.agreements.models import AccessGroup, Grant
from registry.api.addresses import repository_of
from registry.api.answers import CHANGING
from registry.api.authentication import ApiRequest, Token
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId, Text, Wanted
from registry.catalog import repositories
from registry.catalog.models import Repository
from registry.errors import Missing, NotAllowed
from registry.releases import access

router = Router(tags=["access requests"])


class ScopeBody(Wanted):
    """What is granted; what is left out is the publisher's rule, or everything."""

    purpose: Text | None = Field(None, max_length=scopes.MAX_PURPOSE)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_endless: bool = Field(False, description="without an end, whatever the publisher's rule is")
    patterns: list[Text] = Field(
        [], max_length=scopes.MAX_PATTERNS, description="files, as `allow_patterns` has them"
    )
    first_release: Text = Field("", description="version label or id; from this one on")
    last_release: Text = Field("", description="version label or id; up to this one")
    full_downloads: int | None = Field(None, ge=1, le=scopes.MAX_DOWNLOADS)


class GrantBody(Wanted):
    user: Text = Field(max_length=96)
    scope: ScopeBody = Field(default_factory=lambda: ScopeBody.model_validate({}))


class RenewBody(Wanted):
    ends_at: datetime


class RevokeBody(Wanted):
    reason: Text = Field("", max_length=requests.MAX_REASON)


class GroupBody(Wanted):
    name: Text = Field(max_length=groups.MAX_NAME)


class EntryBody(Wanted):
    repository: Text = Field(max_length=200, description="`namespace/name`")


class ModeBody(Wanted):
    gated: Text | bool = Field(description="auto, manual, or false")


class GrantShape(Schema):
    """A right that a publisher gave."""

    id: PublicId
    user: str
    group: str = Field(description="the group that it opens, or empty")
    state: str = Field(description="in force, coming, ended or revoked")
    purpose: str
    starts_at: datetime
    ends_at: datetime | None
    patterns: list[str]
    first_release: str
    last_release: str
    full_downloads: int | None
    downloads_used: float | None = Field(description="of what is offered now, where it is counted")
    renews: str = Field(description="the id of the grant that it goes on from, or empty")
    renewal_asked_at: datetime | None
    revoked_at: datetime | None


class GrantPage(Page):
    items: list[GrantShape]


class GroupShape(Schema):
    id: PublicId
    name: str
    repositories: list[str]


@router.get(
    "/models/{namespace}/{name}/access-grants",
    response={200: GrantPage, **CHANGING},
    auth=Token(),
    summary="The grants of a repository and its group, newest first",
)
def listed(request: ApiRequest, namespace: str, name: str, paging: Query[Paging]) -> dict[str, Any]:
    """For who writes the repository, with a token of scope write."""
    repository = _reviewed(request.auth, namespace, name)

    def shape(rows: list[Grant]) -> list[dict[str, Any]]:
        return grant_shapes(rows, repository)

    return page_of(request, grants.of_repository(repository), paging, shape=shape)


@router.post(
    "/models/{namespace}/{name}/access-grants",
    response={201: GrantShape, **CHANGING},
    auth=Token(),
    summary="Let a person in, or give them one more grant",
)
def make(request: ApiRequest, namespace: str, name: str, wanted: GrantBody) -> Any:
    """For who writes the repository, with a token of scope write."""
    repository = _reviewed(request.auth, namespace, name)
    scope = wanted_scope(repository, wanted.scope)
    made = access.give(repository, user=wanted.user, scope=scope, by=request.auth)
    return Status(201, _shape(made, repository))


@router.post(
    "/models/{namespace}/{name}/access-grants/{grant_id}/renew",
    response={201: GrantShape, **CHANGING},
    auth=Token(),
    summary="Let a grant go on",
)
def renew(request: ApiRequest, namespace: str, name: str, grant_id: str, wanted: RenewBody) -> Any:
    """Makes a grant of its own that begins where this one ends."""
    repository = _reviewed(request.auth, namespace, name)
    found = _grant(repository, grant_id)
    return Status(201, _shape(grants.renew(found, wanted.ends_at, by=request.auth), repository))


@router.post(
    "/models/{namespace}/{name}/access-grants/{grant_id}/revoke",
    response={200: GrantShape, **CHANGING},
    auth=Token(),
    summary="Take a grant back",
)
def revoke(
    request: ApiRequest, namespace: str, name: str, grant_id: str, wanted: RevokeBody
) -> dict[str, Any]:
    """Acts at the next request of the person. With their last grant the request is rejected."""
    repository = _reviewed(request.auth, namespace, name)
    found = _grant(repository, grant_id)
    grants.revoke(found, by=request.auth, reason=wanted.reason)
    return _shape(_grant(repository, grant_id), repository)


@router.post(
    "/models/{namespace}/{name}/access-grants/{grant_id}/ask-renewal",
    response={200: GrantShape, **CHANGING},
    auth=Token(),
    summary="Ask for one's own grant to be renewed",
)
def ask_renewal(request: ApiRequest, namespace: str, name: str, grant_id: str) -> dict[str, Any]:
    repository = repository_of(namespace, name, caller=request.auth)
    found = _grant(repository, grant_id, of=request.auth)
    return _shape(grants.ask_renewal(found, by=request.auth), repository)


@router.get(
    "/namespaces/{namespace}/access-groups",
    response={200: list[GroupShape], **CHANGING},
    auth=Token(),
    summary="The groups of repositories of a namespace",
)
def groups_of(request: ApiRequest, namespace: str) -> list[dict[str, Any]]:
    """For admins of the namespace, with a token of scope admin."""
    owner = _administered(namespace, request.auth)
    return [_group_shape(one) for one in groups.of_namespace(owner)]


@router.post(
    "/namespaces/{namespace}/access-groups",
    response={201: GroupShape, **CHANGING},
    auth=Token(),
    summary="Make a group of repositories that are asked for together",
)
def make_group(request: ApiRequest, namespace: str, wanted: GroupBody) -> Any:
    owner = _administered(namespace, request.auth)
    return Status(201, _group_shape(groups.make(owner, wanted.name, by=request.auth)))


@router.post(
    "/namespaces/{namespace}/access-groups/{group_id}/put",
    response={200: GroupShape, **CHANGING},
    auth=Token(),
    summary="Put a repository into a group",
)
def put(request: ApiRequest, namespace: str, group_id: str, wanted: EntryBody) -> dict[str, Any]:
    """Whoever was let into the group is let into it too from now on."""
    group = _group(namespace, group_id, request.auth)
    groups.put(group, _named(wanted.repository, request.auth), by=request.auth)
    return _group_shape(group)


@router.post(
    "/namespaces/{namespace}/access-groups/{group_id}/take-out",
    response={200: GroupShape, **CHANGING},
    auth=Token(),
    summary="Take a repository out of a group",
)
def take_out(
    request: ApiRequest, namespace: str, group_id: str, wanted: EntryBody
) -> dict[str, Any]:
    group = _group(namespace, group_id, request.auth)
    groups.take_out(group, _named(wanted.repository, request.auth), by=request.auth)
    return _group_shape(group)


@router.post(
    "/namespaces/{namespace}/access-groups/{group_id}/gated",
    response={200: GroupShape, **CHANGING},
    auth=Token(),
    summary="Set the publisher's lock of everything that is in a group",
)
def set_gated(
    request: ApiRequest, namespace: str, group_id: str, wanted: ModeBody
) -> dict[str, Any]:
    group = _group(namespace, group_id, request.auth)
    groups.set_mode(group, locks.mode_named(wanted.gated), by=request.auth)
    return _group_shape(group)


def wanted_scope(repository: Repository, body: ScopeBody) -> scopes.Scope:
    """The scope that a body means, with releases of this repository."""
    scope = scopes.Scope(
        purpose=body.purpose,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        is_endless=body.is_endless,
        patterns=body.patterns,
        full_downloads=body.full_downloads,
    )
    return access.scope_of(repository, scope, first=body.first_release, last=body.last_release)


def grant_shapes(found: list[Grant], repository: Repository) -> list[dict[str, Any]]:
    """Grants as they are shown."""
    labels, used = access.labels_of(found), access.downloads_used(found, repository)
    return [_grant_shape(one, labels, used.get(one.pk)) for one in found]


def _grant_shape(grant: Grant, labels: dict[str, str], used: Fraction | None) -> dict[str, Any]:
    return {
        "id": grant.public_id,
        "user": grant.user.username,
        "group": grant.group.name if grant.group else "",
        "state": grants.state_of(grant),
        "purpose": grant.purpose,
        "starts_at": grant.starts_at,
        "ends_at": grant.ends_at,
        "patterns": grant.patterns,
        "first_release": labels.get(grant.first_release, grant.first_release),
        "last_release": labels.get(grant.last_release, grant.last_release),
        "full_downloads": grant.full_downloads,
        "downloads_used": None if used is None else round(float(used), 3),
        "renews": grant.renews.public_id if grant.renews else "",
        "renewal_asked_at": grant.renewal_asked_at,
        "revoked_at": grant.revoked_at,
    }


def _shape(grant: Grant, repository: Repository) -> dict[str, Any]:
    return grant_shapes([grant], repository)[0]


def _group_shape(group: AccessGroup) -> dict[str, Any]:
    return {
        "id": group.public_id,
        "name": group.name,
        "repositories": [one.full_name for one in groups.repositories_in(group)],
    }


def _reviewed(caller: Caller, namespace: str, name: str) -> Repository:
    repository = repository_of(namespace, name, caller=caller)
    requests.require_review(repository, caller)
    return repository


def _grant(repository: Repository, public_id: str, *, of: Caller | None = None) -> Grant:
    found = grants.of_repository(repository).filter(public_id=public_id)
    if of is not None:
        found = found.filter(user=of.user)
    grant = found.first()
    if grant is None:
        raise Missing("There is no such grant for this repository.")
    return grant


def _administered(name: str, caller: Caller) -> Namespace:
    found = Namespace.objects.filter(name__iexact=name).first()
    if found is None:
        raise Missing("There is no such namespace.")
    if not groups.may_manage(found, caller):
        raise NotAllowed("Groups of repositories are for admins of the namespace.")
    return found


def _group(namespace: str, public_id: str, caller: Caller) -> AccessGroup:
    owner = _administered(namespace, caller)
    found = groups.of_namespace(owner).filter(public_id=public_id).first()
    if found is None:
        raise Missing("There is no such group.")
    return found


def _named(full_name: str, caller: Caller) -> Repository:
    return repositories.find(full_name, caller=caller)
