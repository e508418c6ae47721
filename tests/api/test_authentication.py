"""Who asks: tokens, never cookies; and what every answer has."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import AccessToken
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


def _get(token: str):
    return Client().get("/api/v1/reviews", headers={"Authorization": token})


@pytest.mark.parametrize(
    "header",
    [
        "Bearer hf_unknown",
        "Bearer",
        "Bearer ",
        "Basic YWRhOnNlY3JldA==",
        "hf_no_scheme",
        "Bearer é",
    ],
)
def test_a_header_that_is_no_good_token_is_refused_with_what_to_send(header):
    answer = _get(header)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="registry", error="invalid_token"'
    assert set(answer.json()) == {"error", "next"}


def test_a_bad_token_is_refused_even_where_the_public_is_answered():
    release = factories.make_released()

    answer = Client().get(
        f"/api/v1/releases/{release.public_id}", headers={"Authorization": "Bearer hf_wrong"}
    )

    assert answer.status_code == 401


def test_an_expired_token_is_refused():
    caller = As(factories.make_maintainer())
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert caller.get("/reviews").status_code == 401


def test_a_revoked_token_is_refused():
    maintainer = factories.make_maintainer()
    caller = As(maintainer)
    assert caller.get("/reviews").status_code == 200
    tokens.revoke(AccessToken.objects.get(), by=factories.as_caller(maintainer))

    assert caller.get("/reviews").status_code == 401


def test_a_closed_account_is_refused():
    maintainer = factories.make_maintainer()
    caller = As(maintainer)
    maintainer.is_active = False
    maintainer.save()

    assert caller.get("/reviews").status_code == 401


def test_without_a_token_an_operation_that_needs_one_says_how_to_send_it():
    answer = As().get("/reviews")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="registry"'
    assert "Authorization: Bearer" in answer.json()["error"]


def test_a_session_cookie_is_nobody():
    client = Client()
    client.force_login(
        factories.make_maintainer(),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )

    assert client.get("/api/v1/reviews").status_code == 401


def test_a_change_with_a_token_needs_no_csrf_token():
    release = factories.make_release()

    answer = As(factories.make_maintainer()).post(
        f"/releases/{release.public_id}/approve", {"digest": release.digest}
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reviews", 401),
        ("/releases/0123", 404),
        ("/nothing/here", 404),
        ("/models/a/b/terms", 404),
    ],
)
def test_refusals_are_for_the_caller_alone_and_carry_the_request_id(path, status):
    answer = Client().get(f"/api/v1{path}", headers={"X-Request-Id": "request-number-1"})

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error", "next"}
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Request-Id"] == "request-number-1"


def test_answers_are_for_the_caller_alone():
    answer = As(factories.make_maintainer()).get("/reviews")

    assert answer["Cache-Control"] == "private, no-store"
    assert "Authorization" in answer["Vary"]
    assert answer["X-Request-Id"]


def test_a_method_that_an_address_does_not_have_is_refused_in_the_same_shape():
    answer = As(factories.make_maintainer()).post("/reviews")

    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert "GET" in answer.json()["error"]


def test_a_body_that_is_not_json_is_refused_in_the_same_shape():
    user = factories.make_user()
    repository = factories.make_repository(user)
    caller = As(user)

    answer = caller.client.post(
        f"/api/v1/models/{repository.full_name}/releases",
        b"{not json",
        content_type="application/json",
        headers=caller.headers,
    )

    assert answer.status_code == 422
    assert "JSON" in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"version": "v1"}, "`revision` is missing."),
        ({"revision": "a", "version": "v1", "note": ""}, "`note` is not known here."),
        ({"revision": "a", "version": 1}, "`version`: input should be a valid string."),
        (
            {"revision": "a\0", "version": "v1"},
            "`revision`: it has a character in it that cannot be stored.",
        ),
        ([], "The body"),
    ],
)
def test_a_body_that_cannot_be_right_is_told_why(body, words):
    user = factories.make_user()
    repository = factories.make_repository(user)

    answer = As(user).post(f"/models/{repository.full_name}/releases", body)

    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_text_that_no_database_takes_is_refused():
    release = factories.make_release()
    caller = As(factories.make_maintainer())

    answer = caller.client.post(
        f"/api/v1/releases/{release.public_id}/reject",
        rb'{"reason": "\ud800"}',
        content_type="application/json",
        headers=caller.headers,
    )

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/models/a%00/b/terms",
        "/models/a/b%00/access",
        "/releases/%00",
        "/models/{name}/terms?revision=%00",
        "/models/{name}/access?path=%00",
        "/models/{name}/checks/%00",
    ],
)
def test_names_with_control_characters_are_not_found_or_refused(path):
    repository = factories.make_released().repository

    answer = As().get(path.format(name=repository.full_name))

    assert answer.status_code in {404, 422}
