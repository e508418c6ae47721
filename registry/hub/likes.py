"""Likes: giving and taking them back, and who likes what."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse

from registry.catalog import likes
from registry.catalog.models import Like
from registry.errors import Invalid
from registry.hub import lookup, paging, wire
from registry.hub.wire import WireRequest


@wire.endpoint("POST")
def like(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/like: like a repository"""
    likes.like(lookup.repository(request, repo_id, kind), by=request.caller)
    return wire.json_answer({})


@wire.endpoint("DELETE")
def unlike(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """DELETE /api/{type}s/{id}/like: take a like back"""
    likes.unlike(lookup.repository(request, repo_id, kind), by=request.caller)
    return wire.json_answer({})


@wire.endpoint("GET")
def likers(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}/likers: who likes a repository"""
    found = likes.of_repository(lookup.repository(request, repo_id, kind))
    return _page(request, found, _person)


@wire.endpoint("GET")
def of_person(request: WireRequest, name: str) -> HttpResponse:
    """GET /api/users/{name}/likes: what a person likes"""
    return _page(request, likes.of_person(name, caller=request.caller), _liked)


def _page(request: WireRequest, found: QuerySet[Like], describe: Any) -> HttpResponse:
    """Newest first. The cursor is the last row's key, so that new likes move nothing."""
    size = paging.limit(request)
    if (last := paging.after(request)) is not None:
        if not isinstance(last, int) or not 0 <= last < 2**63:
            raise Invalid(paging.BAD_CURSOR)
        found = found.filter(pk__lt=last)
    rows = list(found.order_by("-pk")[: size + 1])
    answer = wire.json_answer([describe(row) for row in rows[:size]])
    if len(rows) > size:
        paging.link_next(request, answer, rows[size - 1].pk)
    return answer


def _person(like: Like) -> dict[str, Any]:
    user = like.user
    return {"user": user.username, "fullname": user.full_name or user.username, "avatarUrl": ""}


def _liked(like: Like) -> dict[str, Any]:
    repository = like.repository
    return {
        "createdAt": wire.time(like.at),
        "repo": {"name": repository.full_name, "type": repository.type},
    }
