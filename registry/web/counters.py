"""Counting requests in fixed windows: in Redis or Valkey where the broker is one, else in memory.

In memory each process counts for itself, so that a site with several lets through several times as
much. A store that cannot be reached lets everything through and is left alone for a while.
"""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

REST_SECONDS = 15.0
TIMEOUT_SECONDS = 0.1
MOST_IN_MEMORY = 100_000


@dataclass(frozen=True)
class Counted:
    """How often something was counted in its window, and how often failures of the address."""

    used: int
    failed: int


class Store(Protocol):
    def count(self, key: str, failures: str, seconds: int) -> Counted | None:
        """Count one more under `key`, and read `failures`. None when nobody can tell."""

    def add(self, key: str, seconds: int) -> None:
        """Count one more, without asking."""


class Memory:
    """Counts of this process. Windows that are over are thrown away when there are many."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def count(self, key: str, failures: str, seconds: int) -> Counted | None:
        with self._lock:
            used = self._add(key, seconds)
            return Counted(used, self._counts.get(failures, (0, 0.0))[0])

    def add(self, key: str, seconds: int) -> None:
        with self._lock:
            self._add(key, seconds)

    def _add(self, key: str, seconds: int) -> int:
        now = time.monotonic()
        if len(self._counts) > MOST_IN_MEMORY:
            self._counts = {k: v for k, v in self._counts.items() if v[1] > now}
            if len(self._counts) > MOST_IN_MEMORY:
                self._counts.clear()
        used = self._counts.get(key, (0, 0.0))[0] + 1
        self._counts[key] = (used, now + seconds)
        return used


class Shared:
    """Counts that all processes share, one round trip for each request."""

    SCRIPT = """
    local used = redis.call('INCR', KEYS[1])
    if used == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
    return {used, tonumber(redis.call('GET', KEYS[2]) or '0')}
    """

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(self.SCRIPT)
        self._rests_until = 0.0

    def count(self, key: str, failures: str, seconds: int) -> Counted | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            used, failed = self._script(keys=[key, failures], args=[seconds])
        except RedisError as error:
            self._rest(error)
            return None
        return Counted(int(used), int(failed))

    def add(self, key: str, seconds: int) -> None:
        self.count(key, key, seconds)

    def _rest(self, error: RedisError) -> None:
        self._rests_until = time.monotonic() + REST_SECONDS
        log.warning(
            "Requests are not counted for %.0f s, and none is refused for their number: %s",
            REST_SECONDS,
            type(error).__name__,
        )


@lru_cache(maxsize=1)
def store() -> Store:
    """Where this process counts."""
    if settings.CELERY_BROKER_URL.startswith(("redis://", "rediss://", "unix://")):
        return Shared(settings.CELERY_BROKER_URL)
    return Memory()
