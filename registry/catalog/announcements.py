"""What webhooks are told of a repository, and what each owner may see of it when it is sent."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.catalog.models import MAIN, Ref, Repository, RepositoryType, Revision, Visibility
from registry.errors import Invalid
from registry.outbox import messages, targets, webhooks
from registry.outbox.messages import Delivered, Undelivered, Unwanted
from registry.outbox.models import Message, Webhook
from registry.outbox.webhooks import EVERYBODY, INSIDERS

Fill = Callable[[dict[str, Any], Caller], dict[str, Any]]


def announce(
    repository: Repository,
    scope: str,
    action: str,
    *,
    audience: str = EVERYBODY,
    former: str = "",
    **more: Any,
) -> None:
    """Tell the webhooks that watch the repository, or its owner, of an act, with the act.

    `former` is the `namespace/name` that it had until now. What its owner does not see is left
    out when it is sent, and what then says nothing is not sent.
    """
    names = [(repository.type, repository.full_name)]
    if former:
        names.append((repository.type, former))
    webhooks.emit(
        scope,
        action,
        repository=repository.public_id,
        names=names,
        audience=audience,
        **more,
    )


def announce_refs(
    repository: Repository,
    *changes: tuple[str, str | None, str | None],
    audience: str = EVERYBODY,
) -> None:
    """Tell that refs moved: (full name, commit before, commit after), None where there is none."""
    moved = [{"ref": ref, "oldSha": old, "newSha": new} for ref, old, new in changes if old != new]
    if moved:
        announce(repository, "repo.content", "update", audience=audience, updatedRefs=moved)


def announce_move(repository: Repository, *, former: str) -> None:
    """Tell, under both names, that a repository was renamed or transferred."""
    to = {"name": repository.full_name, "owner": {"id": repository.namespace.public_id}}
    announce(repository, "repo", "move", former=former, movedTo=to)


def announce_deletion(repository: Repository) -> None:
    """Tell of a deletion, before it: who may know is decided now, because afterwards nobody does."""
    told = webhooks.watching("repo", [(repository.type, repository.full_name)])
    event = {"event": {"action": "delete", "scope": "repo"}}
    written = []
    for webhook in told.select_related("owner"):
        caller = _owner(webhook)
        if Repository.objects.visible_to(caller).filter(pk=repository.pk).exists():
            written.append((webhook, event | {"repo": _described(repository, caller)}))
    webhooks.write(written)


def send(message: Message, *, fill: Fill) -> Delivered:
    """One attempt to deliver an event. `fill` adds what layers above this one know of it."""
    webhook = Webhook.objects.select_related("owner").filter(messages=message).first()
    if webhook is None:  # deleted with its messages since this one was claimed
        raise Unwanted
    if webhook.is_disabled:
        if message.tried_at is None:
            raise Unwanted
        raise Undelivered("The webhook was disabled.", is_final=True)
    content = json.dumps(_content(message, webhook, fill)).encode()
    headers = _headers(content, secret=webhooks.secret_of(webhook), delivery=message.public_id)
    messages.speaking_to_the_other_side(message)
    try:
        status = targets.post(webhook.url, content, headers)
    except (Invalid, targets.Unreachable) as error:
        webhooks.failed(webhook)
        raise Undelivered(str(error).removeprefix("url: ")) from error
    if 200 <= status < 300:
        webhooks.worked(webhook)
        return Delivered(status)
    webhooks.failed(webhook)
    raise Undelivered(f"The receiver answered {status}.", status=status, is_final=status == 410)


def _headers(content: bytes, *, secret: str, delivery: str) -> dict[str, str]:
    at = str(int(time.time()))
    signature = hmac.new(secret.encode(), f"{at}.".encode() + content, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "registry-webhook/1",
        "X-Webhook-Secret": secret,
        "X-Registry-Delivery": delivery,
        "X-Registry-Signature": f"t={at},v1={signature.hexdigest()}",
        "Connection": "close",
    }


def _content(message: Message, webhook: Webhook, fill: Fill) -> dict[str, Any]:
    """The event as the owner of the webhook may see it now, or Unwanted."""
    event = dict(message.body)
    public_id, audience = event.pop("repository", ""), event.pop("audience", EVERYBODY)
    if "repo" not in event:
        caller = _owner(webhook)
        visible = Repository.objects.visible_to(caller).select_related("namespace")
        repository = visible.filter(public_id=public_id).first()
        if repository is None or not _is_for(audience, repository, caller):
            raise Unwanted
        if "updatedRefs" in event:
            moved = _known_refs(event["updatedRefs"], audience, repository, caller)
            event["updatedRefs"] = _seen_refs(moved, repository, caller)
        event["repo"] = _described(repository, caller)
        event = fill(event, caller)
    return event | {"webhook": {"id": webhook.public_id, "version": webhook.version}}


def _owner(webhook: Webhook) -> Caller:
    if not webhook.owner.is_active:
        raise Unwanted
    return Caller(user=webhook.owner)


def _is_for(audience: str, repository: Repository, caller: Caller) -> bool:
    if audience == EVERYBODY:
        return True
    return _sees_quarantine(repository, caller) == (audience == INSIDERS)


def _sees_quarantine(repository: Repository, caller: Caller) -> bool:
    return Repository.objects.quarantine_seen_by(caller).filter(pk=repository.pk).exists()


def _known_refs(
    refs: list[dict[str, Any]], audience: str, repository: Repository, caller: Caller
) -> list[dict[str, Any]]:
    """Those whose names the caller may know. For outsiders a branch is where it was released from,
    of which they are told by itself; one that is only made or removed is nothing to them."""
    is_told = audience != EVERYBODY or plain_hub.is_on(repository.namespace)
    if is_told or _sees_quarantine(repository, caller):
        return refs
    return [ref for ref in refs if not ref["ref"].startswith("refs/heads/")]


def _seen_refs(
    refs: list[dict[str, Any]], repository: Repository, caller: Caller
) -> list[dict[str, Any]]:
    named = {sha for ref in refs for sha in (ref["oldSha"], ref["newSha"]) if sha}
    visible = Revision.objects.visible_to(caller).filter(repository=repository, oid__in=named)
    seen = set(visible.values_list("oid", flat=True))
    kept = [
        ref | {"oldSha": ref["oldSha"] if ref["oldSha"] in seen else None}
        for ref in refs
        if (ref["newSha"] or ref["oldSha"]) in seen
    ]
    if not kept:
        raise Unwanted
    return kept


def _described(repository: Repository, caller: Caller) -> dict[str, Any]:
    main = Ref.objects.select_related("head", "public").filter(repository=repository, name=MAIN)
    ref = main.first()
    head = None
    if ref is not None:
        is_out = plain_hub.is_on(repository.namespace)
        head = ref.head if is_out or _sees_quarantine(repository, caller) else ref.public
    prefix = "" if repository.type == RepositoryType.MODEL else f"/{repository.type}s"
    name = repository.full_name
    described: dict[str, Any] = {
        "type": repository.type,
        "name": name,
        "id": repository.public_id,
        "private": repository.visibility == Visibility.PRIVATE,
        "owner": {"id": repository.namespace.public_id},
        "tags": head.tags if head else [],
        "url": {
            "web": f"{settings.SITE_URL}{prefix}/{name}",
            "api": f"{settings.SITE_URL}/api/{repository.type}s/{name}",
        },
    }
    return described | ({"head_sha": head.oid} if head else {})
