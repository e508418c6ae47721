"""What every request gets: an id that logs and answers share, and the caller who asks."""

import re
import uuid
from collections.abc import Callable
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from registry.accounts import callers
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import moved
from registry.errors import Moved
from registry.web import request_ids

Handler = Callable[[HttpRequest], HttpResponse]

# Ids of the Hub clients are UUIDs; what else comes must at least be harmless in a log line
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=:;-]{7,63}")


class RequestIdMiddleware:
    """Takes the client's id where it is sane, else makes one, and echoes it on every answer."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _id_of(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        reset = request_ids.current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            request_ids.current.reset(reset)
        response["X-Request-Id"] = request_id
        return response


class CallerMiddleware:
    """Says who asks at the site's own pages. Entrances that read tokens replace it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Lazy, so that a request that asks for nobody costs no session and no query
        request.caller = SimpleLazyObject(lambda: _caller_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)


class FormerNameMiddleware:
    """Sends pages asked for by a former name of a repository to those with its name now."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Moved):
            return None
        at = moved.location(
            quote(request.path_info),
            query=request.META.get("QUERY_STRING", ""),
            was=error.was,
            now=error.now,
        )
        if at is None:
            raise Http404(str(error)) from error
        response = HttpResponse(status=307)
        response["Location"] = at
        return response


def _id_of(request: HttpRequest) -> str:
    for header in ("X-Amzn-Trace-Id", "X-Request-Id"):
        sent = request.headers.get(header, "")
        if _SANE.fullmatch(sent):
            return sent
    return str(uuid.uuid4())


def _caller_of(request: HttpRequest) -> Caller:
    request_id: str = request.request_id  # type: ignore[attr-defined]
    if isinstance(request.user, User):
        return callers.of_session(request.user, request_id=request_id)
    return Caller(request_id=request_id)
