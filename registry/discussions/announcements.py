"""What webhooks are told of discussions."""

from typing import Any

from django.conf import settings

from registry.accounts.callers import Caller
from registry.catalog import announcements
from registry.discussions.models import CommentText, Discussion, Event
from registry.outbox.messages import Unwanted


def announce(discussion: Discussion, action: str, *, comment: Event | None = None) -> None:
    """Tell that a discussion, or a comment of it, was made or changed, with the act."""
    named = {"discussion": discussion.public_id}
    if comment is not None:
        named["comment"] = comment.public_id
    scope = "discussion" if comment is None else "discussion.comment"
    announcements.announce(discussion.repository, scope, action, **named)


def fill(event: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """An event with what it says of a discussion, as the caller may see it now; or Unwanted."""
    if "discussion" not in event:
        return event
    found = Discussion.objects.visible_to(caller).filter(public_id=event["discussion"])
    discussion = found.select_related("repository__namespace", "author", "proposal").first()
    if discussion is None:
        raise Unwanted
    event = event | {"discussion": _discussion(discussion)}
    if "comment" in event:
        event["comment"] = _comment(discussion, event["comment"])
    return event


def _discussion(discussion: Discussion) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": discussion.public_id,
        "num": discussion.number,
        "title": discussion.title,
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "author": {"id": discussion.author.public_id},
        "url": {"web": settings.SITE_URL + discussion.get_absolute_url()},
    }
    if discussion.proposal is not None:
        told["changes"] = {"base": discussion.proposal.base}
    return told


def _comment(discussion: Discussion, public_id: str) -> dict[str, Any]:
    found = Event.objects.select_related("author").filter(
        discussion=discussion, public_id=public_id, is_internal=False
    )
    if (comment := found.first()) is None:
        raise Unwanted
    told: dict[str, Any] = {
        "id": comment.public_id,
        "author": {"id": comment.author.public_id},
        "hidden": comment.hidden_at is not None,
        "url": {"web": f"{settings.SITE_URL}{discussion.get_absolute_url()}#{comment.public_id}"},
    }
    if comment.hidden_at is None:
        last = CommentText.objects.filter(event=comment).order_by("-pk").first()
        told["content"] = last.raw if last else ""
    return told
