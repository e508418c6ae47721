"""The review queue: what waits for whom by when, and who takes it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from registry.accounts.models import User
from registry.errors import RegistryError
from registry.releases import claims, review_queue
from registry.releases.models import Release, Report, ReportState
from registry.releases.review_queue import Wanted
from registry.web import queue_table
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 50
STATES = [
    ("in_review", pgettext_lazy("state", "in review")),
    ("changes_requested", pgettext_lazy("state", "changes requested")),
]
HOLDERS = [
    ("", gettext_lazy("anybody")),
    ("mine", gettext_lazy("me")),
    ("unclaimed", gettext_lazy("nobody yet")),
]
RISKS = [
    ("", gettext_lazy("any risk")),
    ("blocked", gettext_lazy("blocked by a check")),
    ("warned", gettext_lazy("with warnings")),
    ("code", gettext_lazy("brings code")),
    ("duties", gettext_lazy("with open duties")),
    ("newcomer", gettext_lazy("new contributor")),
    ("first", gettext_lazy("first release")),
]
SORTS = [
    ("due", gettext_lazy("due first")),
    ("age", gettext_lazy("longest waiting")),
    ("size", gettext_lazy("largest")),
    ("name", gettext_lazy("by name")),
]


@login_required
@require_safe
def queue(request: CallerRequest) -> HttpResponse:
    """What waits for a maintainer, the most urgent first."""
    if not request.caller.is_maintainer:
        raise Http404("Only maintainers have a queue.")
    now = timezone.now()
    wanted = _wanted(request)
    found = review_queue.find(request.caller, wanted, now=now)
    if text_in(request.GET, "export") == "csv":
        first = found[: queue_table.MAX_ROWS]
        return queue_table.answer(review_queue.shown(first, caller=request.caller, now=now))
    page = Paginator(found, PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {
        "page": page,
        "rows": review_queue.shown(page.object_list, caller=request.caller, now=now),
        "wanted": wanted,
        "is_filtered": wanted != Wanted(sort=wanted.sort),
        "views": _views(request, wanted, review_queue.counts(request.caller, now=now)),
        "appeals": Report.objects.visible_to(request.caller)
        .filter(state=ReportState.APPEALED)
        .count(),
        "workload": claims.workload(now),
        "choices": {"state": STATES, "holder": HOLDERS, "risk": RISKS, "sort": SORTS},
        "now": now,
    }
    return render(request, "reviews/queue.html", context)


@login_required
@require_POST
def claim(request: CallerRequest, release_id: str) -> HttpResponse:
    """Take a review, or give it to the maintainer who is named."""
    release = _release(request, release_id)
    name = text_in(request.POST, "reviewer")
    try:
        taken = claims.take(release, by=request.caller, reviewer=_reviewer(name))
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request,
            _("%(name)s works on it, until %(until)s UTC.")
            % {"name": taken.reviewer.username, "until": f"{taken.expires_at:%Y-%m-%d %H:%M}"},
        )
    return _back(request, release)


@login_required
@require_POST
def unclaim(request: CallerRequest, release_id: str) -> HttpResponse:
    """Give a review up, or take it from the maintainer who is named."""
    release = _release(request, release_id)
    name = text_in(request.POST, "reviewer")
    try:
        claims.give_up(release, by=request.caller, reviewer=_reviewer(name))
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is anybody's again."))
    return _back(request, release)


def _wanted(request: CallerRequest) -> Wanted:
    return Wanted(
        state=text_in(request.GET, "state") or "in_review",
        holder=text_in(request.GET, "holder"),
        overdue=bool(text_in(request.GET, "overdue")),
        namespace=text_in(request.GET, "namespace"),
        risk=text_in(request.GET, "risk"),
        sort=text_in(request.GET, "sort") or "due",
    )


def _views(request: CallerRequest, wanted: Wanted, counts: dict[str, int]) -> list[dict[str, Any]]:
    """The usual questions, each a link with how many answer to it."""
    usual: list[tuple[Any, str, dict[str, str]]] = [
        (_("Waiting"), "in_review", {}),
        (_("Mine"), "mine", {"holder": "mine"}),
        (_("Nobody's"), "unclaimed", {"holder": "unclaimed"}),
        (_("Overdue"), "overdue", {"overdue": "1"}),
        (_("With the contributor"), "changes_requested", {"state": "changes_requested"}),
    ]
    asked = {
        key: value
        for key, value in (
            ("state", wanted.state if wanted.state != "in_review" else ""),
            ("holder", wanted.holder),
            ("overdue", "1" if wanted.overdue else ""),
        )
        if value
    }
    return [
        {
            "title": title,
            "count": counts[key],
            "address": f"{request.path}?{urlencode(query)}" if query else request.path,
            "is_current": query == asked,
        }
        for title, key, query in usual
    ]


def _release(request: CallerRequest, release_id: str) -> Release:
    if not request.caller.is_maintainer:
        raise Http404("Only maintainers take reviews.")
    seen = Release.objects.visible_to(request.caller).select_related("repository__namespace")
    return get_object_or_404(seen, public_id=release_id)


def _reviewer(name: str) -> User | None:
    if not name:
        return None
    return get_object_or_404(claims.reviewers(), username__iexact=name)


def _back(request: CallerRequest, release: Release) -> HttpResponse:
    """To the page that asked: the queue as it was filtered, or the release."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, None) and wanted.startswith("/review"):
        return redirect(wanted)
    return redirect(release)
