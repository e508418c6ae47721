"""The services that the tests themselves run on."""

import os
import socket

import pytest
import redis
from django.core.cache import cache
from django.db import connection
from pytest_socket import SocketConnectBlockedError


@pytest.mark.django_db
def test_the_database_is_a_real_postgresql_with_the_cache_table():
    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        assert cursor.fetchone()[0].startswith("PostgreSQL")
    cache.set("kept", 1)
    assert cache.get("kept") == 1


def test_the_broker_answers():
    with redis.Redis.from_url(os.environ["REGISTRY_BROKER_URL"]) as broker:
        assert broker.ping()


@pytest.mark.filterwarnings("ignore:A test tried to use")
def test_nothing_reaches_beyond_this_machine():
    with socket.socket() as outside, pytest.raises(SocketConnectBlockedError):
        outside.connect(("192.0.2.1", 80))
