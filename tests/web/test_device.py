"""The page that lets a program in: it says who asks, and nothing happens without a click."""

import pytest
from django.core.cache import cache
from django.test import Client

from registry.accounts import devices
from registry.accounts.devices import Issued, OAuthError
from registry.web.views import devices as page
from tests import factories
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def codes() -> devices.Codes:
    cache.clear()
    return devices.begin(client="hf/2.4.0 <b>", address="192.0.2.1")


def test_a_person_types_the_code_sees_who_asks_and_lets_it_in(
    client: Client, codes: devices.Codes
) -> None:
    client.force_login(factories.make_user("ada"))
    empty = client.get("/device")
    typed = form_to(empty.text, "/device").filled(code=codes.user.lower())
    asked = client.get("/device", typed)
    still = devices.redeem(codes.device)

    form = form_to(asked.text, "/device").filled(scope="read") | {"decision": "allow"}
    done = client.post("/device", form, follow=True)

    assert "hf/2.4.0 &lt;b&gt;" in asked.text
    assert "192.0.2.1" in asked.text
    assert isinstance(still, OAuthError)
    assert "signed in" in done.text
    assert isinstance(devices.redeem(codes.device), Issued)


def test_a_person_keeps_it_out(client: Client, codes: devices.Codes) -> None:
    client.force_login(factories.make_user())

    client.post("/device", {"code": codes.user, "scope": "write", "decision": "deny"})

    outcome = devices.redeem(codes.device)
    assert isinstance(outcome, OAuthError)
    assert outcome.code == "access_denied"


def test_a_visitor_signs_in_first_and_keeps_the_code(client: Client, codes: devices.Codes) -> None:
    answer = client.get(f"/device?code={codes.user}")

    assert answer.status_code == 302
    assert codes.user in answer["Location"]


def test_a_click_of_another_site_does_nothing(codes: devices.Codes) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(factories.make_user())

    answer = strict.post("/device", {"code": codes.user, "scope": "write", "decision": "allow"})

    assert answer.status_code == 403


def test_a_wrong_code_is_said_and_few_may_be_tried(client: Client, codes: devices.Codes) -> None:
    client.force_login(factories.make_user())

    first = client.get("/device?code=BCDF-GHJK")
    for _ in range(page.MOST_TRIES):
        client.get("/device?code=BCDF-GHJK")
    last = client.get(f"/device?code={codes.user}")

    assert "mistyped" in first.text
    assert "Too many codes" in last.text
