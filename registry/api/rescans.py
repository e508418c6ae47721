"""Rescans: what the present checks say of everything released, for site maintainers alone."""

from datetime import datetime
from typing import Any

from ninja import Query, Router, Schema, Status
from pydantic import Field

from registry.api.answers import CHANGING, READING, Refusal
from registry.api.authentication import ApiRequest, Token
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId, Text, Wanted
from registry.checks import rescans
from registry.checks.models import Rescan
from registry.checks.rescans import Change

router = Router(tags=["checks"])


class RescanShape(Schema):
    id: PublicId
    catalogue: str = Field(description="the edition of the checks")
    reason: str
    state: str = Field(description="running, ready (to be decided), adopted or given_up")
    started_by: str = Field(description="empty where the site started it by itself")
    started_at: datetime
    adopted_by: str
    adopted_at: datetime | None
    given_up_at: datetime | None
    runs: int
    ended: int
    failed: int = Field(description="runs that could not be completed; these replace nothing")
    url: str


class RescanDetail(RescanShape):
    changed: int = Field(description="revisions that are judged otherwise, so far")
    would_block: int = Field(description="those of them that would be blocked")


class RescanPage(Page):
    items: list[RescanShape]
    outdated: int = Field(description="releases whose verdict comes from other checks than these")


class ChangeShape(Schema):
    repository: str
    revision: str = Field(description="the commit id, 40 hex digits")
    run: PublicId
    before: str = Field(description="the verdict that counts, or counted before")
    after: str
    would_block: bool
    appeared: list[str] = Field(description="checks with severities that were not there before")
    gone: list[str]
    report: str = Field(description="the address of the run's report, for a signed-in maintainer")


class ChangePage(Page):
    items: list[ChangeShape]


class RescanBody(Wanted):
    reason: Text = Field(description="why everything is checked again, 1 to 500 characters")


@router.get(
    "/rescans",
    response={200: RescanPage, **READING, 422: Refusal},
    auth=Token(),
    summary="The rescans, the newest first",
)
def index(request: ApiRequest, paging: Query[Paging]) -> dict[str, Any]:
    """For site maintainers; for everybody else it is not there."""
    rows = rescans.visible(by=request.auth)
    page = page_of(
        request, rows, paging, shape=lambda found: [_shape(request, one) for one in found]
    )
    return page | {"outdated": rescans.outdated().count()}


@router.post(
    "/rescans",
    response={201: RescanDetail, **CHANGING},
    auth=Token(),
    summary="Run the present checks over everything released",
)
def start(request: ApiRequest, wanted: RescanBody) -> Any:
    """Its runs wait behind all others, and its verdicts count for nothing before it is adopted."""
    rescans.visible(by=request.auth)
    return Status(201, _detail(request, rescans.start(reason=wanted.reason, by=request.auth)))


@router.get(
    "/rescans/{rescan_id}",
    response={200: RescanDetail, **READING},
    auth=Token(),
    summary="One rescan: how far it is, and how many verdicts it would change",
)
def one(request: ApiRequest, rescan_id: str) -> dict[str, Any]:
    return _detail(request, rescans.find(rescan_id, by=request.auth))


@router.get(
    "/rescans/{rescan_id}/changes",
    response={200: ChangePage, **READING, 422: Refusal},
    auth=Token(),
    summary="The revisions that a rescan judges otherwise, those that it would block first",
)
def changes(request: ApiRequest, rescan_id: str, paging: Query[Paging]) -> dict[str, Any]:
    rescan = rescans.find(rescan_id, by=request.auth)
    found = {change.run: change for change in rescans.changes(rescan)}
    return page_of(
        request,
        list(found),
        paging,
        shape=lambda runs: [_change(request, rescan, found[run]) for run in runs],
    )


@router.post(
    "/rescans/{rescan_id}/adopt",
    response={200: RescanDetail, **CHANGING},
    auth=Token(),
    summary="Let the verdicts of a rescan count",
)
def adopt(request: ApiRequest, rescan_id: str) -> dict[str, Any]:
    """Once all of its runs have ended. What is released stays released."""
    rescans.adopt(rescans.find(rescan_id, by=request.auth), by=request.auth)
    return _detail(request, rescans.find(rescan_id, by=request.auth))


@router.post(
    "/rescans/{rescan_id}/give-up",
    response={200: RescanDetail, **CHANGING},
    auth=Token(),
    summary="Give a rescan up: its verdicts never count",
)
def give_up(request: ApiRequest, rescan_id: str) -> dict[str, Any]:
    rescans.give_up(rescans.find(rescan_id, by=request.auth), by=request.auth)
    return _detail(request, rescans.find(rescan_id, by=request.auth))


def _shape(request: ApiRequest, rescan: Rescan) -> dict[str, Any]:
    progress = rescans.progress(rescan)
    return {
        "id": rescan.public_id,
        "catalogue": rescan.catalogue,
        "reason": rescan.reason,
        "state": _state(rescan, progress.live),
        "started_by": rescan.started_by.username if rescan.started_by else "",
        "started_at": rescan.started_at,
        "adopted_by": rescan.adopted_by.username if rescan.adopted_by else "",
        "adopted_at": rescan.adopted_at,
        "given_up_at": rescan.given_up_at,
        "runs": progress.runs,
        "ended": progress.done,
        "failed": progress.failed,
        "url": request.build_absolute_uri(f"/review/rescans/{rescan.public_id}"),
    }


def _state(rescan: Rescan, live: int) -> str:
    if rescan.adopted_at:
        return "adopted"
    if rescan.given_up_at:
        return "given_up"
    return "running" if live else "ready"


def _detail(request: ApiRequest, rescan: Rescan) -> dict[str, Any]:
    found = rescans.changes(rescan)
    would_block = sum(one.would_block for one in found)
    return _shape(request, rescan) | {"changed": len(found), "would_block": would_block}


def _change(request: ApiRequest, rescan: Rescan, found: Change) -> dict[str, Any]:
    run = found.run
    place = f"/review/rescans/{rescan.public_id}/runs/{run.public_id}"
    return {
        "repository": run.revision.repository.full_name,
        "revision": run.revision.oid,
        "run": run.public_id,
        "before": found.before,
        "after": found.after,
        "would_block": found.would_block,
        "appeared": found.appeared,
        "gone": found.gone,
        "report": request.build_absolute_uri(place),
    }
