"""The line of each request: who, what, how long; and never what opens something."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from registry.web import request_ids
from tests.factories import make_released, make_token, make_user
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db
SENT = "0f0e0d0c-1111-2222-3333-444455556666"


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the log says, as objects."""
    found = []
    for record in caplog.records:
        request_ids.RequestIdFilter().filter(record)
        found.append(json.loads(request_ids.JsonFormatter().format(record)))
    return found


@pytest.fixture(autouse=True)
def at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="registry.requests")


def test_a_request_is_one_line_with_who_and_how(caplog: pytest.LogCaptureFixture) -> None:
    ada = make_user("ada")
    Wire(ada).get("/api/whoami-v2?secret=x", x_amzn_trace_id=SENT)

    (line,) = lines(caplog)

    assert line["request_id"] == SENT
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/whoami-v2", 200)
    assert line["caller"] == ada.public_id
    assert line["ms"] > 0
    assert int(line["bytes"]) > 0
    assert "secret" not in json.dumps(line)


def test_a_refused_request_is_one_line_too(caplog: pytest.LogCaptureFixture) -> None:
    Wire().get("/api/models/nobody/nothing")
    Client().get("/nowhere/at/all")

    assert [(line["path"], line["status"]) for line in lines(caplog)] == [
        ("/api/models/nobody/nothing", 401),
        ("/nowhere/at/all", 404),
    ]


def test_a_page_names_who_is_signed_in(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.force_login(ada := make_user("ada"))
    client.get("/settings/tokens")
    client.get("/nowhere/at/all/%0Aforged")

    seen, missing = [line for line in lines(caplog) if "path" in line]

    assert seen["caller"] == ada.public_id
    assert missing["status"] == 404
    assert "\n" not in missing["path"]


def test_a_page_that_asks_for_nobody_costs_no_query_for_its_line(
    client: Client, caplog: pytest.LogCaptureFixture, django_assert_num_queries: Any
) -> None:
    client.force_login(make_user())
    with django_assert_num_queries(0):
        client.get("/healthz")

    assert lines(caplog)[-1]["caller"] == "-"


def test_the_api_names_its_caller(caplog: pytest.LogCaptureFixture) -> None:
    ada = make_user()
    Wire(ada, "admin").get("/api/v1/reviews")

    assert lines(caplog)[-1]["caller"] == ada.public_id


def test_neither_tokens_nor_links_that_open_something_are_written(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = make_token(make_user())
    repository = make_released().repository
    Wire(secret=secret).get(f"/api/models/{repository}?token={secret}")
    Wire(secret="hf_bad").get("/api/whoami-v2?X-Signature=abcdef")
    client.get("/accounts/password/reset/key/1-abc-the-key/")
    client.get("/accounts/confirm-email/the-key/")

    texts = "\n".join(json.dumps(line) for line in lines(caplog) if "sql" not in line["logger"])

    assert secret not in texts
    assert "hf_bad" not in texts
    assert "abcdef" not in texts
    assert "the-key" not in texts


@pytest.mark.parametrize("header", ["X-Amzn-Trace-Id", "X-Request-Id"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/static/none.css",
        "/api/models",
        "/api/nothing",
        "/api/v1/nothing",
        "/nobody/nothing",
        "/nobody/nothing/resolve/main/a",
        "/settings/tokens",
    ],
)
def test_every_answer_echoes_the_id(client: Client, path: str, header: str) -> None:
    assert client.get(path, headers={header: SENT})["X-Request-Id"] == SENT


def test_an_answer_to_a_host_that_is_not_ours_echoes_it_too(client: Client) -> None:
    answer = client.get("/", headers={"host": "evil.example", "x-request-id": SENT})

    assert (answer.status_code, answer["X-Request-Id"]) == (400, SENT)


@pytest.mark.parametrize("sent", ["short", "a" * 65, "with space in it", 'quote"quote"'])
def test_an_id_that_could_forge_a_line_is_replaced(client: Client, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": sent})["X-Request-Id"] != sent
