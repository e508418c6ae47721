"""Making, moving, copying, deleting and setting repositories, and judging a card before it is sent."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from pydantic import BaseModel

from registry.agreements import documents, locks
from registry.catalog import cards, lineage, repositories
from registry.catalog.models import Repository, RepositoryType, Visibility
from registry.errors import Invalid, Moved, RepositoryMissing, SignInRequired
from registry.hub import access, lookup, refusals, wire
from registry.hub.wire import WireRequest
from registry.releases import copies


class Named(BaseModel):
    """A repository as bodies name it."""

    name: str
    organization: str | None = None
    type: str | None = None


class Creation(Named):
    visibility: str | None = None
    private: bool | None = None


class Move(BaseModel):
    fromRepo: str  # noqa: N815 - the name on the wire
    toRepo: str  # noqa: N815 - the name on the wire
    type: str | None = None


class Copy(BaseModel):
    repository: str
    visibility: str | None = None
    private: bool | None = None


class Settings(BaseModel):
    visibility: str | None = None
    private: bool | None = None
    gated: Any = None


class CardText(BaseModel):
    content: str
    repoType: str | None = None  # noqa: N815 - the name on the wire


@wire.endpoint("POST")
def create(request: WireRequest) -> HttpResponse:
    """POST /api/repos/create: a new repository"""
    wanted = wire.body(request, Creation)
    made = repositories.create(
        namespace=wanted.organization,
        name=wanted.name,
        by=request.caller,
        visibility=_visibility(wanted.visibility, wanted.private) or Visibility.PUBLIC,
        type=wanted.type or RepositoryType.MODEL,
    )
    url = request.build_absolute_uri(made.get_absolute_url())
    return wire.json_answer({"url": url, "name": made.full_name, "id": made.public_id})


@wire.endpoint("POST")
def move(request: WireRequest) -> HttpResponse:
    """POST /api/repos/move: another name, or another namespace"""
    wanted = wire.body(request, Move)
    _require_somebody(request)
    found = _named(request, wanted.fromRepo, wanted.type)
    if wanted.toRepo.count("/") != 1:
        raise Invalid("toRepo: write namespace/name.")
    repositories.move(found, to=wanted.toRepo, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("DELETE")
def delete(request: WireRequest) -> HttpResponse:
    """DELETE /api/repos/delete: hide a repository for good"""
    wanted = wire.body(request, Named)
    user = _require_somebody(request)
    found = _named(request, f"{wanted.organization or user}/{wanted.name}", wanted.type)
    repositories.delete(found, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("POST")
def duplicate(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/duplicate: the files to a repository of the caller's, in quarantine"""
    wanted = wire.body(request, Copy)
    _require_somebody(request)
    made = copies.duplicate(
        lookup.repository(request, repo_id, kind),
        to=wanted.repository,
        visibility=_visibility(wanted.visibility, wanted.private),
        by=request.caller,
    )
    url = request.build_absolute_uri(made.get_absolute_url())
    return wire.json_answer({"url": url, "filesCopyPending": False})


@wire.endpoint("PUT")
def settings(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """PUT /api/{type}s/{id}/settings: who may know of a repository, and have its files"""
    wanted = wire.body(request, Settings)
    found = lookup.repository(request, repo_id, kind)
    visibility = _visibility(wanted.visibility, wanted.private)
    if visibility is None and wanted.gated is None:
        raise Invalid("Send visibility (public or private) or gated: there is nothing to set.")
    mode = None if wanted.gated is None else locks.mode_named(wanted.gated)
    _require_somebody(request)
    answer: dict[str, Any] = {}
    if mode is not None:
        answer["gated"] = access.set_gated(request, found, mode)
    if visibility is not None:
        repositories.set_visibility(found, visibility, by=request.caller)
        answer |= {"visibility": visibility, "private": visibility == Visibility.PRIVATE}
    response = wire.json_answer(answer)
    if mode is not None and answer["gated"] != (mode or False):
        wire.warn(response, "gated", access.STRICTER)
    return response


@wire.endpoint("POST")
def validate_yaml(request: WireRequest) -> HttpResponseBase:
    """POST /api/validate-yaml: what a commit would say of this README.md"""
    text = wire.body(request, CardText).content
    try:
        card = cards.parse(text)
        problems = cards.problems(card, known_licenses=documents.known_tags())
        warnings = cards.warnings(card) + lineage.warnings(card, caller=request.caller)
    except Invalid as refusal:
        problems, warnings = [str(refusal)], []
    status = 400 if problems else 200
    if "text/plain" in request.headers.get("Accept", ""):
        lines = [f"- Error: {text}" for text in problems]
        lines += [f"- Warning: {text}" for text in warnings]
        return HttpResponse(
            "\n".join(lines), content_type="text/plain; charset=utf-8", status=status
        )
    answer = wire.json_answer(
        {
            "errors": [{"message": text} for text in problems],
            "warnings": [{"message": text} for text in warnings],
        },
        status=status,
    )
    if problems:
        answer["X-Error-Message"] = refusals.header_text("; ".join(problems))
    return answer


def _require_somebody(request: WireRequest) -> str:
    """The name of who asks; anonymous callers are refused before anything is looked up."""
    if request.caller.user is None:
        raise SignInRequired("Send a token.")
    return request.caller.user.username


def _named(request: WireRequest, full_name: str, kind: str | None) -> Repository:
    """A repository that a body names. By a former name nothing is moved or deleted: who writes it
    may mean what had it then."""
    repositories.check_type(kind or RepositoryType.MODEL)
    try:
        return lookup.repository(request, full_name, kind or RepositoryType.MODEL)
    except Moved as moved:
        raise RepositoryMissing(str(moved)) from moved


def _visibility(visibility: str | None, private: bool | None) -> str | None:
    if visibility is not None:
        if visibility not in Visibility.values:
            raise Invalid(f"{visibility!r} is not a visibility; choose public or private.")
        return visibility
    if private is None:
        return None
    return Visibility.PRIVATE if private else Visibility.PUBLIC
