"""A person's webhooks. The secret is in the answer that set it, and in no other."""

from typing import Any, Literal

from django.http import HttpResponse
from pydantic import BaseModel

from registry.errors import Invalid
from registry.hub import wire
from registry.hub.wire import WireRequest
from registry.outbox import webhooks
from registry.outbox.models import Webhook


class Watched(BaseModel):
    type: str
    name: str


class Creation(BaseModel):
    url: str | None = None
    watched: list[Watched]
    domains: list[str] = ["repo", "discussion"]
    secret: str | None = None


class Change(BaseModel):
    url: str | None = None
    watched: list[Watched] | None = None
    domains: list[str] | None = None
    secret: str | None = None


@wire.endpoint("GET")
def index(request: WireRequest) -> HttpResponse:
    """GET /api/settings/webhooks: the caller's webhooks"""
    return wire.json_answer([_described(webhook) for webhook in webhooks.of(request.caller)])


@wire.endpoint("POST")
def create(request: WireRequest) -> HttpResponse:
    """POST /api/settings/webhooks: a new webhook"""
    wanted = wire.body(request, Creation)
    if wanted.url is None:
        raise Invalid("url: name the address to post to; this registry runs no jobs.")
    made, secret = webhooks.create(
        url=wanted.url,
        watched=_plain(wanted.watched),
        domains=wanted.domains,
        secret=wanted.secret or "",
        by=request.caller,
    )
    return _answer(made, secret=secret)


@wire.endpoint("GET")
def show(request: WireRequest, webhook_id: str) -> HttpResponse:
    """GET /api/settings/webhooks/{wid}: one webhook"""
    return _answer(webhooks.find(webhook_id, caller=request.caller))


@wire.endpoint("POST")
def update(request: WireRequest, webhook_id: str) -> HttpResponse:
    """POST /api/settings/webhooks/{wid}: another address, or other things to watch"""
    wanted = wire.body(request, Change)
    changed = webhooks.update(
        webhooks.find(webhook_id, caller=request.caller),
        by=request.caller,
        url=wanted.url,
        # The client sends an empty list for "as it is"
        watched=_plain(wanted.watched) if wanted.watched else None,
        domains=wanted.domains,
        secret=wanted.secret,
    )
    return _answer(changed, secret=wanted.secret or "")


@wire.endpoint("DELETE")
def delete(request: WireRequest, webhook_id: str) -> HttpResponse:
    """DELETE /api/settings/webhooks/{wid}: remove a webhook"""
    webhooks.delete(webhooks.find(webhook_id, caller=request.caller), by=request.caller)
    return wire.json_answer({})


@wire.endpoint("POST")
def switch(request: WireRequest, webhook_id: str, to: Literal["enable", "disable"]) -> HttpResponse:
    """POST /api/settings/webhooks/{wid}/{to}: switch a webhook on or off"""
    act = webhooks.enable if to == "enable" else webhooks.disable
    return _answer(act(webhooks.find(webhook_id, caller=request.caller), by=request.caller))


def _plain(watched: list[Watched]) -> list[dict[str, str]]:
    return [item.model_dump() for item in watched]


def _answer(webhook: Webhook, *, secret: str = "") -> HttpResponse:
    return wire.json_answer({"webhook": _described(webhook, secret=secret)})


def _described(webhook: Webhook, *, secret: str = "") -> dict[str, Any]:
    described = {
        "id": webhook.public_id,
        "url": webhook.url,
        "watched": webhook.watched,
        "domains": webhook.domains,
        "disabled": webhook.is_disabled,
    }
    return described | ({"secret": secret} if secret else {})
