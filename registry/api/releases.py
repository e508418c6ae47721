"""Submitting revisions for release, the review queue, and the steps of a release."""

from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import Field

from registry.accounts.callers import Caller
from registry.api import reviewing
from registry.api.addresses import release_of, repository_of
from registry.api.answers import ANYBODY, CHANGING, READING, Refusal
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, Token, caller_of
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import (
    DecisionShape,
    ReleaseDetail,
    ReleaseShape,
    Text,
    Wanted,
)
from registry.catalog import revisions
from registry.errors import Invalid, NotAllowed
from registry.releases import apart, steps, workflow
from registry.releases.grounds import Grounds
from registry.releases.models import OPEN, DecisionKind, Release
from registry.releases.models import Status as ReleaseStatus

router = Router(tags=["releases"])
Step = Literal[
    "approve", "request-changes", "reject", "withdraw", "submit", "suspend", "restore", "recall"
]


class Submission(Wanted):
    revision: Text = Field(description="the head of the branch: a commit id")
    version: Text = Field(description="version label, such as v1.0; becomes a tag")
    notes: Text = Field("", max_length=10_000)
    branch: Text = "main"


class StepBody(Wanted):
    reason: Text = ""
    digest: Text = Field(
        "", description="the digest of the release that you looked at; to approve it is required"
    )
    acknowledged: list[Text] = Field(
        [], description="to approve: each check whose warning you tick off"
    )
    conflicts: list[Text] = Field(
        [], description="to decide: each conflict of interest of yours, `interests` of the release"
    )
    ticked: list[Text] = Field(
        [], description="to approve: the ids of items of the checklist that you looked at"
    )


class ReleasePage(Page):
    items: list[ReleaseShape]


@router.post(
    "/models/{namespace}/{name}/releases",
    response={201: ReleaseDetail, **CHANGING},
    auth=Token(),
    summary="Submit a revision for release",
)
def submit(request: ApiRequest, namespace: str, name: str, wanted: Submission) -> Any:
    """Needs a token of scope write of somebody who may write the repository."""
    repository = repository_of(namespace, name, caller=request.auth)
    revision = revisions.find(repository, wanted.revision, caller=request.auth)
    release = workflow.open_release(
        revision,
        version=wanted.version,
        notes=wanted.notes,
        branch=wanted.branch,
        by=request.auth,
    )
    return Status(201, _detail(request, release.public_id))


@router.get(
    "/models/{namespace}/{name}/releases",
    response={200: ReleasePage, **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="The releases of a repository, newest first",
)
def of_repository(
    request: ApiRequest, namespace: str, name: str, paging: Query[Paging]
) -> dict[str, Any]:
    """Those that were released; those before release only for who sees its quarantine."""
    repository = repository_of(namespace, name, caller=request.auth)
    seen = Release.objects.visible_to(request.auth).filter(repository=repository)
    return _page(request, seen.order_by("-pk"), paging)


@router.get(
    "/releases/{release_id}",
    response={200: ReleaseDetail, **READING},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="One release, with decisions and the steps that the caller may take",
)
def one(request: ApiRequest, release_id: str) -> dict[str, Any]:
    return _detail(request, release_id)


@router.get(
    "/reviews",
    response={200: ReleasePage, 401: Refusal, 403: Refusal, 422: Refusal},
    auth=Token(),
    summary="The review queue, most urgent first",
)
def queue(request: ApiRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Releases in review. For site maintainers and stewards."""
    if not request.auth.is_maintainer:
        raise NotAllowed("Only site maintainers have a review queue.")
    waiting = Release.objects.visible_to(request.auth).filter(status=ReleaseStatus.IN_REVIEW)
    return _page(request, waiting.order_by("due_at", "pk"), paging)


@router.post(
    "/releases/{release_id}/{step}",
    response={200: ReleaseDetail, **CHANGING},
    auth=Token(),
    summary="Take a step: submit, withdraw, approve, request changes, reject, suspend, …",
)
def take_step(request: ApiRequest, release_id: str, step: Step, wanted: StepBody) -> dict[str, Any]:
    """To submit and withdraw, a token of scope write of somebody who may write the repository;
    everything else is for site maintainers with a token of scope admin. Nobody decides on their
    own work."""
    release = release_of(release_id, caller=request.auth)
    if step == "approve" and not wanted.digest:
        raise Invalid("Send the `digest` of the release that you looked at.")
    workflow.transition(
        step.replace("-", "_"),
        release,
        by=request.auth,
        reason=wanted.reason,
        digest=wanted.digest or None,
        acknowledged=wanted.acknowledged,
        conflicts=wanted.conflicts,
        ticked=wanted.ticked,
    )
    return _detail(request, release_id)


def _page(request: ApiRequest, releases: QuerySet[Release], paging: Paging) -> dict[str, Any]:
    wanted = releases.select_related("repository__namespace", "revision", "opened_by")
    return page_of(
        request, wanted, paging, shape=lambda items: [_shape(request, one) for one in items]
    )


def _detail(request: ApiRequest, release_id: str) -> dict[str, Any]:
    release = release_of(release_id, caller=request.auth)
    decisions = [
        DecisionShape(
            kind=decision.kind,
            by=decision.by.username,
            reason=decision.reason,
            digest=decision.digest,
            acknowledged=decision.acknowledged,
            conflicts=decision.conflicts,
            at=decision.at,
            counts=decision.kind != DecisionKind.APPROVE or decision.digest == release.digest,
        )
        for decision in apart.decisions(release, request.auth)
    ]
    grounds = Grounds(release.revision)
    return _shape(request, release) | {
        "approvals": apart.approvals(release, request.auth),
        "approvals_needed": steps.approvals_needed(release),
        "decisions": decisions,
        "holds": steps.holds(release, grounds) if release.status in OPEN else [],
        "warnings": steps.warned_checks(release.revision, grounds),
        "steps": _steps(release, request.auth, grounds),
        "checklist": reviewing.checklist(release, request.auth),
        "interests": reviewing.interests_of(release, request.auth),
        "claims": reviewing.claims_of(release, request.auth),
    }


def _steps(release: Release, caller: Caller, grounds: Grounds) -> list[str]:
    return [
        name.replace("_", "-")
        for name in steps.TRANSITIONS
        if steps.refusal(name, release, caller, grounds=grounds) is None
    ]


def _shape(request: HttpRequest, release: Release) -> dict[str, Any]:
    shape = ReleaseShape(
        id=release.public_id,
        repository=release.repository.full_name,
        repository_id=release.repository.public_id,
        revision=release.revision.oid,
        branch=release.branch.removeprefix("refs/heads/"),
        version=release.version,
        status=release.status,
        notes=release.notes,
        digest=release.digest,
        manifest_digest=release.manifest_digest,
        terms_hash=release.terms_hash,
        opened_by=release.opened_by.username,
        opened_at=release.opened_at,
        due_at=release.due_at,
        released_at=release.released_at,
        reason=release.status_reason,
        url=request.build_absolute_uri(release.get_absolute_url()),
    )
    return shape.model_dump()
