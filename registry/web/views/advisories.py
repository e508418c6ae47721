"""The pages of advisories: the list, one, who received it, and acting on what was released."""

import csv
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.accounts.callers import NOBODY
from registry.catalog.models import Repository
from registry.errors import Missing, RegistryError
from registry.releases import advisories, advisory_feed, recipients, withdrawals
from registry.releases.models import Advisory, AdvisoryKind, Severity
from registry.web import lookup
from registry.web.forms.aftermath import AdvisoryForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
PER_LIST = 100


@never_cache
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    """What the visitor may read, and above it what they were told and did not read yet."""
    found = advisories.listed(request.caller)
    severity, kind = text_in(request.GET, "severity"), text_in(request.GET, "kind")
    if severity in Severity.values:
        found = found.filter(severity=severity)
    if kind in AdvisoryKind.values:
        found = found.filter(kind=kind)
    context = {
        "page": Paginator(found, PER_PAGE).get_page(text_in(request.GET, "page")),
        "unread": [
            {"notice": one, "name": advisories.name_for(one.advisory, request.caller)}
            for one in recipients.unread(request.caller)[:5]
        ],
        "kinds": AdvisoryKind.values,
        "severities": Severity.values,
        "kind": kind,
        "severity": severity,
    }
    return render(request, "advisories/index.html", context)


@never_cache
@require_safe
def one(request: CallerRequest, advisory_id: str) -> HttpResponse:
    advisory = _or_404(request, advisory_id)
    works = _sees_recipients(request, advisory)
    context = {
        "advisory": advisory,
        "name": advisories.name_for(advisory, request.caller),
        "is_known": _is_known(request, advisory),
        "notice": recipients.notice_of(advisory, request.caller),
        "followed_by": advisory.followed_by.order_by("pk").first(),
        "progress": recipients.progress(advisory) if works else None,
        "may_act": works and withdrawals.may_act(advisory.repository, request.caller),
        "is_over": advisory.kind in advisories.WITHDRAWING and not advisories.holds(advisory),
    }
    return render(request, "advisories/advisory.html", context)


@never_cache
@login_required
@require_POST
def acknowledge(request: CallerRequest, advisory_id: str) -> HttpResponse:
    advisory = _or_404(request, advisory_id)
    try:
        recipients.acknowledge(advisory, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Noted that you read it."))
    return redirect(advisory)


@never_cache
@login_required
@require_safe
def received(request: CallerRequest, advisory_id: str) -> HttpResponse:
    """Who received it, for maintainers."""
    advisory = _or_404(request, advisory_id)
    try:
        rows = recipients.rows(advisory, by=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
    context = {
        "advisory": advisory,
        "name": advisories.name_for(advisory, request.caller),
        "page": Paginator(rows, PER_LIST).get_page(text_in(request.GET, "page")),
        "progress": recipients.progress(advisory),
        "shows_names": recipients.names_shown_to(request.caller),
    }
    return render(request, "advisories/received.html", context)


@never_cache
@login_required
@require_POST
def received_csv(request: CallerRequest, advisory_id: str) -> HttpResponse:
    advisory = _or_404(request, advisory_id)
    try:
        rows = recipients.export(advisory, by=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"received-{advisory.public_id}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    table = csv.DictWriter(response, recipients.COLUMNS)
    table.writeheader()
    table.writerows(rows)
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Suspending, recalling, restoring and warning, with what it is about and for which releases."""
    repository = lookup.repository_or_404(request, namespace, name)
    if not withdrawals.may_act(repository, request.caller):
        raise Http404("Only maintainers act on what was released.")
    releases = list(advisories.releases_of(repository)[: advisories.MAX_SCOPE])
    if request.method != "POST":
        given = {"step": text_in(request.GET, "step"), "releases": request.GET.getlist("release")}
        return _form(request, repository, AdvisoryForm(initial=given, releases=releases))
    form = AdvisoryForm(request.POST, releases=releases)
    if not form.is_valid():
        return _form(request, repository, form, status=422)
    said = form.cleaned_data
    try:
        made = withdrawals.act(
            said["step"],
            repository,
            scope=form.wanted(),
            by=request.caller,
            reason=said["reason"],
            category=said["category"],
            severity=said["severity"],
            conflicts=said.get("conflicts", ()),
        )
    except RegistryError as refusal:
        form.add_error(None, str(refusal))
        return _form(request, repository, form, status=409)
    messages.success(request, _("Done. Everybody who received it is told within minutes."))
    return redirect(made)


@require_safe
def feed(request: CallerRequest) -> HttpResponse:
    """What everybody may read, for programs; the same whoever asks."""
    base = request.build_absolute_uri("/").rstrip("/")
    try:
        body = advisory_feed.document(
            base, since=text_in(request.GET, "since"), before=text_in(request.GET, "before")
        )
    except RegistryError as refusal:
        return JsonResponse({"error": str(refusal)}, status=422)
    return _public(JsonResponse(body))


@require_safe
def feed_atom(request: CallerRequest) -> HttpResponse:
    base = request.build_absolute_uri("/").rstrip("/")
    context = {"base": base, **advisory_feed.newest()}
    answer = render(
        request, "advisories/feed.atom", context, content_type="application/atom+xml; charset=utf-8"
    )
    return _public(answer)


@require_safe
def entry(request: CallerRequest, advisory_id: str) -> HttpResponse:
    """One advisory as the feed has it."""
    found = advisories.listed(NOBODY).filter(public_id=advisory_id).first()
    if found is None:
        raise Http404("There is no such advisory.")
    base = request.build_absolute_uri("/").rstrip("/")
    return _public(JsonResponse(advisory_feed.entry(found, base)))


def _public(answer: HttpResponse) -> HttpResponse:
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=60"
    return answer


def _or_404(request: CallerRequest, advisory_id: str) -> Advisory:
    try:
        return advisories.find(advisory_id, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal


def _is_known(request: CallerRequest, advisory: Advisory) -> bool:
    return Repository.objects.visible_to(request.caller).filter(pk=advisory.repository_id).exists()


def _sees_recipients(request: CallerRequest, advisory: Advisory) -> bool:
    try:
        recipients.require_to_see(advisory, request.caller)
    except Missing:
        return False
    return True


def _form(
    request: CallerRequest, repository: Repository, form: AdvisoryForm, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {"repository": repository, "form": form}
    return render(request, "advisories/act.html", context, status=status)
