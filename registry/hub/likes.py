"""Likes: giving and taking them back, and who likes what."""

from typing import Any

from django.http import HttpResponse

from registry.catalog import likes
from registry.catalog.models import Like
from registry.hub import lookup, paging, profiles, wire
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
    return paging.by_key(request, found, _person, newest_first=True)


@wire.endpoint("GET")
def of_person(request: WireRequest, name: str) -> HttpResponse:
    """GET /api/users/{name}/likes: what a person likes"""
    found = likes.of_person(name, caller=request.caller)
    return paging.by_key(request, found, _liked, newest_first=True)


def _person(like: Like) -> dict[str, Any]:
    return profiles.person_summary(like.user)


def _liked(like: Like) -> dict[str, Any]:
    repository = like.repository
    return {
        "createdAt": wire.time(like.at),
        "repo": {"name": repository.full_name, "type": repository.type},
    }
