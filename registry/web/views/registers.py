"""The register of an organisation: its signatures, who is covered by one, and all of it as CSV."""

import csv
import io
from collections.abc import Iterator

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.accounts.models import Namespace
from registry.agreements import register
from registry.agreements.models import Acceptance
from registry.agreements.register import Cover, Row
from registry.errors import Missing
from registry.web.requests import CallerRequest, text_in
from registry.web.views import organisations

PER_PAGE = 25
MEMBERS = 100
COLUMNS = [
    "signature",
    "repository",
    "terms_hash",
    "documents",
    "signatory",
    "accepted_at",
    "receipt",
    "state",
    "ended_at",
    "member",
    "is_service",
    "covered_by",
    "since",
]


@never_cache
@login_required
@require_safe
def signatures(request: CallerRequest, name: str) -> HttpResponse:
    found = organisations.find(request, name)
    listed = _signatures(request, found)
    page = Paginator(listed, PER_PAGE).get_page(text_in(request.GET, "page"))
    rows = register.rows(list(page.object_list), found, caller=request.caller)
    shown = organisations.frame(request, found, "signatures") | {"page": page, "rows": rows}
    return render(request, "organisations/signatures.html", shown)


@never_cache
@login_required
@require_safe
def signature(request: CallerRequest, name: str, signature_id: str) -> HttpResponse:
    """One signature, and each member with what covers them."""
    found = organisations.find(request, name)
    one = get_object_or_404(_signatures(request, found), public_id=signature_id)
    (row,) = register.rows([one], found, caller=request.caller)
    page = Paginator(row.covered + row.uncovered, MEMBERS).get_page(text_in(request.GET, "page"))
    shown = organisations.frame(request, found, "signatures") | {"page": page, "row": row}
    return render(request, "organisations/signature.html", shown)


@never_cache
@login_required
@require_safe
def as_csv(request: CallerRequest, name: str) -> StreamingHttpResponse:
    """A line for each signature and member."""
    found = organisations.find(request, name)
    _signatures(request, found)
    rows = register.all_rows(found, caller=request.caller)
    answer = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="register-{found.name}.csv"'
    return answer


def _signatures(request: CallerRequest, found: Namespace) -> QuerySet[Acceptance]:
    try:
        return register.signatures(found, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal


def _lines(rows: Iterator[Row]) -> Iterator[str]:
    yield _line(COLUMNS)
    for row in rows:
        one = row.acceptance
        ended = row.ended_at.isoformat() if row.ended_at else ""
        shared = [
            one.public_id,
            row.repository,
            one.terms_hash,
            "; ".join(row.documents),
            one.user.username,
            one.accepted_at.isoformat(),
            row.receipt,
            row.state,
            ended,
        ]
        for cover in row.covered + row.uncovered:
            yield _line([*shared, *_of_member(cover)])


def _of_member(cover: Cover) -> list[str]:
    since = cover.since.isoformat() if cover.since else ""
    return [cover.user.username, str(cover.user.is_service).lower(), cover.by, since]


def _line(cells: list[str]) -> str:
    """What a spreadsheet would take for a formula begins with an apostrophe."""
    line = io.StringIO()
    csv.writer(line).writerow(
        [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell for cell in cells]
    )
    return line.getvalue()
