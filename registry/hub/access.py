"""Access requests: asking for a gated repository, and its publisher's list of who may have it."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from pydantic import BaseModel, Field, RootModel

from registry.agreements import locks, requests
from registry.agreements.models import AccessRequest, RequestState
from registry.catalog import revisions
from registry.catalog.models import Gated, Repository
from registry.errors import Invalid, SignInRequired
from registry.hub import lookup, paging, wire
from registry.hub.wire import WireRequest
from registry.releases import access, gate

STRICTER = "Its terms have to be accepted whatever the publisher sets, so it stays gated."
LISTS = (RequestState.PENDING, RequestState.ACCEPTED, RequestState.REJECTED)


class Handling(BaseModel):
    status: str
    user: str | None = None
    requestId: str | None = None  # noqa: N815 - the name on the wire
    rejectionReason: str | None = Field(None, max_length=100_000)  # noqa: N815 - the name on the wire


class Granting(BaseModel):
    user: str


class Asking(RootModel[dict[str, Any]]):
    """The answers by label, with the hash of the terms that were shown among them."""


@wire.endpoint("GET")
def listed(request: WireRequest, kind: str, repo_id: str, state: str) -> HttpResponse:
    """GET /api/{type}s/{id}/user-access-request/{state}: who waits, is let in, was rejected"""
    found = _reviewed(request, repo_id, kind)
    if state not in LISTS:
        raise Invalid(f"The list must be one of [{', '.join(LISTS)}].")
    return paging.by_key(request, requests.listed(found, state), _described, newest_first=True)


@wire.endpoint("POST")
def handle(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/user-access-request/handle: let in, reject, or put back a request"""
    found = _reviewed(request, repo_id, kind)
    wanted = wire.body(request, Handling)
    requests.handle(
        found,
        status=wanted.status,
        user=wanted.user or "",
        request_id=wanted.requestId or "",
        reason=wanted.rejectionReason or "",
        by=request.caller,
    )
    return wire.json_answer({})


@wire.endpoint("POST")
def grant(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/user-access-request/grant: let somebody in who did not ask"""
    found = _reviewed(request, repo_id, kind)
    requests.grant(found, user=wire.body(request, Granting).user, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("POST")
def cancel(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/user-access-request/cancel: the caller takes back their own request"""
    found = lookup.repository(request, repo_id, kind)
    requests.withdraw(found, by=request.caller)
    return wire.json_answer({"ok": True})


@wire.endpoint("POST")
def ask(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """POST /{id}/ask-access: ask to be let in, with the answers to the card's questions"""
    found = lookup.repository(request, repo_id, kind)
    if not request.caller.is_signed_in:
        raise SignInRequired("Send a token to ask for access.")
    answers = _answers(request)
    access.ask(
        found,
        by=request.caller,
        answers=answers,
        terms_hash=str(answers.get("terms_hash") or ""),
        typed_name=str(answers.get("typed_name") or ""),
    )
    return HttpResponseRedirect(found.get_absolute_url(), status=303)


@wire.endpoint("GET")
def report(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """GET /{id}/user-access-report: every request in one file"""
    found = _reviewed(request, repo_id, kind)
    response = wire.json_answer(requests.report(found))
    response["Content-Disposition"] = f"attachment; filename={requests.report_name(found)}"
    return response


def set_gated(request: WireRequest, repository: Repository, mode: Gated) -> str | bool:
    """Set the publisher's lock. Gives the `gated` that is in force then for what `main` means,
    which the terms may make stricter."""
    locks.set_mode(repository, mode, by=request.caller)
    revision = revisions.default_for(repository, caller=request.caller)
    asks = revision is not None and gate.which_ask([revision])[revision.pk]
    return gate.gated(repository, asks=asks)


def _reviewed(request: WireRequest, repo_id: str, kind: str) -> Repository:
    found = lookup.repository(request, repo_id, kind)
    requests.require_review(found, request.caller)
    return found


def _answers(request: WireRequest) -> dict[str, Any]:
    if request.content_type == "application/json":
        return wire.body(request, Asking).root
    return {key: value for key, value in wire.form(request).dict().items() if value}


def _described(one: AccessRequest) -> dict[str, Any]:
    person = one.user
    user: dict[str, Any] = {
        "_id": person.public_id,
        "user": person.username,
        "fullname": person.full_name or person.username,
        "type": "user",
        "avatarUrl": "",
    }
    if not one.granted_without_asking:
        user["email"] = person.email
    item: dict[str, Any] = {
        "requestId": one.public_id,
        "status": requests.status_of(one),
        "timestamp": wire.time(one.asked_at),
        "user": user,
    }
    if one.reviewed_at is not None:
        item["reviewedAt"] = wire.time(one.reviewed_at)
    if one.decided_by is not None and one.state == RequestState.ACCEPTED:
        by = one.decided_by
        item["grantedBy"] = {"user": by.username, "fullname": by.full_name or by.username}
    if one.reason:
        item["rejectionReason"] = one.reason
    if answers := requests.answers_of(one):
        item["fields"] = answers
    return item
