"""Rate limits: counted by token, else by address; refused in words that clients understand."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from registry.instance.processes import free_port
from registry.web import counters, rate_limits
from registry.web.counters import Memory, Shared
from tests.factories import make_token, make_user
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db
# So long that none ends while a test runs
WINDOW = 10**9


@pytest.fixture(params=["shared", "memory"])
def limited(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Settings with small limits, counted in the tests' own broker or in memory."""
    if request.param == "memory":
        settings.CELERY_BROKER_URL = "amqp://nobody@127.0.0.1/"
    settings.RATE_LIMITS = {"api": (3, WINDOW), "login": (2, WINDOW)}
    monkeypatch.setattr(counters, "TIMEOUT_SECONDS", 10)
    counters.store.cache_clear()
    chosen = counters.store()
    if isinstance(chosen, Shared):
        chosen._redis.flushdb()
    yield settings
    counters.store.cache_clear()


def test_one_too_many_is_refused_with_what_clients_read(limited: Any) -> None:
    answers = [Wire().get("/api/models") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0]["RateLimit"].startswith('"api";r=2;t=')
    last = answers[-1]
    assert last["RateLimit-Policy"] == f'"fixed window";"api";q=3;w={WINDOW}'
    assert last["RateLimit"] == f'"api";r=0;t={last["Retry-After"]}'
    assert 0 < int(last["Retry-After"]) <= WINDOW
    assert last["X-Request-Id"]
    assert "Too many" in last.json()["error"]


def test_each_token_and_each_kind_has_a_count_of_its_own(limited: Any) -> None:
    ada, bob = Wire(make_user()), Wire(make_user())
    for _ in range(3):
        ada.get("/api/models")

    assert ada.get("/api/models").status_code == 429
    assert bob.get("/api/models").status_code == 200
    assert Wire().get("/api/models").status_code == 200
    assert ada.get("/api/whoami-v2").status_code == 200


def test_a_token_is_the_same_however_its_header_is_spelled(limited: Any) -> None:
    ada = Wire(make_user())
    token = ada.headers["authorization"].removeprefix("Bearer ")
    spelled = [f"Bearer {token}", f"bearer {token}", f"BEARER   {token}", f" Bearer {token} "]

    statuses = [
        Client().get("/api/models", headers={"Authorization": header}).status_code
        for header in spelled
    ]

    assert statuses == [200, 200, 200, 429]


def test_who_am_i_has_a_limit_of_its_own(limited: Any) -> None:
    wire = Wire(make_user())

    statuses = [wire.get("/api/whoami-v2").status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


def test_trying_one_token_after_the_other_ends(limited: Any) -> None:
    good = make_token(make_user())
    guesses = [Wire(secret=f"hf_guess{n}").get("/api/models").status_code for n in range(3)]

    assert guesses == [401, 401, 429]
    assert Wire(secret=good).get("/api/models").status_code == 429
    assert Wire().get("/api/models").status_code == 200


@pytest.mark.parametrize("path", ["/accounts/login/", "/device", "/oauth/device", "/docs"])
def test_a_made_up_token_is_no_new_caller_where_nobody_reads_tokens(
    limited: Any, path: str
) -> None:
    limited.RATE_LIMITS = {"login": (2, WINDOW), "page": (2, WINDOW)}
    statuses = [Wire(secret=f"hf_any{n}").get(path).status_code for n in range(3)]

    assert statuses[-1] == 429
    assert 429 not in statuses[:-1]


def test_the_page_that_says_the_site_lives_is_never_counted(limited: Any) -> None:
    limited.RATE_LIMITS = {"page": (1, WINDOW)}

    assert [Client().get("/healthz").status_code for _ in range(3)] == [200] * 3


def test_a_forwarded_address_counts_only_behind_a_proxy(limited: Any) -> None:
    def asks(address: str) -> int:
        return int(Wire().get("/api/models", x_forwarded_for=address).status_code)

    assert [asks(f"10.0.0.{n}") for n in range(4)] == [200, 200, 200, 429]
    limited.BEHIND_PROXY = True
    assert [asks(f"9.9.9.{n}, 10.0.0.1") for n in range(4)] == [200, 200, 200, 429]
    assert asks("10.0.0.1, 10.0.0.2") == 200


def test_addresses_of_one_network_are_one(limited: Any) -> None:
    limited.BEHIND_PROXY = True

    asked = [
        Wire().get("/api/models", x_forwarded_for=f"2001:db8:1:1::{n}").status_code
        for n in range(4)
    ]

    assert asked == [200, 200, 200, 429]


def test_without_the_store_everything_passes_and_one_line_says_so(
    settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMITS = {"api": (1, WINDOW)}
    away = Shared(f"redis://:secret@127.0.0.1:{free_port()}/0")
    monkeypatch.setattr(counters, "store", lambda: away)

    with caplog.at_level(logging.WARNING, logger="registry.web.counters"):
        statuses = [Wire().get("/api/models").status_code for _ in range(5)]

    assert statuses == [200] * 5
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_memory_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "MOST_IN_MEMORY", 10)
    store = Memory()

    for n in range(100):
        store.add(f"key{n}", 60)

    assert len(store._counts) <= 11


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/models", "api"),
        ("/api/v1/releases", "api"),
        ("/api/whoami-v2", "login"),
        ("/oauth/token", "login"),
        ("/accounts/login/", "login"),
        ("/lab/tiny/resolve/main/a", "resolve"),
        ("/datasets/lab/tiny/resolve/main/a", "resolve"),
        ("/lab/tiny.git/info/lfs/objects/batch", "upload"),
        ("/lfs/objects/abc", "upload"),
        ("/api/models/lab/tiny/commit/main", "upload"),
        ("/api/models/lab/tiny/tree/main", "api"),
        ("/lab/tiny", "page"),
        ("/static/css/base.css", ""),
    ],
)
def test_each_address_is_of_one_kind(path: str, kind: str) -> None:
    assert rate_limits.kind_of(path) == kind
