"""The token page: shown once, kept as a digest, revoked by its owner alone."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import AccessToken
from registry.errors import InvalidToken
from tests import factories
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db
FORM = {"name": "laptop", "scope": "write", "days": "30"}


def test_a_token_is_shown_once_and_works(client: Client) -> None:
    client.force_login(ada := factories.make_user("ada"))

    made = client.post("/settings/tokens", FORM, follow=True)
    later = client.get("/settings/tokens")

    secret = re.search(r"hf_[\w-]{40,}", made.text)
    assert secret is not None
    caller = tokens.recognise(secret[0])
    assert (caller.user, caller.scope) == (ada, "write")
    assert secret[0] not in later.text
    assert "laptop" in later.text
    assert "no-store" in made["Cache-Control"]


def test_loading_the_page_with_a_new_token_again_makes_no_second_one(client: Client) -> None:
    client.force_login(factories.make_user())

    answer = client.post("/settings/tokens", FORM)
    client.head("/settings/tokens")
    shown = client.get("/settings/tokens")
    client.get("/settings/tokens")

    assert answer["Location"] == "/settings/tokens"
    assert "Your new token" in shown.text
    assert AccessToken.objects.count() == 1
    assert "hf_" not in str(dict(client.session))


def test_the_form_that_the_page_shows_makes_a_token_of_the_scope_that_was_chosen() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_user())

    form = form_to(client.get("/settings/tokens").text, "/settings/tokens")
    unchosen = client.post(form.action, form.filled(name="laptop"))
    answer = client.post(form.action, form.filled(name="laptop", scope="write"))

    assert unchosen.status_code == 200
    assert "field-wrong" in unchosen.text
    assert answer.status_code == 302
    assert AccessToken.objects.get().scope == "write"


def test_a_token_ends_when_it_was_said_to(client: Client) -> None:
    client.force_login(factories.make_user())

    client.post("/settings/tokens", FORM)
    client.post("/settings/tokens", FORM | {"days": "0"})

    never, in_30_days = AccessToken.objects.order_by("-pk")
    assert never.expires_at is None
    assert in_30_days.expires_at is not None
    assert abs(in_30_days.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)


@pytest.mark.parametrize("wrong", [{"name": ""}, {"scope": "all"}, {"days": "7"}])
def test_a_form_that_is_not_whole_makes_no_token(client: Client, wrong: dict[str, str]) -> None:
    client.force_login(factories.make_user())

    page = client.post("/settings/tokens", FORM | wrong)

    assert page.status_code == 200
    assert not AccessToken.objects.exists()


def test_a_revoked_token_no_longer_works(client: Client) -> None:
    client.force_login(ada := factories.make_user())
    secret = factories.make_token(ada)

    client.post(f"/settings/tokens/{AccessToken.objects.get().public_id}/revoke")

    with pytest.raises(InvalidToken):
        tokens.recognise(secret)
    assert "You have no token yet" in client.get("/settings/tokens").text


def test_nobody_sees_or_revokes_the_token_of_another(client: Client) -> None:
    factories.make_token(factories.make_user())
    token = AccessToken.objects.get()
    client.force_login(factories.make_maintainer())

    answer = client.post(f"/settings/tokens/{token.public_id}/revoke")

    assert answer.status_code == 404
    assert token.hint not in client.get("/settings/tokens").text
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_token_is_not_revoked_by_following_a_link(client: Client) -> None:
    client.force_login(ada := factories.make_user())
    factories.make_token(ada)

    answer = client.get(f"/settings/tokens/{AccessToken.objects.get().public_id}/revoke")

    assert answer.status_code == 405
    assert AccessToken.objects.filter(revoked_at=None).exists()
