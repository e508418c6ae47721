"""Reports of the public as a table for programs: what is known of the cases, and nothing of who reported
them or of what they wrote."""

from collections.abc import Iterable, Iterator

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from registry.accounts.callers import Caller
from registry.releases import cases
from registry.releases.models import Report
from registry.web.catalog_table import cell, line

MAX_ROWS = 10_000
CHUNK = 250
COLUMNS = ("id", "model", "version", "category", "state", "handler", "reported_at", "due_at")


def answer(caller: Caller, found: QuerySet[Report]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_lines(caller, found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="reports.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def _lines(caller: Caller, found: QuerySet[Report]) -> Iterator[str]:
    yield line(COLUMNS)
    for first in range(0, MAX_ROWS, CHUNK):
        part = list(found[first : first + CHUNK])
        yield from _rows(part, caller)
        if len(part) < CHUNK:
            return


def _rows(part: Iterable[Report], caller: Caller) -> Iterator[str]:
    names = cases.names_for(part, caller)
    for one in part:
        values = (
            one.public_id,
            names[one.repository_id],
            one.release.version if one.release else "",
            one.category,
            one.state,
            one.handler.username if one.handler else "",
            one.opened_at.isoformat(),
            one.due_at.isoformat() if one.due_at else "",
        )
        yield line([cell(value) for value in values])
