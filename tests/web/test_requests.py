"""What every answer carries: the request's id and the content policy."""

import logging
import re
from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import get_resolver
from django.urls.resolvers import RoutePattern

from registry.accounts import names
from registry.web.middleware import RequestIdMiddleware
from registry.web.request_ids import RequestIdFilter

pytestmark = pytest.mark.django_db
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.mark.parametrize("header", ["X-Amzn-Trace-Id", "X-Request-Id"])
def test_a_sane_id_of_the_client_is_echoed(client: Client, header: str) -> None:
    sent = "8b7f7a1e-5b5e-4f0e-9f52-0d9a4ee0c3b1"

    answer = client.get("/healthz", headers={header: sent})

    assert answer["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "a b c d e f g h", "id\x1b[31mred-and-long"]
)
def test_an_id_that_is_not_sane_is_replaced(client: Client, sent: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": sent})

    assert re.fullmatch(UUID, answer["X-Request-Id"])


def test_log_records_name_the_request(client: Client) -> None:
    record = logging.makeLogRecord({"msg": "something"})
    seen: list[str] = []

    def answer(request: object) -> HttpResponse:
        RequestIdFilter().filter(record)
        seen.append(record.request_id)  # type: ignore[attr-defined]
        return HttpResponse()

    request = client.get("/healthz").wsgi_request
    RequestIdMiddleware(answer)(request)  # type: ignore[arg-type]

    assert seen == [request.request_id]  # type: ignore[attr-defined]
    record = logging.makeLogRecord({"msg": "something later"})
    RequestIdFilter().filter(record)
    assert record.request_id == "-"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/docs/checks", "/nobody/nothing"])
def test_no_page_lets_inline_code_or_foreign_sources_in(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def _first_segments() -> Iterator[str]:
    for pattern in get_resolver().url_patterns:
        route = pattern.pattern
        inner = getattr(pattern, "url_patterns", [])
        if isinstance(route, RoutePattern) and str(route):
            yield str(route)
        else:
            yield from (str(one.pattern) for one in inner)


def test_nobody_can_be_called_like_a_page_of_the_site() -> None:
    own = {route.split("/")[0] for route in _first_segments()}
    own = {segment for segment in own if segment and segment[0] not in "<^("}

    assert own
    assert own <= names.RESERVED, own - names.RESERVED


@override_settings(ROOT_URLCONF="tests.web.broken_urls", DEBUG_PROPAGATE_EXCEPTIONS=False)
def test_a_fault_of_ours_shows_a_page_with_the_id_and_nothing_else(client: Client) -> None:
    client.raise_request_exception = False

    answer = client.get(
        "/broken", headers={"X-Request-Id": "look-for-this-id", "Accept": "text/html"}
    )

    assert answer.status_code == 500
    assert answer["X-Request-Id"] == "look-for-this-id"
    assert "look-for-this-id" in answer.text
    assert "a secret of the inside" not in answer.text
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/favicon.ico", "/api/v1/"])
def test_addresses_that_every_browser_or_footer_uses_lead_somewhere(
    client: Client, path: str
) -> None:
    assert client.get(path).status_code in {301, 302}
