"""What the site's middleware adds to a request, written down for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from registry.accounts.callers import Caller


class CallerRequest(HttpRequest):
    """A request that went through the middleware."""

    caller: Caller
    request_id: str
    htmx: HtmxDetails
