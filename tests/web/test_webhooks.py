"""The pages of webhooks and likes: forms that work without JavaScript, for their owner alone."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client

from registry.catalog.models import Like
from registry.outbox import tasks
from registry.outbox.models import Message, Webhook
from tests import factories
from tests.outbox.receivers import Receiver, receiver
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def there(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.0/8")]
    with receiver() as opened:
        yield opened


def test_a_webhook_is_made_changed_looked_at_and_deleted(client: Client, there: Receiver) -> None:
    client.force_login(ada := factories.make_user("ada"))
    empty = client.get("/settings/webhooks")
    form = form_to(empty.text, "/settings/webhooks").filled(url=there.url, watched="ada\nlab/x")
    form |= {"domains": "repo"}
    made = client.post("/settings/webhooks", form, follow=True)
    webhook = Webhook.objects.get()
    here = f"/settings/webhooks/{webhook.public_id}"
    secret = re.search(r'id="copy-secret"[^>]*>([\w-]{30,})<', made.text)
    assert secret is not None
    assert secret[1] not in client.get(here).text

    factories.make_repository(ada, "tiny")
    there.status = 503
    tasks.send_due()
    failing = client.get(here).text
    there.status = 200
    Message.objects.update(due_at=webhook.created_at)
    tasks.send_due()
    sent = client.get(here).text
    again = form_to(sent, f"{here}/send-again").values
    client.post(f"{here}/send-again", again)
    tasks.send_due()

    assert "The receiver answered 503." in failing
    assert "repo create" in sent
    assert len(there.got) == 3
    assert there.got[0].headers["X-Webhook-Secret"] == secret[1]

    changed = form_to(sent, here).filled(watched="datasets/lab/x")
    client.post(here, changed | {"domains": ["repo", "discussion"]})
    webhook.refresh_from_db()
    assert webhook.watched == [{"type": "dataset", "name": "lab/x"}]
    client.post(f"{here}/disable")
    assert "disabled" in client.get(here).text
    client.post(f"{here}/enable")
    client.post(f"{here}/delete")
    assert not Webhook.objects.exists()


def test_a_refused_address_keeps_what_was_typed(client: Client) -> None:
    client.force_login(factories.make_user())

    answer = client.post(
        "/settings/webhooks",
        {"url": "http://127.0.0.1/x", "watched": "lab", "domains": "repo", "secret": ""},
    )

    assert "inward address" in answer.text
    assert form_to(answer.text, "/settings/webhooks").values["watched"].strip() == "lab"


def test_somebody_elses_webhook_is_not_there(client: Client, there: Receiver) -> None:
    client.force_login(factories.make_user())
    form = {"url": there.url, "watched": "lab", "domains": "repo"}
    client.post("/settings/webhooks", form)
    here = f"/settings/webhooks/{Webhook.objects.get().public_id}"

    client.force_login(factories.make_maintainer())

    assert there.url not in client.get("/settings/webhooks").text
    assert client.get(here).status_code == 404
    assert client.post(here, form).status_code == 404
    for step in ("enable", "disable", "delete", "send-again"):
        assert client.post(f"{here}/{step}").status_code == 404
    assert Client().get(here).status_code == 302
    assert client.post(f"/settings/webhooks/{'0' * 24}/nonsense").status_code == 404


def test_a_model_is_liked_by_a_form(client: Client) -> None:
    repository = factories.make_released().repository
    assert "0 likes" in client.get(f"/{repository}").text
    client.force_login(bob := factories.make_user())

    before = form_to(client.get(f"/{repository}").text, f"/{repository}/like").values
    client.post(f"/{repository}/like", before)
    liked = client.get(f"/{repository}").text
    assert Like.objects.get().user == bob
    client.post(f"/{repository}/like", form_to(liked, f"/{repository}/like").values)

    assert "Liked" in liked
    assert not Like.objects.exists()


def test_what_a_visitor_may_not_know_of_cannot_be_liked(client: Client) -> None:
    hidden = factories.make_revision().repository
    client.force_login(factories.make_user())

    assert client.post(f"/{hidden}/like").status_code == 404
    assert Client().post(f"/{hidden}/like").status_code == 302
