"""What each refusal of a rule looks like on the wire: status, X-Error-Code and X-Error-Message."""

import re

from django.http import HttpRequest, HttpResponse, JsonResponse

from registry import errors
from registry.accounts.callers import Caller
from registry.catalog import moved
from registry.errors import RegistryError
from registry.hub import addresses

LOGIN = "Invalid username or password."
DISABLED = "Access to this resource is disabled."
MAX_HEADER = 2000

# The first kind that fits decides, so kinds stand before the kinds that they are a kind of.
STATUS: list[tuple[type[RegistryError], int, str]] = [
    (errors.InvalidToken, 401, ""),
    (errors.SignInRequired, 401, ""),
    (errors.RepositoryMissing, 404, "RepoNotFound"),
    (errors.RevisionMissing, 404, "RevisionNotFound"),
    (errors.EntryMissing, 404, "EntryNotFound"),
    (errors.DiscussionMissing, 404, ""),
    (errors.GateClosed, 403, "GatedRepo"),
    (errors.Missing, 404, ""),
    (errors.TooMany, 429, ""),
    (errors.NotAllowed, 403, ""),
    (errors.StaleParent, 412, ""),
    (errors.Conflict, 409, ""),
    (errors.NotNow, 409, ""),
    (errors.InvalidPath, 422, ""),
    (errors.NotGated, 400, "RepoNotGated"),
    (errors.Invalid, 400, ""),
    (errors.TooLarge, 413, ""),
    (errors.QuotaExceeded, 422, ""),
    (errors.StorageFull, 507, ""),
    (errors.StorageUnavailable, 503, ""),
]


def answer(refusal: RegistryError, request: HttpRequest, caller: Caller) -> HttpResponse:
    """The answer that a client understands and shows."""
    if isinstance(refusal, errors.Moved) and (at := _now_at(refusal, request)):
        response = JsonResponse(
            {"error": f"{refusal.was} is called {refusal.now} now."}, status=307
        )
        response["Location"] = at
        return response
    status, code = next((s, c) for kind, s, c in STATUS if isinstance(refusal, kind))
    message = str(refusal)
    body: dict[str, str] = {}
    if isinstance(refusal, errors.SignInRequired) and not isinstance(refusal, errors.InvalidToken):
        message = LOGIN
    if isinstance(refusal, errors.RepositoryMissing) and not caller.is_signed_in:
        status, message = 401, LOGIN
    closed = (errors.TermsRequired, errors.AccessRequired)
    if isinstance(refusal, closed) and not caller.is_signed_in:
        status = 401
    if refusal.next_url:
        url = request.build_absolute_uri(refusal.next_url)
        if isinstance(refusal, errors.GateClosed):
            message = f"{message} {_advice(refusal, url)}"
        else:
            body["url"] = url
    response = JsonResponse({"error": message, **body}, status=status)
    response["X-Error-Message"] = header_text(message)
    if code:
        response["X-Error-Code"] = code
    if isinstance(refusal, errors.TooMany | errors.StorageUnavailable):
        response["Retry-After"] = str(refusal.seconds)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if isinstance(refusal, errors.EntryMissing) and refusal.commit:
        response["X-Repo-Commit"] = refusal.commit
    return response


def not_found() -> HttpResponse:
    """The answer to an address that the registry does not serve."""
    return JsonResponse({"error": "Not found"}, status=404)


def header_text(text: str) -> str:
    """One line of Latin-1, which is all that a header may hold."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)[:MAX_HEADER].strip()
    return line.encode("latin-1", errors="replace").decode("latin-1")


def _now_at(refusal: errors.Moved, request: HttpRequest) -> str | None:
    return moved.location(
        addresses.raw_path(request),
        query=request.META.get("QUERY_STRING", ""),
        was=refusal.was,
        now=refusal.now,
    )


def _advice(refusal: RegistryError, url: str) -> str:
    if isinstance(refusal, errors.TermsRequired):
        return f"Visit {url} to read and accept the terms."
    if isinstance(refusal, errors.AccessRequired):
        return f"Visit {url} to ask for access."
    return f"See {url}"
