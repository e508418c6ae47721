"""What every endpoint of the wire shares: who asks, what a body may be, how an answer looks."""

import functools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, cast

from django.core.exceptions import TooManyFieldsSent
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    UnreadablePostError,
)
from pydantic import BaseModel, ValidationError

from registry.accounts import tokens
from registry.accounts.callers import NOBODY, Caller
from registry.errors import Invalid, InvalidToken, RegistryError, TooLarge
from registry.hub import refusals
from registry.hub.bodies import Received

MAX_BODY = 4 * 1024**2

CUT_OFF = Invalid(
    "The body could not be read to its end: it broke off, or its chunks are not as HTTP has them. "
    "Nothing was kept; send it again."
)

# A backslash before it that is none of an escape's own makes it plain text
_ZERO_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Body = TypeVar("Body", bound=BaseModel)


class WireRequest(HttpRequest):
    """A request whose token was read."""

    caller: Caller
    at_pages: Caller
    request_id: str


class View(Protocol):
    def __call__(self, request: WireRequest, /, **kwargs: Any) -> HttpResponseBase: ...


def endpoint(
    *methods: str, caller: Callable[[HttpRequest], Caller] | None = None
) -> Callable[[Callable[..., HttpResponseBase]], View]:
    """Read the token, refuse other methods, turn refusals into answers.

    GET allows HEAD: the same code runs, and the body is left away. `caller` reads something else
    than people's tokens. A cookie is read by `browsing` alone.
    """
    allowed = {*methods, "HEAD"} if "GET" in methods else set(methods)

    def decorate(view: Callable[..., HttpResponseBase]) -> View:
        @functools.wraps(view)
        def run(request: WireRequest, /, **kwargs: Any) -> HttpResponseBase:
            request.at_pages = getattr(request, "caller", NOBODY)
            request.caller = NOBODY
            if request.method not in allowed:
                return finish(request, _method_not_allowed(allowed))
            try:
                request.caller = (caller or caller_of)(request)
                response = view(request, **kwargs)
            except RegistryError as refusal:
                response = refusals.answer(refusal, request, request.caller)
            except UnreadablePostError:
                response = refusals.answer(CUT_OFF, request, request.caller)
            return finish(request, response)

        run.methods = allowed  # type: ignore[attr-defined]
        return cast(View, run)

    return decorate


def by_method(**views: View) -> View:
    """One address with another endpoint for each method."""

    def run(request: WireRequest, /, **kwargs: Any) -> HttpResponseBase:
        view = views.get("GET" if request.method == "HEAD" else request.method or "")
        if view is None:
            return finish(request, _method_not_allowed(set(views)))
        return view(request, **kwargs)

    run.methods = set(views)  # type: ignore[attr-defined]
    run.views = views  # type: ignore[attr-defined]
    return run


def caller_of(request: HttpRequest) -> Caller:
    """Who the token stands for; nobody where none was sent."""
    request_id: str = getattr(request, "request_id", "")
    header = request.headers.get("Authorization", "")
    if not header.strip():
        return Caller(request_id=request_id)
    scheme, _, secret = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise InvalidToken("Invalid credentials in Authorization header")
    return tokens.recognise(secret.strip(), request_id=request_id)


def browsing(request: HttpRequest) -> Caller:
    """As `caller_of`, and where no token was sent whoever is signed in at the pages: for links to
    bytes, which change nothing. What another host asks for, one of the same domain too, brings
    nobody along."""
    if request.headers.get("Authorization", "").strip() or not _is_from_here(request):
        return caller_of(request)
    signed_in: Caller = request.at_pages  # type: ignore[attr-defined]
    return signed_in


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a page of ours asks, or somebody who typed the address. Old browsers, and all where
    the site has no HTTPS, do not say; then what they say of the page that asks has to be ours."""
    if (said := request.headers.get("Sec-Fetch-Site")) is not None:
        return said in {"same-origin", "none"}
    ours = f"{request.scheme}://{request.get_host()}"
    asking = [request.headers.get(name, "") for name in ("Origin", "Referer")]
    return all(one == ours or one.startswith(f"{ours}/") for one in asking if one)


def finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Headers that every answer needs: the same address is another thing for another caller."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response["Vary"] = "Authorization, Cookie"
    if request.method == "HEAD" and isinstance(response, HttpResponse):
        response.headers.setdefault("Content-Length", str(len(response.content)))
        response.content = b""
    return response


def body(request: HttpRequest, shape: type[Body]) -> Body:
    """The JSON body in its shape, or Invalid with what is wrong with it."""
    return shaped(parse(_whole(request) or b"{}"), shape)


def form(request: HttpRequest) -> QueryDict:
    """The fields of a form as clients send it."""
    if request.content_type == "multipart/form-data":
        raise Invalid("Send the form as application/x-www-form-urlencoded, or JSON.")
    try:
        return QueryDict(_whole(request), encoding="utf-8")
    except TooManyFieldsSent as error:
        raise TooLarge("The form has too many fields.") from error


def parse(sent: bytes) -> Any:
    """JSON in UTF-8, whose texts the database can hold."""
    try:
        text = sent.decode("utf-8-sig")
        value = json.loads(text)
        # In strict UTF-8, what the database does not hold can only be written as an escape
        if "\\u" in text:
            _check_texts(value)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not the JSON expected here: {error}.") from error
    return value


def shaped(value: Any, shape: type[Body]) -> Body:
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise Invalid(f"{where}: {first['msg']}.") from error


def json_answer(value: Any, *, status: int = 200) -> JsonResponse:
    return JsonResponse(value, safe=False, status=status)


def time(at: datetime) -> str:
    """`2026-03-14T09:26:53.000Z`: the only spelling that every client reads."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def flag(request: HttpRequest, name: str) -> bool:
    """A boolean of the query, as clients of every age write it."""
    return request.GET.get(name, "").lower() in {"true", "1"}


def values(request: HttpRequest, name: str) -> list[str]:
    """A list of the query: the key repeated, with or without `[]`."""
    found = [*request.GET.getlist(name), *request.GET.getlist(f"{name}[]")]
    if any("\0" in value for value in found):
        raise Invalid(f"{name}: a zero byte cannot be part of it.")
    return [value for value in found if value]


def warn(response: HttpResponseBase, topic: str, text: str) -> None:
    """Have the client show this to its user, once for the topic."""
    response["X-HF-Warning"] = refusals.header_text(f"{topic}; {text}")


def _whole(request: HttpRequest) -> bytes:
    sent = Received(request).read(MAX_BODY + 1)
    if len(sent) > MAX_BODY:
        raise TooLarge(f"The body is larger than {MAX_BODY // 1024**2} MiB.")
    return sent


def _method_not_allowed(allowed: set[str]) -> HttpResponse:
    response = JsonResponse({"error": "Method not allowed"}, status=405)
    response["Allow"] = ", ".join(sorted(allowed))
    return response


def _check_texts(value: Any) -> None:
    """Written out again, so that all texts are looked at in one pass, however many there are."""
    text = json.dumps(value, ensure_ascii=False)
    text.encode()
    if _ZERO_BYTE.search(text):
        raise ValueError("a text holds a zero byte")
