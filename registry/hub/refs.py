"""Branches, tags and commits, as far as they exist for the caller."""

from html import escape
from typing import Any

from django.http import HttpResponse
from pydantic import BaseModel

from registry.catalog import branches, history, revisions
from registry.catalog.models import Ref, Revision
from registry.hub import lookup, paging, wire
from registry.hub.wire import WireRequest
from registry.releases import pushes


class BranchWanted(BaseModel):
    startingPoint: str | None = None  # noqa: N815 - the name on the wire


class Squash(BaseModel):
    message: str = "Squash history"


class TagWanted(BaseModel):
    tag: str
    message: str | None = None


@wire.endpoint("GET")
def refs(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}/refs: branches, tags and pull requests"""
    repository = lookup.for_api(request, repo_id, kind).repository
    answer: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    if wire.flag(request, "include_prs"):
        pulls = revisions.pull_requests_for(repository, caller=request.caller)
        answer["pullRequests"] = [_ref(ref, revision) for ref, revision in pulls]
    for ref, revision in revisions.refs_for(repository, caller=request.caller):
        group = "branches" if ref.name.startswith("refs/heads/") else "tags"
        answer[group].append(_ref(ref, revision))
    return wire.json_answer(answer)


@wire.endpoint("GET")
def commits(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """GET /api/{type}s/{id}/commits/{rev}: the history, newest first"""
    found = lookup.for_api(request, repo_id, kind, revision)
    line = history.line(found.repository, found.revision, caller=request.caller)
    page = paging.limit(request)
    last = paging.after(request)
    start = next((i + 1 for i, place in enumerate(line) if place.oid == last), 0)
    shown = history.revisions_at(line[start : start + page])
    formatted = "formatted" in wire.values(request, "expand")
    response = wire.json_answer([_commit(one, formatted=formatted) for one in shown])
    if len(line) > start + page:
        paging.link_next(request, response, shown[-1].oid)
    return response


@wire.endpoint("POST")
def create_branch(request: WireRequest, kind: str, repo_id: str, name: str) -> HttpResponse:
    """POST /api/{type}s/{id}/branch/{name}: a new branch"""
    repository = lookup.writable(request, repo_id, kind)
    wanted = wire.body(request, BranchWanted)
    start = revisions.find(repository, wanted.startingPoint or "main", caller=request.caller)
    branches.create_branch(repository, name, start=start, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("DELETE")
def delete_branch(request: WireRequest, kind: str, repo_id: str, name: str) -> HttpResponse:
    """DELETE /api/{type}s/{id}/branch/{name}: remove a branch"""
    repository = lookup.writable(request, repo_id, kind)
    pushes.delete_branch(repository, name, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("POST")
def create_tag(request: WireRequest, kind: str, repo_id: str, name: str) -> HttpResponse:
    """POST /api/{type}s/{id}/tag/{rev}: a new tag on a revision"""
    repository = lookup.writable(request, repo_id, kind)
    start = revisions.find(repository, name, caller=request.caller)
    wanted = wire.body(request, TagWanted)
    branches.create_tag(repository, wanted.tag, start=start, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("DELETE")
def delete_tag(request: WireRequest, kind: str, repo_id: str, name: str) -> HttpResponse:
    """DELETE /api/{type}s/{id}/tag/{name}: remove a tag"""
    repository = lookup.writable(request, repo_id, kind)
    branches.delete_tag(repository, name, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("POST")
def super_squash(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """POST /api/{type}s/{id}/super-squash/{ref}: one revision in place of a branch's history"""
    repository = lookup.writable(request, repo_id, kind)
    wanted = wire.body(request, Squash)
    pushes.squash(repository, revision, title=wanted.message, by=request.caller)
    return wire.json_answer({})


def _ref(ref: Ref, revision: Revision) -> dict[str, str]:
    return {"name": ref.short, "ref": ref.name, "targetCommit": revision.oid}


def _commit(revision: Revision, *, formatted: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": revision.oid,
        "title": revision.title,
        "message": revision.message,
        "authors": [{"user": revision.author.username}],
        "date": wire.time(revision.committed_at),
    }
    if formatted:
        item["formatted"] = {"title": escape(revision.title), "message": escape(revision.message)}
    return item
