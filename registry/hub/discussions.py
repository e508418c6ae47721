"""Discussions and pull requests, as far as the caller may know of them."""

from typing import Any, Literal

from django.db.models import Q
from django.http import HttpResponse
from pydantic import BaseModel

from registry.accounts.models import User
from registry.catalog import markdown, rights
from registry.discussions import pull_requests, threads
from registry.discussions.models import (
    OPEN,
    CommentText,
    Discussion,
    Event,
    EventKind,
    Kind,
    Status,
)
from registry.errors import Invalid
from registry.hub import lookup, wire
from registry.hub.wire import WireRequest
from registry.releases import apart, diffs, merging

PER_PAGE = 50
MAX_PAGE = 100_000


class Wanted(BaseModel):
    title: str
    description: str | None = ""
    pullRequest: bool = False  # noqa: N815 - the name on the wire


class Comment(BaseModel):
    comment: str = ""


class Content(BaseModel):
    content: str


class Title(BaseModel):
    title: str


class StatusWanted(BaseModel):
    status: Literal["open", "closed"]
    comment: str | None = ""


class MergeWanted(BaseModel):
    comment: str | None = ""


@wire.endpoint("GET")
def discussions(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}/discussions: discussions and pull requests, newest first"""
    repository = lookup.repository(request, repo_id, kind)
    found = Discussion.objects.visible_to(request.caller).filter(repository=repository)
    wanted = request.GET.get("type", "") or "all"
    if wanted in Kind.values:
        found = found.filter(kind=wanted)
    elif wanted != "all":
        raise Invalid("type: write all, discussion or pull_request.")
    status = request.GET.get("status", "") or "all"
    if status in {"open", "closed"}:
        is_open = Q(status__in=OPEN)
        found = found.filter(is_open if status == "open" else ~is_open)
    elif status != "all":
        raise Invalid("status: write all, open or closed.")
    if authors := wire.values(request, "author"):
        found = found.filter(author__username__iexact=authors[0])
    start = _page(request) * PER_PAGE
    shown = list(found.select_related("author")[start : start + PER_PAGE])
    for discussion in shown:
        discussion.repository = repository
    answer = {
        "count": found.count(),
        "start": start,
        "discussions": [_described(one) for one in shown],
    }
    return wire.json_answer(answer)


@wire.endpoint("POST")
def create(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/discussions: a new discussion or pull request"""
    repository = lookup.repository(request, repo_id, kind)
    rights.require_propose(repository, request.caller)
    wanted = wire.body(request, Wanted)
    make = pull_requests.open_pull_request if wanted.pullRequest else threads.open_thread
    text = (wanted.description or "").strip() or "No description."
    made = make(repository, title=wanted.title, text=text, by=request.caller)
    return wire.json_answer({"num": made.number, "pullRequest": made.is_pull_request})


@wire.endpoint("GET")
def details(request: WireRequest, kind: str, repo_id: str, number: str) -> HttpResponse:
    """GET /api/{type}s/{id}/discussions/{n}: one thread with its events"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    seen = apart.events(discussion, caller=request.caller)
    render = markdown.Renderer()
    answer = _described(discussion) | {"events": [_event(event, render) for event in seen]}
    if discussion.is_pull_request:
        answer |= _changes(request, discussion)
    return wire.json_answer(answer)


@wire.endpoint("POST")
def comment(request: WireRequest, kind: str, repo_id: str, number: str) -> HttpResponse:
    """POST …/discussions/{n}/comment: a new comment"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    sent = wire.body(request, Comment)
    event = threads.comment(discussion, sent.comment, by=request.caller)
    return wire.json_answer({"newMessage": _event(event)})


@wire.endpoint("POST")
def edit(request: WireRequest, kind: str, repo_id: str, number: str, event_id: str) -> HttpResponse:
    """POST …/discussions/{n}/comment/{event id}/edit: another text for a comment of one's own"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    event = threads.find_event(discussion, event_id, caller=request.caller)
    sent = wire.body(request, Content)
    return wire.json_answer(
        {"updatedComment": _event(threads.edit(event, sent.content, by=request.caller))}
    )


@wire.endpoint("POST")
def hide(request: WireRequest, kind: str, repo_id: str, number: str, event_id: str) -> HttpResponse:
    """POST …/discussions/{n}/comment/{event id}/hide: take a comment out of sight"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    event = threads.find_event(discussion, event_id, caller=request.caller)
    return wire.json_answer({"updatedComment": _event(threads.hide(event, by=request.caller))})


@wire.endpoint("POST")
def title(request: WireRequest, kind: str, repo_id: str, number: str) -> HttpResponse:
    """POST …/discussions/{n}/title: another title"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    sent = wire.body(request, Title)
    event = threads.rename(discussion, sent.title, by=request.caller)
    return wire.json_answer({"newTitle": _event(event)})


@wire.endpoint("POST")
def status(request: WireRequest, kind: str, repo_id: str, number: str) -> HttpResponse:
    """POST …/discussions/{n}/status: close or open again"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    sent = wire.body(request, StatusWanted)
    event = threads.set_status(discussion, sent.status, by=request.caller, text=sent.comment or "")
    return wire.json_answer({"newStatus": _event(event)})


@wire.endpoint("POST")
def merge(request: WireRequest, kind: str, repo_id: str, number: str) -> HttpResponse:
    """POST …/discussions/{n}/merge: merge a pull request into its branch"""
    discussion = lookup.discussion(request, repo_id, kind, number)
    sent = wire.body(request, MergeWanted)
    made = merging.merge(discussion, by=request.caller, comment=sent.comment or "")
    return wire.json_answer({"status": Status.MERGED, "mergeCommitId": made.oid})


def _page(request: WireRequest) -> int:
    sent = request.GET.get("p", "") or "0"
    if not sent.isdecimal() or not sent.isascii() or len(sent) > 9 or int(sent) > MAX_PAGE:
        raise Invalid("p: write the number of a page, from 0.")
    return int(sent)


def _described(discussion: Discussion) -> dict[str, Any]:
    repository = discussion.repository
    return {
        "num": discussion.number,
        "title": discussion.title,
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "createdAt": wire.time(discussion.created_at),
        "author": _author(discussion.author),
        "repo": {"name": repository.full_name, "type": repository.type},
    }


def _changes(request: WireRequest, discussion: Discussion) -> dict[str, Any]:
    """The base; and the commit, conflicts and text of the change for those who may have them."""
    changes: dict[str, str] = {}
    answer: dict[str, Any] = {"changes": changes, "filesWithConflicts": []}
    if discussion.proposal is not None:
        changes["base"] = discussion.proposal.base
    merged = discussion.merged_as
    if merged is not None and lookup.may_see(discussion.repository, merged, request.caller):
        changes["mergeCommitId"] = merged.oid
    sides = pull_requests.sides(discussion, caller=request.caller)
    if sides is None:
        return answer
    if discussion.is_open:
        answer["filesWithConflicts"] = sides.plan.conflicts
    if wire.flag(request, "diff"):
        told = diffs.text(discussion.repository, sides, caller=request.caller)
        answer |= {} if told is None else {"diff": told}
    return answer


def _event(event: Event, render: markdown.Renderer | None = None) -> dict[str, Any]:
    return {
        "id": event.public_id,
        "type": event.kind,
        "createdAt": wire.time(event.at),
        "author": _author(event.author),
        "data": _data(event, render or markdown.Renderer()),
    }


def _data(event: Event, render: markdown.Renderer) -> dict[str, Any]:
    if event.kind == EventKind.COMMIT and event.revision is not None:
        return {"subject": event.revision.title, "oid": event.revision.oid}
    if event.kind != EventKind.COMMENT:
        return dict(event.facts)
    texts = list(event.texts.all())
    is_hidden = event.hidden_at is not None
    described = [_text(event, text, render, is_hidden=is_hidden) for text in texts]
    told = {
        "edited": len(texts) > 1,
        "hidden": is_hidden,
        "history": [] if is_hidden else described[:-1],
        "latest": described[-1],
    }
    return told | ({"remark": dict(event.facts)} if event.facts else {})


def _text(
    event: Event, text: CommentText, render: markdown.Renderer, *, is_hidden: bool
) -> dict[str, Any]:
    """What is hidden is told to nobody."""
    prefix = f"c{event.public_id}-"
    return {
        "raw": "" if is_hidden else text.raw,
        "html": "" if is_hidden else render(text.raw, prefix=prefix),
        "updatedAt": wire.time(text.at),
        "author": _author(text.by),
    }


def _author(user: User) -> dict[str, str]:
    return {"name": user.username}
