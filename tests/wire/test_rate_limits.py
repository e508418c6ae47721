"""The real client above a limit: it reads how long to wait, waits, and succeeds."""

import time
from pathlib import Path
from typing import Any

import pytest

from registry.web import counters
from tests.factories import make_facts, make_released, make_token, make_user
from tests.wire.clients import Client, ClientError, newest_python

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def limited(live_server: Any, settings: Any, tmp_path: Path) -> Any:
    """A client of a registry with small limits."""
    settings.RATE_LIMITS = {"api": (2, 3), "login": (1, 600)}
    counters.store.cache_clear()
    make_facts()
    token = make_token(make_user("ada"))
    client = Client(newest_python(), live_server.url, token, tmp_path)
    yield client
    client.close()
    counters.store.cache_clear()


def test_the_client_waits_and_succeeds(limited: Client) -> None:
    repository = make_released().repository
    began = time.monotonic()

    for _ in range(3):
        (model,) = limited("list_models")

    assert model["id"] == str(repository)
    assert time.monotonic() - began > 1


def test_a_call_that_is_not_repeated_says_why(limited: Client) -> None:
    limited("whoami")

    with pytest.raises(ClientError, match="429|rate limit"):
        limited("whoami")
