"""The operators' page: machines, devices, queues, what was given up. And the figures for programs."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from registry.catalog.models import Revision
from registry.checks import hosts, metrics, operations, rescans, runs
from registry.checks.models import CheckRun, Host
from registry.errors import RegistryError
from registry.releases import deciders
from registry.web.requests import CallerRequest

PER_PAGE = 25
STEPS = {"drain": True, "resume": False}


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    """htmx asks every few seconds for the part that changes."""
    _require_operator(request)
    now = timezone.now()
    page = Paginator(_dead_letters(request), PER_PAGE).get_page(request.GET.get("page"))
    context = _state(now) | {"page": page, "now": now}
    part = "#live" if request.htmx else ""
    if not part:
        context["outdated"] = rescans.to_offer()
        context["undecidable"] = list(deciders.stuck(request.caller)[:PER_PAGE])
    return render(request, f"operations/index.html{part}", context)


@login_required
@require_POST
def machine(request: CallerRequest, host_id: str, step: str) -> HttpResponse:
    """Drain a machine, or have it take jobs again."""
    _require_operator(request)
    host = get_object_or_404(Host, public_id=host_id)
    if step not in STEPS:
        raise Http404
    hosts.set_draining(host, draining=STEPS[step], by=request.caller)
    said = _("%(name)s takes no new jobs.") if STEPS[step] else _("%(name)s takes jobs again.")
    messages.success(request, said % {"name": host.name})
    return redirect("operations")


@login_required
@require_POST
def again(request: CallerRequest, run_id: str) -> HttpResponse:
    """Run the checks again that were given up."""
    _require_operator(request)
    run = get_object_or_404(_dead_letters(request), public_id=run_id)
    try:
        runs.rerun(run.revision, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The checks run again."))
    return redirect("operations")


@never_cache
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """GET /metrics, for who has the token that the site set. Else there is no such page."""
    sent = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN or not constant_time_compare(sent, wanted):
        raise Http404
    text = metrics.text(now=timezone.now())
    return HttpResponse(text, content_type=metrics.CONTENT_TYPE)


def _state(now: datetime) -> dict[str, Any]:
    queues = operations.queue_states(now=now)
    return {
        "queues": queues,
        "stuck": [queue for queue in queues if queue.is_stuck],
        "hosts": operations.host_states(now=now),
        "namespaces": operations.waiting_namespaces(now=now),
    }


def _dead_letters(request: CallerRequest) -> QuerySet[CheckRun]:
    """Those that this operator may know of: all of them, unless that changes."""
    visible = Revision.objects.visible_to(request.caller)
    return operations.dead_letters().filter(revision__in=visible)


def _require_operator(request: CallerRequest) -> None:
    if not hosts.may_operate(request.caller):
        raise Http404("Only site maintainers look after the machines.")
