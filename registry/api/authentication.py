"""Who asks: the bearer of the token in the Authorization header. Never a cookie."""

from typing import Any

from django.http import HttpRequest
from ninja.security.base import AuthBase

from registry.accounts import tokens
from registry.accounts.callers import Caller
from registry.errors import InvalidToken, SignInRequired


class ApiRequest(HttpRequest):
    """A request whose token was read."""

    auth: Caller
    request_id: str


class Token(AuthBase):
    """An access token has to be there."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "An access token of the registry: `Authorization: Bearer hf_…`."

    def __call__(self, request: HttpRequest) -> Any:
        caller = caller_of(request)
        if not caller.is_signed_in:
            raise SignInRequired("Send an access token: `Authorization: Bearer hf_…`.")
        return caller


# For the OpenAPI description of operations that also answer the public
OPTIONAL_TOKEN: dict[str, Any] = {"security": [{"Token": []}, {}]}


def caller_of(request: HttpRequest) -> Caller:
    """The bearer of the token that was sent, or nobody, who sees what the public sees.

    A token that is not good is refused.
    """
    request_id: str = request.request_id  # type: ignore[attr-defined]
    header = request.headers.get("Authorization", "")
    if not header:
        return Caller(request_id=request_id)
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise InvalidToken("Send the token as `Authorization: Bearer hf_…`.")
    return tokens.recognise(secret.strip(), request_id=request_id)
