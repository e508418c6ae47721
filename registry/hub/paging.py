"""Long lists in pages: the client follows the Link to the next one word for word."""

import base64
import json
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from registry.errors import Invalid
from registry.hub import addresses, wire

MAX_PAGE = 1000

BAD_CURSOR = "cursor: follow the link of the page before, unchanged."


def limit(request: HttpRequest, default: int = MAX_PAGE) -> int:
    """How many items a page holds."""
    sent = request.GET.get("limit", "")
    if not sent:
        return default
    if not sent.isdecimal() or not sent.isascii() or int(sent[:9]) < 1:
        raise Invalid("limit: write a whole number, at least 1.")
    return min(int(sent[:9]), default)


def after(request: HttpRequest) -> Any:
    """What the cursor of the request says, None for the first page."""
    sent = request.GET.get("cursor", "")
    if not sent:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(sent.encode()))
    except (ValueError, RecursionError) as error:
        raise Invalid(BAD_CURSOR) from error
    if position is None:
        raise Invalid(BAD_CURSOR)
    return position


def after_text(request: HttpRequest) -> str | None:
    """As `after`, where the position is a name."""
    position = after(request)
    if position is not None and (not isinstance(position, str) or not can_be_kept(position)):
        raise Invalid(BAD_CURSOR)
    return position


def after_key(request: HttpRequest) -> int | None:
    """As `after`, where the position is the key of a row."""
    position = after(request)
    if position is not None and (type(position) is not int or not 0 <= position < 2**63):
        raise Invalid(BAD_CURSOR)
    return position


def by_key(
    request: HttpRequest,
    found: QuerySet[Any],
    describe: Callable[[Any], Any],
    *,
    newest_first: bool,
) -> HttpResponse:
    """A page of rows in the order of their keys, so that rows that come meanwhile move nothing."""
    size = limit(request)
    if (last := after_key(request)) is not None:
        found = found.filter(pk__lt=last) if newest_first else found.filter(pk__gt=last)
    rows = list(found.order_by("-pk" if newest_first else "pk")[: size + 1])
    response = wire.json_answer([describe(row) for row in rows[:size]])
    if len(rows) > size:
        link_next(request, response, rows[size - 1].pk)
    return response


def link_next(request: HttpRequest, response: HttpResponse, position: Any) -> None:
    """Say where the next page is: the same address and parameters, after `position`."""
    cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
    query = request.GET.copy()
    query["cursor"] = cursor
    # With one slash before it: after two, what was sent would begin with the name of a host
    url = request.build_absolute_uri(f"/{addresses.raw_path(request)}?{query.urlencode()}")
    response["Link"] = f'<{url}>; rel="next"'


def can_be_kept(text: str) -> bool:
    """Whether the database holds such a text: no zero byte, no half of a character."""
    return "\0" not in text and not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
