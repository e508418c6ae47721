"""Whether this instance lives, and whether it can do its work."""

import tempfile
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from kombu.exceptions import OperationalError

from registry.celery import app
from registry.errors import StorageUnavailable
from registry.storage import backend


@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when each part answers; else 503, saying which does not. Details are in the log."""
    parts = {name: _state(check) for name, check in PARTS.items()}
    healthy = all(state == "ok" for state in parts.values())
    answer = {"status": "ready" if healthy else "not ready", "parts": parts}
    return JsonResponse(answer, status=200 if healthy else 503)


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except (DatabaseError, OperationalError, OSError, StorageUnavailable) as error:
        return f"failed: {type(error).__name__}"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _broker() -> None:
    with app.connection_for_write(connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=3)


def _storage() -> None:
    if settings.STORAGE == "s3":
        backend.of_blobs().size("ready")
        return
    with tempfile.TemporaryFile(dir=settings.BLOB_DIR) as probe:
        probe.write(b"ready?")


PARTS: dict[str, Callable[[], None]] = {
    "database": _database,
    "broker": _broker,
    "storage": _storage,
}
