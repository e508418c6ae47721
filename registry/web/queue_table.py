"""The review queue as a table for programs: what the page lists, in the same order, up to a bound."""

import csv
from collections.abc import Iterable

from django.http import HttpResponse

from registry.agreements.exports import FORMULA
from registry.releases.review_queue import Waiting

MAX_ROWS = 1000
COLUMNS = (
    "release",
    "name",
    "version",
    "state",
    "due_at",
    "opened_at",
    "opened_by",
    "with",
    "verdict",
    "blocked",
    "warned",
    "brings_code",
    "new_contributor",
    "first_release",
    "licenses",
    "open_duties",
    "bytes",
)


def answer(rows: Iterable[Waiting]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="review-queue.csv"'
    response["Cache-Control"] = "private, no-store"
    table = csv.writer(response)
    table.writerow(COLUMNS)
    table.writerows([_cell(value) for value in _values(row)] for row in rows)
    return response


def _values(row: Waiting) -> tuple[object, ...]:
    release = row.release
    return (
        release.public_id,
        release.repository.full_name,
        release.version,
        release.status,
        release.due_at.isoformat(timespec="seconds"),
        release.opened_at.isoformat(timespec="seconds"),
        release.opened_by.username,
        " ".join(claim.reviewer.username for claim in row.claims),
        row.run.verdict if row.run else "",
        row.blocked,
        row.warned,
        *(int(one) for one in (row.code, row.newcomer, row.first)),
        "; ".join(row.licenses),
        "" if row.open_duties is None else row.open_duties,
        release.revision.total_size,
    )


def _cell(value: object) -> str:
    """A program for tables would run a cell that begins like a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
