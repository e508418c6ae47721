"""How a review is worked on: claims, remarks, the checklist, and the policy of a namespace."""

from typing import Any, Literal

from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, User
from registry.api.addresses import release_of
from registry.api.answers import CHANGING, READING
from registry.api.authentication import ApiRequest, Token
from registry.api.shapes import ChecklistShape, ClaimShape, PublicId, Text, Wanted
from registry.errors import Invalid, Missing
from registry.releases import checklists, claims, interests, policies, remarks, steps
from registry.releases.models import Policy, Release, Remark
from registry.releases.remarks import Where

router = Router(tags=["releases"])


class ClaimBody(Wanted):
    reviewer: Text = Field("", description="another maintainer; yourself where it is empty")


class TickBody(Wanted):
    digest: Text = Field(description="the digest of the release that you looked at")
    items: list[Text] = Field(description="the ids of what you looked at")


class RemarkBody(Wanted):
    text: Text
    place: Literal["line", "file", "finding", "release"] = "release"
    path: Text = ""
    line: int | None = None
    side: Literal["", "before", "after"] = ""
    check: Text = ""
    digest: Text = Field("", description="the digest of the release that you looked at")


class AnswerBody(Wanted):
    text: Text


class RemarkShape(Schema):
    id: PublicId
    by: str
    text: str = Field(description="empty where the comment is hidden")
    place: str
    path: str
    line: int | None
    side: str
    check: str
    revision: str = Field(description="the commit that was looked at")
    answers: str = Field(description="the id of the remark that this one answers, or empty")
    resolved: bool


class PolicyBody(Wanted):
    approvals: int
    reviews_apart: bool = Field(description="whether reviewers look for themselves first")
    bars: list[Text] = Field(description="conflicts of interest that keep from deciding")


class PolicyShape(Schema):
    approvals: int
    reviews_apart: bool
    bars: list[str]


@router.post(
    "/releases/{release_id}/claim",
    response={200: list[ClaimShape], **CHANGING},
    auth=Token(),
    summary="Take a review, or give it to another maintainer",
)
def claim(request: ApiRequest, release_id: str, wanted: ClaimBody) -> list[ClaimShape]:
    release = release_of(release_id, caller=request.auth)
    claims.take(release, by=request.auth, reviewer=_reviewer(wanted.reviewer, request.auth))
    return claims_of(release, request.auth)


@router.post(
    "/releases/{release_id}/unclaim",
    response={200: list[ClaimShape], **CHANGING},
    auth=Token(),
    summary="Give a review up, or take it from another maintainer",
)
def unclaim(request: ApiRequest, release_id: str, wanted: ClaimBody) -> list[ClaimShape]:
    release = release_of(release_id, caller=request.auth)
    claims.give_up(release, by=request.auth, reviewer=_reviewer(wanted.reviewer, request.auth))
    return claims_of(release, request.auth)


@router.post(
    "/releases/{release_id}/ticks",
    response={200: list[ChecklistShape], **CHANGING},
    auth=Token(),
    summary="Tick off items of the checklist, of exactly this digest",
)
def tick(request: ApiRequest, release_id: str, wanted: TickBody) -> list[ChecklistShape]:
    release = release_of(release_id, caller=request.auth)
    checklists.tick_off(release, wanted.items, by=request.auth, digest=wanted.digest)
    return checklist(release, request.auth)


@router.get(
    "/releases/{release_id}/remarks",
    response={200: list[RemarkShape], **READING},
    auth=Token(),
    summary="What was remarked, oldest first, each thread together",
)
def remarks_of(request: ApiRequest, release_id: str) -> list[RemarkShape]:
    """For those who see the quarantine of the repository; to others the list is empty."""
    release = release_of(release_id, caller=request.auth)
    found = remarks.of_release(release, caller=request.auth)
    return [_remark(one) for thread in found for one in (thread.first, *thread.answers)]


@router.post(
    "/releases/{release_id}/remarks",
    response={201: RemarkShape, **CHANGING},
    auth=Token(),
    summary="Say something about a line, a file, a finding or all of it",
)
def remark(request: ApiRequest, release_id: str, wanted: RemarkBody) -> Any:
    release = release_of(release_id, caller=request.auth)
    where = Where(wanted.place, wanted.path, wanted.line, wanted.side, wanted.check)
    made = remarks.make(release, wanted.text, where=where, by=request.auth, digest=wanted.digest)
    return Status(201, _remark(made))


@router.post(
    "/remarks/{remark_id}/answers",
    response={201: RemarkShape, **CHANGING},
    auth=Token(),
    summary="Answer a remark",
)
def answer(request: ApiRequest, remark_id: str, wanted: AnswerBody) -> Any:
    made = remarks.answer(_found(remark_id, request.auth), wanted.text, by=request.auth)
    return Status(201, _remark(made))


@router.post(
    "/remarks/{remark_id}/{act}",
    response={200: RemarkShape, **CHANGING},
    auth=Token(),
    summary="Say that a remark is dealt with, or that it is not",
)
def settle(request: ApiRequest, remark_id: str, act: Literal["resolve", "reopen"]) -> RemarkShape:
    settled = remarks.resolve if act == "resolve" else remarks.reopen
    settled(_found(remark_id, request.auth), by=request.auth)
    return _remark(_found(remark_id, request.auth))


@router.get(
    "/namespaces/{namespace}/review-policy",
    response={200: PolicyShape, **READING},
    auth=Token(),
    summary="What a namespace asks of the reviews of its releases",
)
def policy(request: ApiRequest, namespace: str) -> PolicyShape:
    """For admins of the namespace and site maintainers."""
    return _policy(policies.of(_namespace(namespace, request.auth).pk))


@router.put(
    "/namespaces/{namespace}/review-policy",
    response={200: PolicyShape, **CHANGING},
    auth=Token(),
    summary="Say what a namespace asks of the reviews of its releases",
)
def set_policy(request: ApiRequest, namespace: str, wanted: PolicyBody) -> PolicyShape:
    """Needs a token of scope admin of an admin of the namespace."""
    changed = policies.change(
        _namespace(namespace, request.auth),
        approvals=wanted.approvals,
        reviews_apart=wanted.reviews_apart,
        bars=wanted.bars,
        by=request.auth,
    )
    return _policy(changed)


def checklist(release: Release, caller: Caller) -> list[ChecklistShape]:
    if caller.user is None or not steps.reviews(caller):
        return []
    done = set(checklists.ticked(release, caller.user).values_list("item", flat=True))
    return [
        ChecklistShape(
            id=one.public_id, text=one.text, of_site=one.namespace_id is None, ticked=one.pk in done
        )
        for one in checklists.asked_of(release)
    ]


def interests_of(release: Release, caller: Caller) -> list[str]:
    if caller.user is None or not steps.reviews(caller):
        return []
    return [one.value for one in interests.of(release, caller.user)]


def claims_of(release: Release, caller: Caller) -> list[ClaimShape]:
    if not steps.reviews(caller):
        return []
    standing = claims.living(timezone.now()).filter(release=release)
    return [
        ClaimShape(
            reviewer=one.reviewer.username,
            given_by=one.given_by.username,
            at=one.at,
            expires_at=one.expires_at,
        )
        for one in standing.select_related("reviewer", "given_by")
    ]


def _reviewer(name: str, caller: Caller) -> User | None:
    if not name or not steps.reviews(caller):
        return None
    found = claims.reviewers().filter(username__iexact=name).first()
    if found is None:
        raise Invalid("`reviewer` is no maintainer of the site.")
    return found


def _found(remark_id: str, caller: Caller) -> Remark:
    found = remarks.find(remark_id, caller=caller)
    if found is None:
        raise Missing("There is no such remark.")
    return found


def _remark(one: Remark) -> RemarkShape:
    last = one.event.texts.order_by("pk").last()
    return RemarkShape(
        id=one.event.public_id,
        by=one.event.author.username,
        text=last.raw if last and one.event.hidden_at is None else "",
        place=one.place,
        path=one.path,
        line=one.line,
        side=one.side,
        check=one.check_id,
        revision=one.revision.oid,
        answers=one.answers.event.public_id if one.answers else "",
        resolved=one.resolved_at is not None,
    )


def _namespace(name: str, caller: Caller) -> Namespace:
    found = Namespace.objects.filter(name__iexact=name).first()
    if found is None or not policies.may_read(found, caller):
        raise Missing("There is no such namespace, or you do not review for it.")
    return found


def _policy(policy: Policy) -> PolicyShape:
    return PolicyShape(
        approvals=policy.approvals, reviews_apart=policy.reviews_apart, bars=policy.bars
    )
