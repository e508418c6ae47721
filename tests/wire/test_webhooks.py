"""Webhooks as the real client manages them, from a commit to the post that arrives."""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from registry.outbox import tasks
from registry.outbox.models import Message, Webhook
from tests.factories import make_facts, make_user
from tests.outbox.receivers import receiver
from tests.wire.clients import ClientError, newest_python
from tests.wire.test_round_trip import ClientOf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def python() -> Path:
    return newest_python()


def test_webhooks_are_managed_and_told_of_what_a_client_does(
    client_of: ClientOf, settings: Any
) -> None:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.1/32")]
    make_facts()
    client = client_of(make_user("ada"), "admin")
    with receiver() as there:
        watched = [{"type": "user", "name": "ada"}, {"type": "model", "name": "lab/tiny"}]
        made = client("create_webhook", url=there.url, watched=watched, secret="s3cret")
        listed = client("list_webhooks")
        hook = made["id"]
        client("create_repo", repo_id="ada/tiny")
        client("move_repo", from_id="ada/tiny", to_id="ada/small")
        client("update_repo_settings", repo_id="ada/small", private=True)
        client("delete_repo", repo_id="ada/small")
        tasks.send_due()
        client("update_webhook", webhook_id=hook, domains=["discussion"], secret="other")
        shown = client("get_webhook", webhook_id=hook)
        off = client("disable_webhook", webhook_id=hook)
        on = client("enable_webhook", webhook_id=hook)
        client("delete_webhook", webhook_id=hook)

    events = [json.loads(one.body) for one in there.got]
    kinds = [(event["event"]["scope"], event["event"]["action"]) for event in events]
    assert kinds == [("repo", "delete")]  # what was gone when it was sent is told by nothing else
    assert made["secret"] == "s3cret"
    assert [(one["id"], one["secret"], one["url"]) for one in listed] == [(hook, None, there.url)]
    assert [item["name"] for item in shown["watched"]] == ["ada", "lab/tiny"]
    assert (shown["domains"], shown["secret"]) == (["discussion"], None)
    assert (off["disabled"], on["disabled"]) == (True, False)
    assert client("list_webhooks") == []
    assert not Webhook.objects.exists()
    assert not Message.objects.exists()


def test_each_act_on_a_repository_is_told(client_of: ClientOf, settings: Any) -> None:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.1/32")]
    make_facts()
    client = client_of(make_user("ada"), "admin")
    told = []
    with receiver() as there:
        client("create_webhook", url=there.url, watched=[{"type": "user", "name": "ada"}])

        def act(method: str, **arguments: Any) -> None:
            client(method, **arguments)
            tasks.send_due()
            told.extend(json.loads(one.body) for one in there.got)
            there.got.clear()

        act("create_repo", repo_id="ada/tiny")
        act("create_branch", repo_id="ada/tiny", branch="next")
        act("create_tag", repo_id="ada/tiny", tag="v1")
        act("delete_tag", repo_id="ada/tiny", tag="v1")
        act("move_repo", from_id="ada/tiny", to_id="ada/small")
        act("update_repo_settings", repo_id="ada/small", private=True)
        act("delete_repo", repo_id="ada/small")

    kinds = [f"{event['event']['scope']} {event['event']['action']}" for event in told]
    assert kinds == [
        "repo create",
        *["repo.content update"] * 3,
        "repo move",
        "repo.config update",
        "repo delete",
    ]
    assert told[4]["movedTo"]["name"] == "ada/small"


def test_an_inward_address_is_refused_with_a_sentence(client_of: ClientOf) -> None:
    client = client_of(make_user("ada"))

    with pytest.raises(ClientError, match="inward address"):
        client(
            "create_webhook",
            url="http://169.254.169.254/latest/meta-data",
            watched=[{"type": "user", "name": "ada"}],
        )
