"""Signing in by device code, as `hf auth login` does it. Forms come in, OAuth's JSON goes out."""

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from registry.accounts import devices
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.devices import Issued, OAuthError
from registry.hub import wire
from registry.hub.bodies import Received
from registry.hub.wire import WireRequest

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
MAX_FORM = 64 * 1024
_PRODUCT = re.compile(r"[\w.-]{1,40}/[\w.+-]{1,40}")


def _nobody(request: HttpRequest) -> Caller:
    """Whoever asks here has no token yet, or an old one that says nothing."""
    return NOBODY


@wire.endpoint("POST", caller=_nobody)
def device(request: WireRequest) -> HttpResponse:
    """POST /oauth/device: a code for a program that has no browser"""
    _form(request)
    address: str = getattr(request, "client_address", "")
    codes = devices.begin(client=_client(request), address=address)
    page = request.build_absolute_uri("/device")
    return _kept_by_nobody(
        {
            "device_code": codes.device,
            "user_code": codes.user,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?code={codes.user}",
            "interval": devices.INTERVAL_SECONDS,
            "expires_in": int(devices.CODE_LIFETIME.total_seconds()),
        }
    )


@wire.endpoint("POST", caller=_nobody)
def token(request: WireRequest) -> HttpResponse:
    """POST /oauth/token: the token, once a person has let the program in"""
    form = _form(request)
    grant = form.get("grant_type", "")
    if grant == DEVICE_CODE:
        outcome = devices.redeem(form.get("device_code", ""))
    elif grant == "refresh_token":
        outcome = devices.renew(form.get("refresh_token", ""))
    else:
        outcome = OAuthError("unsupported_grant_type", "Device codes and refresh tokens alone.")
    if isinstance(outcome, Issued):
        return _kept_by_nobody(
            {
                "access_token": outcome.access,
                "refresh_token": outcome.refresh,
                "expires_in": outcome.seconds,
                "token_type": "bearer",
            }
        )
    told = {"error": outcome.code, "error_description": outcome.description}
    return _kept_by_nobody({key: value for key, value in told.items() if value}, status=400)


def _form(request: WireRequest) -> QueryDict:
    """The form as it was sent; what is none of a form's fields is an empty form."""
    sent = Received(request).read(MAX_FORM + 1)
    if len(sent) > MAX_FORM or "json" in request.headers.get("Content-Type", ""):
        return QueryDict()
    return QueryDict(sent, encoding="utf-8")


def _client(request: HttpRequest) -> str:
    """What asks, in its own words, as far as they are harmless: `hf/2.4.0, python/3.11`."""
    found = _PRODUCT.findall(request.headers.get("User-Agent", "")[:500])
    return ", ".join(dict.fromkeys(found[:3]))


def _kept_by_nobody(value: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = wire.json_answer(value, status=status)
    response["Cache-Control"] = "no-store"
    return response
