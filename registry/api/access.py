"""Asking for access and deciding about it: what is asked, the request, and the publisher's list."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from registry.agreements import groups, requests
from registry.agreements.models import AccessRequest, RequestState
from registry.agreements.scopes import EVERYTHING
from registry.api.addresses import repository_of
from registry.api.answers import ANYBODY, CHANGING
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, Token, caller_of
from registry.api.grants import GrantShape, ScopeBody, grant_shapes, wanted_scope
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId, Text, Wanted
from registry.catalog.models import Repository
from registry.errors import Missing
from registry.releases import access, in_force, offers

router = Router(tags=["access requests"])
Which = Literal["", "pending", "accepted", "rejected", "over"]
Step = Literal["accept", "reject", "reopen", "ask-back"]
STATES = {
    "accept": RequestState.ACCEPTED,
    "reject": RequestState.REJECTED,
    "reopen": RequestState.PENDING,
}


class QuestionShape(Schema):
    label: str
    kind: str
    options: list[list[str]] = Field(description="pairs of value and label, to choose between")


class MessageShape(Schema):
    by: str = Field(description="publisher or person")
    text: str
    at: datetime


class RequestShape(Schema):
    """A request for access, as the person who made it sees it."""

    id: PublicId
    state: str = Field(
        description="pending, returned (it waits for an answer of the person), accepted, rejected, "
        "withdrawn, lapsed or ended"
    )
    group: str = Field(description="the group of repositories that it is for, or empty")
    purpose: str
    wanted_until: datetime | None
    asked_at: datetime
    lapses_at: datetime | None = Field(description="when it lapses if nobody decides")
    reviewed_at: datetime | None
    reason: str
    asks_again_from: datetime | None = Field(description="when a rejected person may ask again")
    messages: list[MessageShape]


class AskedShape(Schema):
    """What a publisher asks of whoever wants access, and how the caller stands."""

    repository: str
    gated: str = Field(description="auto, manual, or empty: nobody has to be asked")
    group: str = Field(description="the group that a request is for, or empty")
    heading: str
    description: str
    prompt: str
    questions: list[QuestionShape]
    terms_hash: str = Field(description="the hash of the terms in force, or empty")
    terms_open: bool = Field(description="whether no terms are left to accept")
    request: RequestShape | None
    grants: list[GrantShape]


class AskBody(Wanted):
    answers: dict[Text, Text | bool] = Field({}, description="by label; all have to be answered")
    purpose: Text = Field("", max_length=500)
    wanted_until: datetime | None = None
    terms_hash: Text = Field("", description="with the hash of the terms shown, accepts them too")
    typed_name: Text = Field("", max_length=200)
    country: Text = Field("", max_length=2, description="where the terms ask for it: two letters")


class MessageBody(Wanted):
    text: Text = Field(max_length=2000)


class DecisionBody(Wanted):
    reason: Text = Field("", max_length=200, description="to reject: what the person is told")
    question: Text = Field("", max_length=2000, description="to ask back: what is asked")
    scope: ScopeBody | None = Field(None, description="to accept: what is granted")


class ReviewedShape(RequestShape):
    """A request as those who decide see it."""

    user: str
    full_name: str
    email: str
    granted_without_asking: bool
    decided_by: str
    answers: dict[str, str]


class RequestPage(Page):
    items: list[ReviewedShape]


class RequestPaging(Paging):
    state: Which = ""


@router.get(
    "/models/{namespace}/{name}/access-request",
    response={200: AskedShape, **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="What the publisher asks, and the caller's own request and grants",
)
def read(request: ApiRequest, namespace: str, name: str) -> dict[str, Any]:
    """Asking changes nothing."""
    return _asked(request, repository_of(namespace, name, caller=request.auth))


@router.post(
    "/models/{namespace}/{name}/access-request",
    response={201: AskedShape, **CHANGING},
    auth=Token(),
    summary="Ask for access, and accept the terms in the same call",
)
def ask(request: ApiRequest, namespace: str, name: str, wanted: AskBody) -> Any:
    """Needs a person's token of scope write. A request that lives already stays as it is. With a
    `terms_hash` that is not the one in force, nothing is recorded."""
    repository = repository_of(namespace, name, caller=request.auth)
    access.ask(
        repository,
        by=request.auth,
        answers=wanted.answers,
        terms_hash=wanted.terms_hash,
        typed_name=wanted.typed_name,
        purpose=wanted.purpose,
        wanted_until=wanted.wanted_until,
        country=wanted.country,
    )
    return Status(201, _asked(request, repository))


@router.post(
    "/models/{namespace}/{name}/access-request/withdraw",
    response={200: AskedShape, **CHANGING},
    auth=Token(),
    summary="Take back a request that waits",
)
def withdraw(request: ApiRequest, namespace: str, name: str) -> dict[str, Any]:
    repository = repository_of(namespace, name, caller=request.auth)
    requests.withdraw(repository, by=request.auth)
    return _asked(request, repository)


@router.post(
    "/models/{namespace}/{name}/access-request/answer",
    response={200: AskedShape, **CHANGING},
    auth=Token(),
    summary="Answer what the publisher asked back",
)
def answer(request: ApiRequest, namespace: str, name: str, wanted: MessageBody) -> dict[str, Any]:
    repository = repository_of(namespace, name, caller=request.auth)
    requests.answer(repository, text=wanted.text, by=request.auth)
    return _asked(request, repository)


@router.get(
    "/models/{namespace}/{name}/access-requests",
    response={200: RequestPage, **CHANGING},
    auth=Token(),
    summary="The requests for a repository and its group, newest first",
)
def listed(
    request: ApiRequest, namespace: str, name: str, paging: Query[RequestPaging]
) -> dict[str, Any]:
    """For who writes the repository, with a token of scope write. Without a state: all but those
    that were taken back or are over."""
    repository = _reviewed(request, namespace, name)
    found = requests.listed(repository, paging.state).prefetch_related("messages")
    return page_of(request, found, paging, shape=lambda rows: [_for_reviewers(one) for one in rows])


@router.post(
    "/models/{namespace}/{name}/access-requests/{request_id}/{step}",
    response={200: ReviewedShape, **CHANGING},
    auth=Token(),
    summary="Accept with a scope, reject, reopen, or ask something back",
)
def decide(
    request: ApiRequest,
    namespace: str,
    name: str,
    request_id: str,
    step: Step,
    wanted: DecisionBody,
) -> dict[str, Any]:
    """For who writes the repository (all of the group's, where the request is for one), with a
    token of scope write. Rejecting who was accepted revokes every grant of the request."""
    repository = _reviewed(request, namespace, name)
    if step == "ask-back":
        requests.ask_back(
            repository, request_id=request_id, question=wanted.question, by=request.auth
        )
    else:
        scope = wanted_scope(repository, wanted.scope) if wanted.scope else EVERYTHING
        requests.handle(
            repository,
            status=STATES[step],
            request_id=request_id,
            reason=wanted.reason,
            scope=scope,
            by=request.auth,
        )
    found = requests.listed(repository).filter(public_id=request_id).first()
    if found is None:
        raise Missing(requests.NO_REQUEST)
    return _for_reviewers(found)


def _reviewed(request: ApiRequest, namespace: str, name: str) -> Repository:
    repository = repository_of(namespace, name, caller=request.auth)
    requests.require_review(repository, request.auth)
    return repository


def _asked(request: ApiRequest, repository: Repository) -> dict[str, Any]:
    caller = request.auth
    prompt = access.prompt_of(repository, caller)
    release = offers.current(repository)
    own = requests.newest(repository, caller.user) if caller.user else None
    group = groups.of(repository) if repository.gated else None
    return {
        "repository": repository.full_name,
        "gated": str(repository.gated),
        "group": group.name if group else "",
        "heading": prompt.heading,
        "description": prompt.description,
        "prompt": prompt.text,
        "questions": [
            {"label": one.label, "kind": one.kind, "options": [list(o) for o in one.options]}
            for one in prompt.asked
        ],
        "terms_hash": in_force.of(release).hash if release else "",
        "terms_open": access.terms_to_accept(repository, caller) is None,
        "request": _request(own) if own else None,
        "grants": _own_grants(request, repository),
    }


def _own_grants(request: HttpRequest, repository: Repository) -> list[dict[str, Any]]:
    caller = request.auth  # type: ignore[attr-defined]
    if caller.user is None:
        return []
    return grant_shapes(list(access.grants_of(repository, caller.user)[:100]), repository)


def _request(one: AccessRequest) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "state": str(one.state),
        "group": one.group.name if one.group else "",
        "purpose": one.purpose,
        "wanted_until": one.wanted_until,
        "asked_at": one.asked_at,
        "lapses_at": one.lapses_at if one.state in requests.WAITING else None,
        "reviewed_at": one.reviewed_at,
        "reason": one.reason,
        "asks_again_from": requests.asks_again_from(one),
        "messages": [
            {
                "by": "person" if message.by_id == one.user_id else "publisher",
                "text": message.text,
                "at": message.at,
            }
            for message in one.messages.all()
        ],
    }


def _for_reviewers(one: AccessRequest) -> dict[str, Any]:
    return _request(one) | {
        "user": one.user.username,
        "full_name": one.user.full_name,
        "email": "" if one.granted_without_asking else one.user.email,
        "granted_without_asking": one.granted_without_asking,
        "decided_by": one.decided_by.username if one.decided_by else "",
        "answers": requests.answers_of(one),
    }
