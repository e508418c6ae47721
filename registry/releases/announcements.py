"""The carrier that brings events to webhooks: what the owner of one may not know yet stays away."""

from typing import Any

from registry.accounts.callers import Caller
from registry.catalog import announcements as of_repositories
from registry.discussions import announcements as of_discussions
from registry.outbox.messages import Delivered, Unwanted
from registry.outbox.models import Message
from registry.releases import apart


def send(message: Message) -> Delivered:
    """One attempt to deliver an event, as the owner of the webhook may see it now."""
    return of_repositories.send(message, fill=_fill)


def _fill(event: dict[str, Any], caller: Caller) -> dict[str, Any]:
    if "comment" in event and apart.is_kept(event["comment"], caller):
        raise Unwanted
    return of_discussions.fill(event, caller)
