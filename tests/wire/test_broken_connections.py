"""A database that broke off its connections costs the site's next requests nothing."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from django.db import connection, transaction

from tests.wire.conftest import Server

pytestmark = pytest.mark.django_db(transaction=True)
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def test_requests_after_a_restart_of_the_database_are_answered(server: Server) -> None:
    def ask() -> int:
        return httpx2.get(f"{server.url}/api/models", timeout=10).status_code

    with ThreadPoolExecutor(8) as threads, connection.cursor() as cursor:
        with transaction.atomic():  # all wait at once, so that each has a connection of its own
            cursor.execute("LOCK TABLE catalog_repository IN ACCESS EXCLUSIVE MODE")
            asked = [threads.submit(ask) for _ in range(8)]
            time.sleep(2)
        assert [answer.result() for answer in asked] == [200] * 8
        cursor.execute(TERMINATE)

    assert [ask() for _ in range(12)] == [200] * 12
