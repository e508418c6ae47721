"""How many requests a token, or an address without one, may make in a while, by kind of request."""

import hashlib
import ipaddress
import re
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from registry.web import counters

Handler = Callable[[HttpRequest], HttpResponse]

_LOGIN = re.compile(
    r"/(?:api/whoami-v2|oauth/|device$|accounts/(?:login|signup|password/reset)(?:/|$))"
)
_RESOLVE = re.compile(r"/(?:[^/]+/){1,3}(?:resolve|raw)/")
_UPLOAD = re.compile(r"/(?:lfs/|xet/|v1/|api/.*/(?:preupload|commit)/|.*\.git/info/lfs/)")
_FREE = re.compile(r"/(?:static/|healthz$|readyz$|favicon\.ico$)")
LOGIN_WINDOW = 300


class RateLimitMiddleware:
    """Counts each request, refuses those above the limit, and says how many are left. A limit is
    (requests, seconds).

    Bad tokens count against the address that sends them, so that trying one after the other helps
    nobody.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kind = kind_of(request.path_info)
        limit = settings.RATE_LIMITS.get(kind)
        if limit is None:
            return self.get_response(request)
        now = time.time()
        window = int(now // limit[1])
        left_seconds = max(1, int((window + 1) * limit[1] - now + 0.999))
        address = _network(request)
        failures = f"limit:failed:{address}:{int(now // LOGIN_WINDOW)}"
        key = f"limit:{kind}:{_who(request, address)}:{window}"
        counted = counters.store().count(key, failures, limit[1] + 1)
        if counted is None:
            return self.get_response(request)
        if counted.used > limit[0]:
            return _say(refusal(), kind, limit, left=0, seconds=left_seconds)
        guess = settings.RATE_LIMITS.get("login")
        has_token = "Authorization" in request.headers
        if guess is not None and has_token and counted.failed >= guess[0]:
            return _say(refusal(), "login", guess, left=0, seconds=_rest_of_login_window(now))
        response = self.get_response(request)
        if response.status_code == 401 and has_token:
            counters.store().add(failures, LOGIN_WINDOW + 1)
        left = limit[0] - counted.used
        return _say(response, kind, limit, left=left, seconds=left_seconds)


def kind_of(path: str) -> str:
    """The kind of a request, which is the name of its limit; "" for what is never counted."""
    if _FREE.match(path):
        return ""
    for kind, pattern in (("login", _LOGIN), ("upload", _UPLOAD), ("resolve", _RESOLVE)):
        if pattern.match(path):
            return kind
    return "api" if path.startswith("/api/") else "page"


def refusal() -> HttpResponse:
    text = "Too many requests. Wait, and send it again."
    response = JsonResponse({"error": text}, status=429)
    response["X-Error-Message"] = text
    return response


def _say(
    response: HttpResponse, kind: str, limit: tuple[int, int], *, left: int, seconds: int
) -> HttpResponse:
    response["RateLimit"] = f'"{kind}";r={left};t={seconds}'
    response["RateLimit-Policy"] = f'"fixed window";"{kind}";q={limit[0]};w={limit[1]}'
    if response.status_code == 429:
        response.headers.setdefault("Retry-After", str(seconds))
    return response


def _who(request: HttpRequest, address: str) -> str:
    """A token by its digest, however the header is spelled; anybody else by their address. On
    pages, where tokens are not read, a made-up one would be somebody new each time."""
    token = request.headers.get("Authorization", "").strip().partition(" ")[2].strip()
    if not token or not _reads_tokens(request.path_info):
        return address
    return hashlib.blake2b(token.encode(), digest_size=12).hexdigest()


def _reads_tokens(path: str) -> bool:
    return path.startswith("/api/") or kind_of(path) in {"upload", "resolve"}


def _network(request: HttpRequest) -> str:
    """The address; of IPv6 the part that a household or a machine has for itself."""
    sent: str = getattr(request, "client_address", "")
    try:
        address = ipaddress.ip_address(sent)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False).network_address)
    return str(address)


def _rest_of_login_window(now: float) -> int:
    return max(1, int(LOGIN_WINDOW - now % LOGIN_WINDOW + 0.999))
