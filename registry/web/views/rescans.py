"""Rescans: what a new edition of the checks says of everything released, before it counts."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.checks import catalogue, rescans
from registry.checks.models import CheckRun, Rescan
from registry.errors import RegistryError
from registry.releases import evidence, gate
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 50


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponse:
    """All rescans, and the form that starts one."""
    _require_maintainer(request)
    refusal, reason = "", ""
    if request.method == "POST":
        reason = text_in(request.POST, "reason", limit=rescans.LONGEST_REASON + 1)
        try:
            made = rescans.start(reason=reason, by=request.caller)
        except RegistryError as error:
            refusal = str(error)
        else:
            messages.success(request, _("The rescan has begun, behind all other checks."))
            return redirect("rescan", made.public_id)
    found = Rescan.objects.select_related("started_by", "adopted_by")
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "edition": catalogue.CATALOGUE,
        "is_open": found.filter(adopted_at=None, given_up_at=None).exists(),
        "outdated": rescans.to_offer(),
        "refusal": refusal,
        "reason": reason,
    }
    return render(request, "reviews/rescans.html", context, status=409 if refusal else 200)


@never_cache
@login_required
@require_safe
def one(request: CallerRequest, rescan_id: str) -> HttpResponse:
    """How far it is, and each revision that it judges otherwise than what counts now. While it runs,
    htmx asks again for the part that changes."""
    _require_maintainer(request)
    rescan = get_object_or_404(Rescan, public_id=rescan_id)
    changes = rescans.changes(rescan)
    context = {
        "rescan": rescan,
        "progress": rescans.progress(rescan),
        "changed": len(changes),
        "would_block": sum(change.would_block for change in changes),
        "page": Paginator(changes, PER_PAGE).get_page(request.GET.get("page")),
        "is_open": rescan.adopted_at is None and rescan.given_up_at is None,
    }
    part = "#live" if request.htmx else ""
    return render(request, f"reviews/rescan.html{part}", context)


@never_cache
@login_required
@require_safe
def report(request: CallerRequest, rescan_id: str, run_id: str) -> JsonResponse:
    """The report of one of its runs, which no other page shows before it is adopted."""
    _require_maintainer(request)
    runs = CheckRun.objects.select_related("revision__repository__namespace")
    run = get_object_or_404(runs, rescan__public_id=rescan_id, public_id=run_id)
    answer = gate.decide(run.revision.repository, run.revision, caller=request.caller)
    return JsonResponse(
        evidence.report_for(run, answer, by=request.caller), json_dumps_params={"indent": 2}
    )


@login_required
@require_POST
def decide(request: CallerRequest, rescan_id: str, step: str) -> HttpResponse:
    """Adopt it or give it up."""
    _require_maintainer(request)
    rescan = get_object_or_404(Rescan, public_id=rescan_id)
    steps = {"adopt": rescans.adopt, "give-up": rescans.give_up}
    if step not in steps:
        raise Http404("There is no such step.")
    try:
        steps[step](rescan, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        said = {"adopt": _("Its verdicts count now."), "give-up": _("The rescan is given up.")}
        messages.success(request, said[step])
    return redirect("rescan", rescan.public_id)


def _require_maintainer(request: CallerRequest) -> None:
    if not rescans.may(request.caller):
        raise Http404("Only site maintainers rescan.")
