"""Making, deleting and setting repositories, and judging a card before it is sent."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from pydantic import BaseModel

from registry.agreements import documents
from registry.catalog import cards, repositories
from registry.catalog.models import RepositoryType, Visibility
from registry.errors import Invalid, SignInRequired
from registry.hub import lookup, refusals, wire
from registry.hub.wire import WireRequest


class Named(BaseModel):
    """A repository as bodies name it."""

    name: str
    organization: str | None = None
    type: str | None = None


class Creation(Named):
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
    """POST /api/repos/create"""
    wanted = wire.body(request, Creation)
    kind = wanted.type or RepositoryType.MODEL
    if kind not in RepositoryType.values:
        raise Invalid(
            f"This registry holds models; repositories of type {kind!r} are switched off."
        )
    made = repositories.create(
        namespace=wanted.organization,
        name=wanted.name,
        by=request.caller,
        visibility=_visibility(wanted.visibility, wanted.private) or Visibility.PUBLIC,
    )
    url = request.build_absolute_uri(f"/{made.full_name}")
    return wire.json_answer({"url": url, "name": made.full_name, "id": made.public_id})


@wire.endpoint("DELETE")
def delete(request: WireRequest) -> HttpResponse:
    """DELETE /api/repos/delete"""
    wanted = wire.body(request, Named)
    if request.caller.user is None:
        raise SignInRequired("Send a token to delete a repository.")
    namespace = wanted.organization or request.caller.user.username
    kind = wanted.type or RepositoryType.MODEL
    found = lookup.repository(request, f"{namespace}/{wanted.name}", kind)
    repositories.delete(found, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("PUT")
def settings(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """PUT /api/{type}s/{id}/settings"""
    wanted = wire.body(request, Settings)
    found = lookup.repository(request, repo_id, kind)
    visibility = _visibility(wanted.visibility, wanted.private)
    if visibility is None and wanted.gated is None:
        raise Invalid("Send visibility (public or private): there is nothing to set.")
    if wanted.gated is not None:
        raise Invalid(
            "gated cannot be set here: it follows from the terms of the model, which ask for "
            "their acceptance or do not."
        )
    if request.caller.user is None:
        raise SignInRequired("Send a token to change settings.")
    repositories.set_visibility(found, visibility or found.visibility, by=request.caller)
    is_private = visibility == Visibility.PRIVATE
    return wire.json_answer({"visibility": visibility, "private": is_private})


@wire.endpoint("POST")
def validate_yaml(request: WireRequest) -> HttpResponseBase:
    """POST /api/validate-yaml"""
    text = wire.body(request, CardText).content
    try:
        card = cards.parse(text)
        problems = cards.problems(card, known_licenses=documents.known_tags())
        warnings = cards.warnings(card)
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


def _visibility(visibility: str | None, private: bool | None) -> str | None:
    if visibility is not None:
        if visibility not in Visibility.values:
            raise Invalid(f"{visibility!r} is not a visibility; choose public or private.")
        return visibility
    if private is None:
        return None
    return Visibility.PRIVATE if private else Visibility.PUBLIC
