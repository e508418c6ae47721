"""Advisories: what became of releases, who was told, and acting on releases by a program."""

from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router, Schema, Status
from pydantic import Field

from registry.accounts.callers import Caller
from registry.api.addresses import repository_of
from registry.api.answers import ANYBODY, CHANGING, READING
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, Token, caller_of
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId, Text, Wanted
from registry.releases import advisories, recipients, withdrawals
from registry.releases.models import Advisory, AdvisoryCategory, Interest, Severity
from registry.releases.withdrawals import Scope

router = Router(tags=["advisories"])


class ScopeShape(Schema):
    release: PublicId
    version: str
    revision: str = Field(description="the commit id, 40 hex digits")
    manifest_digest: str
    digest: str = Field(description="of the release")
    status: str = Field(description="as it is now")


class AdvisoryShape(Schema):
    id: PublicId
    repository: str = Field(description="`namespace/name`; its id where it is out of your sight")
    repository_id: PublicId
    kind: str = Field(description="suspension, recall, restoration or notice")
    category: str
    severity: str
    reason: str
    follows: str = Field(description="the id of the advisory before it, or empty")
    at: datetime
    releases: list[ScopeShape]
    url: str


class AdvisoryPage(Page):
    items: list[AdvisoryShape]


class ProgressShape(Schema):
    received: int = Field(description="accounts that accepted its terms or downloaded it")
    told: int
    acknowledged: int
    unknown: int = Field(description="downloads by nobody who is known")
    is_told: bool = Field(description="whether everybody is told by now")


class ReceivedShape(Schema):
    user: str = Field(description="the id of the account")
    name: str = Field(description="for stewards, else empty")
    accepted_at: str
    first_download: str
    last_download: str
    told: str
    acknowledged: str


class RecipientsShape(Schema):
    progress: ProgressShape
    items: list[ReceivedShape]


class ActBody(Wanted):
    step: Literal["suspend", "recall", "restore", "notice"]
    releases: list[Text] = Field([], max_length=200, description="ids of releases")
    all: bool = Field(False, description="instead: all for which the step can be taken now")
    category: AdvisoryCategory = AdvisoryCategory.OTHER
    severity: Severity = Severity.HIGH
    reason: Text
    conflicts: list[Interest] = Field(
        [], max_length=len(Interest), description="to restore: the interests that you know of"
    )


class OfRepository(Paging):
    repository: Text = Field("", description="`namespace/name`")


@router.get(
    "/advisories",
    response={200: AdvisoryPage, **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="The advisories on what you may know of, the newest first",
)
def index(request: ApiRequest, paging: Query[OfRepository]) -> dict[str, Any]:
    found = advisories.listed(request.auth)
    if paging.repository:
        namespace, _, name = paging.repository.partition("/")
        found = found.filter(repository=repository_of(namespace, name, caller=request.auth))
    return page_of(
        request,
        found,
        paging,
        shape=lambda items: [_shape(request, one, one.repository.full_name) for one in items],
    )


@router.get(
    "/advisories/{advisory_id}",
    response={200: AdvisoryShape, **READING},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="One advisory",
)
def one(request: ApiRequest, advisory_id: str) -> dict[str, Any]:
    return _detail(request, advisories.find(advisory_id, caller=request.auth), request.auth)


@router.get(
    "/advisories/{advisory_id}/recipients",
    response={200: RecipientsShape, **READING},
    auth=Token(),
    summary="Who received what an advisory is about, and how far telling them has come",
)
def received(request: ApiRequest, advisory_id: str) -> dict[str, Any]:
    """For site maintainers with a token of scope admin. The audit log keeps who asked."""
    found = advisories.find(advisory_id, caller=request.auth)
    rows = recipients.export(found, by=request.auth)
    return {"progress": vars(recipients.progress(found)), "items": rows}


@router.post(
    "/models/{namespace}/{name}/advisories",
    response={201: AdvisoryShape, **CHANGING},
    auth=Token(),
    summary="Suspend, recall, restore or warn of releases, under one advisory",
)
def act(request: ApiRequest, namespace: str, name: str, wanted: ActBody) -> Any:
    """Needs a site maintainer's token of scope admin. All of the releases are moved, or none."""
    made = withdrawals.act(
        wanted.step,
        repository_of(namespace, name, caller=request.auth),
        scope=Scope(wanted.releases, is_all=wanted.all),
        by=request.auth,
        reason=wanted.reason,
        category=wanted.category,
        severity=wanted.severity,
        conflicts=wanted.conflicts,
    )
    found = advisories.find(made.public_id, caller=request.auth)
    return Status(201, _detail(request, found, request.auth))


def _detail(request: ApiRequest, one: Advisory, caller: Caller) -> dict[str, Any]:
    return _shape(request, one, advisories.name_for(one, caller))


def _shape(request: ApiRequest, one: Advisory, name: str) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "repository": name,
        "repository_id": one.repository.public_id,
        "kind": one.kind,
        "category": one.category,
        "severity": one.severity,
        "reason": one.reason,
        "follows": one.follows.public_id if one.follows else "",
        "at": one.at,
        "releases": [
            {
                "release": part.release.public_id,
                "version": part.release.version,
                "revision": part.release.revision.oid,
                "manifest_digest": part.release.manifest_digest,
                "digest": part.release.digest,
                "status": part.release.status,
            }
            for part in one.scope.all()
        ],
        "url": request.build_absolute_uri(one.get_absolute_url()),
    }
