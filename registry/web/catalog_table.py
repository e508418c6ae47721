"""A list of the catalog as a table for programs: the same rows in the same order, up to a bound."""

import csv
import io
from collections.abc import Iterator, Sequence

from django.http import StreamingHttpResponse

from registry.accounts.callers import Caller
from registry.catalog import search
from registry.catalog.search import Wanted
from registry.web import catalog_rows

MAX_ROWS = 10_000
CHUNK = 250
COLUMNS = (
    "name",
    "version",
    "released_at",
    "license",
    "task",
    "parameters",
    "context_length",
    "base",
    "relation",
    "verdict",
    "access",
    "bytes",
    "downloads",
    "likes",
)
# A cell that begins like this is run as a formula by programs for tables
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def answer(caller: Caller, wanted: Wanted) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        lines(caller, wanted), content_type="text/csv; charset=utf-8", headers={"Vary": "Cookie"}
    )
    response["Content-Disposition"] = f'attachment; filename="{wanted.kind}s.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def lines(caller: Caller, wanted: Wanted) -> Iterator[str]:
    """The head, then the rows, a page of the catalog after the other."""
    yield line(COLUMNS)
    after, left = "", MAX_ROWS
    while left > 0:
        found = search.find(caller, wanted, after=after, size=min(CHUNK, left), with_facets=False)
        for row in catalog_rows.rows(found.entries, caller):
            record = catalog_rows.as_record(row)
            yield line([cell(record[name]) for name in COLUMNS])
        after, left = found.next, left - CHUNK
        if not after:
            return


def line(values: Sequence[str]) -> str:
    """A line of such a table."""
    written = io.StringIO()
    csv.writer(written).writerow(values)
    return written.getvalue()


def cell(value: object) -> str:
    """A value that no program for tables runs."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
