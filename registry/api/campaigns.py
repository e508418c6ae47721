"""Campaigns: bringing what is released under a new version of a text, for stewards alone."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from registry.agreements.models import DocumentVersion
from registry.api.answers import CHANGING, READING, Refusal
from registry.api.authentication import ApiRequest, Token
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId, Text, Wanted
from registry.errors import Missing
from registry.releases import campaigns
from registry.releases.models import Campaign, CampaignKind

router = Router(tags=["campaigns"])


class CountsShape(Schema):
    releases: int
    repositories: int
    acceptances: int = Field(description="acceptances whose set is replaced")
    people: int = Field(description="who gave them for themselves")
    organisations: int = Field(description="for which they were given")
    grants: int = Field(description="grants in force then; they stay")


class CampaignShape(Schema):
    id: PublicId
    document: str = Field(description="the slug of the text")
    version: str
    sha256: str
    kind: str
    note: str
    state: str = Field(description="proposed, grace, in_force or cancelled")
    effective_at: datetime
    opened_by: str
    opened_at: datetime
    confirmed_by: str
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str
    url: str


class CampaignDetail(CampaignShape):
    counts: CountsShape = Field(
        description="of a proposal, what confirming it now would affect; else what it affects"
    )
    accepted: int = Field(description="acceptances of the new sets so far")


class CampaignPage(Page):
    items: list[CampaignShape]


class CampaignBody(Wanted):
    document: Text = Field(max_length=100, description="the slug of the text")
    sha256: Text = Field(max_length=64, description="of the version that takes the place of others")
    kind: CampaignKind
    effective_at: datetime = Field(description="with its time zone")
    note: Text = Field(description="what changes; everybody affected is told it")


class CancelBody(Wanted):
    reason: Text


@router.get(
    "/campaigns",
    response={200: CampaignPage, **READING, 422: Refusal},
    auth=Token(),
    summary="The campaigns, the newest first",
)
def index(request: ApiRequest, paging: Query[Paging]) -> dict[str, Any]:
    """For stewards; for everybody else it is not there."""
    if not request.auth.is_steward:
        raise Missing("There is no such address.")
    rows = Campaign.objects.select_related(*campaigns.RELATED)
    now = timezone.now()
    return page_of(
        request, rows, paging, shape=lambda items: [_shape(request, one, now) for one in items]
    )


@router.get(
    "/campaigns/{campaign_id}",
    response={200: CampaignDetail, **READING},
    auth=Token(),
    summary="One campaign, with exact counts of what it affects",
)
def one(request: ApiRequest, campaign_id: str) -> dict[str, Any]:
    return _detail(request, campaigns.find(campaign_id, caller=request.auth))


@router.post(
    "/campaigns",
    response={201: CampaignDetail, **CHANGING},
    auth=Token(),
    summary="Propose that a version of a text takes the place of older ones",
)
def propose(request: ApiRequest, wanted: CampaignBody) -> Any:
    """Needs a steward's token of scope admin. Nothing changes until another steward confirms it."""
    version = (
        DocumentVersion.objects.select_related("document")
        .filter(document__slug=wanted.document, sha256=wanted.sha256)
        .first()
    )
    if version is None or not request.auth.is_steward:
        raise Missing("There is no such version of a text, or you may not govern texts.")
    made = campaigns.propose(
        version,
        kind=wanted.kind,
        effective_at=wanted.effective_at,
        note=wanted.note,
        by=request.auth,
    )
    return Status(201, _detail(request, made))


@router.post(
    "/campaigns/{campaign_id}/confirm",
    response={200: CampaignDetail, **CHANGING},
    auth=Token(),
    summary="Confirm a campaign that another steward proposed",
)
def confirm(request: ApiRequest, campaign_id: str) -> dict[str, Any]:
    found = campaigns.find(campaign_id, caller=request.auth)
    campaigns.confirm(found, by=request.auth)
    return _detail(request, campaigns.find(campaign_id, caller=request.auth))


@router.post(
    "/campaigns/{campaign_id}/cancel",
    response={200: CampaignDetail, **CHANGING},
    auth=Token(),
    summary="Cancel a campaign before it takes effect",
)
def cancel(request: ApiRequest, campaign_id: str, wanted: CancelBody) -> dict[str, Any]:
    found = campaigns.find(campaign_id, caller=request.auth)
    return _detail(request, campaigns.cancel(found, reason=wanted.reason, by=request.auth))


def _shape(request: ApiRequest, one: Campaign, now: datetime) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "document": one.version.document.slug,
        "version": one.version.version,
        "sha256": one.version.sha256,
        "kind": one.kind,
        "note": one.note,
        "state": campaigns.state_of(one, now),
        "effective_at": one.effective_at,
        "opened_by": one.opened_by.username,
        "opened_at": one.opened_at,
        "confirmed_by": one.confirmed_by.username if one.confirmed_by else "",
        "confirmed_at": one.confirmed_at,
        "cancelled_at": one.cancelled_at,
        "cancel_reason": one.cancel_reason,
        "url": request.build_absolute_uri(f"/steward/campaigns/{one.public_id}"),
    }


def _detail(request: ApiRequest, one: Campaign) -> dict[str, Any]:
    now = timezone.now()
    is_proposal = campaigns.state_of(one, now) == "proposed"
    counts = campaigns.preview_of(one, now) if is_proposal else campaigns.counts_of(one, now)
    accepted = campaigns.progress(one, now).accepted
    return _shape(request, one, now) | {"counts": vars(counts), "accepted": accepted}
