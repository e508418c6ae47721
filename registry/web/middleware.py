"""What every request gets: an id that logs and answers share, and the caller who asks."""

import logging
import re
import time
import uuid
from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.functional import SimpleLazyObject, empty

from registry.accounts import callers, languages
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import moved
from registry.errors import Moved, StorageUnavailable
from registry.web import request_ids
from registry.web.views import errors

Handler = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger("registry.requests")

FOR_PROGRAMS = ("/api/", "/healthz")

# Ids of the Hub clients are UUIDs; what else comes must at least be harmless in a log line
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=:;-]{7,63}")
# The links of mails: whoever has one is let in
_WITH_SECRET = re.compile(r"^(/accounts/(?:password/reset/key|confirm-email)/).+")


class RequestIdMiddleware:
    """Takes the client's id where it is sane, else makes one, and echoes it on every answer. Once
    the answer is sent, one line says what was asked and how it went."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = _id_of(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        request.client_address = _address_of(request)  # type: ignore[attr-defined]
        began = time.perf_counter()
        reset = request_ids.current.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            request_ids.current.reset(reset)
        response["X-Request-Id"] = request_id
        # A long file is sent after this; what closes the answer knows how long it took
        response._resource_closers.append(  # type: ignore[attr-defined]
            lambda: _note(request, response, seconds=time.perf_counter() - began)
        )
        return response


class CallerMiddleware:
    """Says who asks at the site's own pages. Entrances that read tokens replace it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Lazy, so that a request that asks for nobody costs no session and no query
        request.caller = SimpleLazyObject(lambda: _caller_of(request))  # type: ignore[attr-defined]
        return self.get_response(request)


class LanguageMiddleware:
    """Speaks the language that a person chose, in a browser that was told of none. The entrances of
    programs answer in English whoever asks."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Without a session nobody is signed in, and nothing has to be asked for to know it
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES
        was_told = settings.LANGUAGE_COOKIE_NAME in request.COOKIES
        if has_session and not was_told and not request.path_info.startswith(FOR_PROGRAMS):
            person = request.user
            if isinstance(person, User) and person.language:
                translation.activate(languages.of(person))
                request.LANGUAGE_CODE = translation.get_language()
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


class StorageAwayMiddleware:
    """Says of pages, while the place where bytes lie does not answer, that it is to be tried again
    later."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, StorageUnavailable):
            return None
        response = errors.server_error(request)
        response.status_code = 503
        response["Retry-After"] = str(error.seconds)
        return response


def _note(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    """The line of a request: without its query, in which a signed address carries its proof."""
    request_id: str = request.request_id  # type: ignore[attr-defined]
    told = {
        "method": (request.method or "")[:16],
        "path": quote(_WITH_SECRET.sub(r"\1…", request.path[:1024]), safe="/…"),
        "status": response.status_code,
        "bytes": response.headers.get("Content-Length", "-"),
        "ms": round(seconds * 1000, 1),
        "caller": _known_caller(request) or "-",
    }
    log.info(
        "%(method)s %(path)s %(status)s %(bytes)s bytes %(ms)s ms by %(caller)s",
        told,
        extra={"request_id": request_id, "told": told},
    )


def _known_caller(request: HttpRequest) -> str:
    """The public id of who asked, where somebody wanted to know it anyway."""
    caller = getattr(request, "auth", None)
    if caller is None:
        caller = getattr(request, "caller", None)
        # To ask it anything, its truth included, would find out who it is
        if isinstance(caller, SimpleLazyObject) and caller._wrapped is empty:
            return ""
    return str(getattr(caller, "public_id", ""))


def _address_of(request: HttpRequest) -> str:
    """Where the request came from: behind a proxy, what the proxy itself wrote down last."""
    if settings.BEHIND_PROXY:
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


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
