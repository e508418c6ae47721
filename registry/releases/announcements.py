"""The carrier that brings events to webhooks: what the owner of one may not know yet stays away."""

from typing import Any

from django.conf import settings

from registry.accounts.callers import Caller
from registry.catalog import announcements as of_repositories
from registry.discussions import announcements as of_discussions
from registry.outbox.messages import Delivered, Unwanted
from registry.outbox.models import Message
from registry.releases import advisories, apart


def send(message: Message) -> Delivered:
    """One attempt to deliver an event, as the owner of the webhook may see it now."""
    return of_repositories.send(message, fill=_fill)


def _fill(event: dict[str, Any], caller: Caller) -> dict[str, Any]:
    if "comment" in event and apart.is_kept(event["comment"], caller):
        raise Unwanted
    if "advisory" in event:
        event = event | {"advisory": _advisory(event["advisory"], caller)}
    return of_discussions.fill(event, caller)


def _advisory(public_id: str, caller: Caller) -> dict[str, Any]:
    found = advisories.listed(caller).filter(public_id=public_id).first()
    if found is None:
        raise Unwanted
    return {
        "id": found.public_id,
        "kind": found.kind,
        "severity": found.severity,
        "category": found.category,
        "reason": found.reason,
        "releases": [
            {"version": one.release.version, "sha": one.release.revision.oid}
            for one in found.scope.all()
        ],
        "url": {
            "web": settings.SITE_URL + found.get_absolute_url(),
            "api": f"{settings.SITE_URL}/api/v1/advisories/{found.public_id}",
        },
    }
