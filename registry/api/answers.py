"""What refusals look like: one JSON shape with a sentence and where to go next, and their statuses."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import Field

from registry import errors
from registry.catalog import moved
from registry.errors import RegistryError

STATUSES: dict[type[RegistryError], int] = {
    errors.SignInRequired: 401,
    errors.NotAllowed: 403,
    errors.GateClosed: 403,
    errors.RepositoryMissing: 404,
    errors.RevisionMissing: 404,
    errors.EntryMissing: 404,
    errors.DiscussionMissing: 404,
    errors.Missing: 404,
    errors.TooMany: 429,
    errors.NotNow: 409,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.QuotaExceeded: 422,
    errors.StorageFull: 507,
    errors.StorageUnavailable: 503,
}
NOT_FOUND = "There is nothing here, or nothing that you may know of."


class Refusal(Schema):
    """Why the answer is no."""

    error: str = Field(description="One sentence: what is wrong and what to do.")
    next: str = Field(description="The page where to go on, or empty.")


ANYBODY = {404: Refusal, 422: Refusal, 401: Refusal}
READING = {401: Refusal, 404: Refusal}
CHANGING = {401: Refusal, 403: Refusal, 404: Refusal, 409: Refusal, 422: Refusal}


class Api(NinjaAPI):
    """django-ninja whose every answer is for its caller alone, and is stored nowhere."""

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        return _private(super().create_temporal_response(request))

    def create_response(self, request: HttpRequest, data: Any, **rest: Any) -> HttpResponse:
        return _private(super().create_response(request, data, **rest))


# django-ninja types an exception handler's argument as the exception or its class: hence Any
def refuse(request: HttpRequest, refusal: Any) -> HttpResponse:
    """The answer that a rule's refusal becomes."""
    if isinstance(refusal, errors.Moved) and (at := _now_at(request, refusal)):
        moved_answer = _say(request, f"It is called {refusal.now} now.", status=307, next_url=at)
        moved_answer["Location"] = at
        return moved_answer
    status = next(STATUSES[kind] for kind in type(refusal).__mro__ if kind in STATUSES)
    answer = _say(request, str(refusal), status=status, next_url=refusal.next_url)
    if isinstance(refusal, errors.TooMany | errors.StorageUnavailable):
        answer["Retry-After"] = str(refusal.seconds)
    if status == 401:
        bad = isinstance(refusal, errors.InvalidToken)
        answer["WWW-Authenticate"] = 'Bearer realm="registry"' + (
            ', error="invalid_token"' if bad else ""
        )
    return answer


def not_found(request: HttpRequest, *args: Any, **rest: Any) -> HttpResponse:
    """An address that is none of the API's."""
    return _say(request, NOT_FOUND, status=404)


def wrong_method(request: HttpRequest, refused: HttpResponse) -> HttpResponse:
    """The address exists, for other methods."""
    allowed = refused["Allow"]
    answer = _say(request, f"Use {allowed} here, not {request.method}.", status=405)
    answer["Allow"] = allowed
    return answer


def say_what_is_malformed(request: HttpRequest, malformed: Any) -> HttpResponse:
    return _say(request, " ".join(_sentence(error) for error in malformed.errors[:5]), status=422)


def say_what_is_unreadable(request: HttpRequest, unreadable: Any) -> HttpResponse:
    return _say(request, "The body has to be a JSON object in UTF-8.", status=422)


def add_handlers(api: Api) -> None:
    """Every refusal, of rules and of django-ninja alike, has the one shape."""
    api.add_exception_handler(RegistryError, refuse)
    api.add_exception_handler(Http404, not_found)
    api.add_exception_handler(ValidationError, say_what_is_malformed)
    api.add_exception_handler(HttpError, say_what_is_unreadable)


def _say(request: HttpRequest, sentence: str, *, status: int, next_url: str = "") -> HttpResponse:
    where = request.build_absolute_uri(next_url) if next_url else ""
    body = Refusal(error=sentence, next=where).model_dump_json()
    return _private(HttpResponse(body, status=status, content_type="application/json"))


def _now_at(request: HttpRequest, refusal: errors.Moved) -> str | None:
    query = request.META.get("QUERY_STRING", "")
    return moved.location(request.path_info, query=query, was=refusal.was, now=refusal.now)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = "Authorization"
    return response


def _sentence(error: dict[str, Any]) -> str:
    source, *place = (str(part) for part in error["loc"])
    if source == "body":
        place = place[1:]  # the first is our name for the body as a whole
    name = f"`{'.'.join(place)[:100]}`" if place else "The body"
    if error["type"] == "missing":
        return f"{name} is missing."
    if error["type"] == "extra_forbidden":
        return f"{name} is not known here."
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}."
