"""The pages of webhooks, devices, room and checks that failed, looked at as the others are."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from registry.accounts import devices
from registry.accounts.models import User
from registry.catalog import quotas
from registry.outbox import webhooks
from registry.outbox.models import Message, State, Webhook
from tests import factories
from tests.factories import as_caller
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
RECEIVER = (
    "http://127.0.0.1:9/a/path/that/is/rather/long/for/a-narrow-screen?and=a-query-of-its-own"
)
OUTCOMES = [
    (State.SENT, 204, ""),
    (State.WAITING, 503, "The receiver answered 503."),
    (State.DEAD, None, "The receiver did not answer within ten seconds."),
]


@pytest.mark.looks_at("webhook", "webhooks")
def test_webhooks(page: Page, picture_folder: Path | None, settings: Any) -> None:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.0/8")]
    ada = factories.make_user("ada")
    sign_in(page.context, ada)
    look(page, "webhooks-none", "/settings/webhooks", picture_folder)

    webhook = _webhook(ada)

    look(page, "webhooks", "/settings/webhooks", picture_folder)
    look(page, "webhook", f"/settings/webhooks/{webhook.public_id}", picture_folder)


@pytest.mark.looks_at("tokens")
def test_tokens(page: Page, picture_folder: Path | None) -> None:
    ada = factories.make_user("ada")
    factories.make_token(ada, expires_at=timezone.now() + timedelta(days=30))
    sign_in(page.context, ada)

    look(page, "tokens", "/settings/tokens", picture_folder, unfolded=True)


@pytest.mark.looks_at("device")
def test_letting_a_program_in(page: Page, picture_folder: Path | None) -> None:
    sign_in(page.context, factories.make_user("ada"))
    code = devices.begin(client="hf/2.4.0; python/3.13; torch/2.9", address="192.0.2.1").user

    look(page, "device", "/device", picture_folder)
    look(page, "device-asks", f"/device?code={code}", picture_folder)


@pytest.mark.looks_at("namespace")
def test_a_namespace_with_members_and_a_bound(page: Page, picture_folder: Path | None) -> None:
    ada = factories.make_user("ada")
    lab = factories.make_organisation("lab", owner=ada)
    quotas.set_quota(lab, 2 * 1024**3, by="")
    sign_in(page.context, ada)

    look(page, "namespace-bound", "/lab", picture_folder)
    look(page, "namespace-own", "/ada", picture_folder)


def test_checks_that_could_not_be_completed(page: Page, picture_folder: Path | None) -> None:
    revision = factories.make_revision()
    factories.finish_checks(revision, "error")
    sign_in(page.context, revision.repository.created_by)

    look(page, "checks-error", f"/{revision.repository}/checks", picture_folder)


def _webhook(user: User) -> Webhook:
    """One with a delivery of each outcome."""
    watched = [{"type": "user", "name": user.username}, {"type": "model", "name": "lab/x"}]
    made, _secret = webhooks.create(
        url=RECEIVER, watched=watched, domains=["repo"], secret="", by=as_caller(user)
    )
    factories.make_repository(user, "tiny")
    sent = Message.objects.get()
    for state, status, note in OUTCOMES:
        sent.pk, sent.public_id = None, f"{state:x<24}"
        sent.state, sent.status, sent.note = state, status, note
        sent.tried_at = timezone.now()
        sent.ended_at = None if state == State.WAITING else timezone.now()
        sent.due_at = timezone.now() + timedelta(minutes=5)
        sent.save()
    return made
