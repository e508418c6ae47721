"""What the site's middleware adds to a request, written down for the type checker."""

from django.http import HttpRequest, QueryDict
from django_htmx.middleware import HtmxDetails

from registry.accounts.callers import Caller


class CallerRequest(HttpRequest):
    """A request that went through the middleware."""

    caller: Caller
    request_id: str
    htmx: HtmxDetails


def text_in(values: QueryDict, key: str, *, limit: int = 200) -> str:
    """One value of a query or a form that no form class reads, in a shape that the database takes."""
    return values.get(key, "").replace("\0", "")[:limit]
