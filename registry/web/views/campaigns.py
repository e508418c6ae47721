"""The stewards' pages of campaigns: what is proposed and announced, proposing, confirming, ending."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.agreements.models import DocumentVersion
from registry.errors import Missing, RegistryError
from registry.releases import campaigns, replacements
from registry.releases.models import Campaign, CampaignKind
from registry.web import terms_changes
from registry.web.forms.campaigns import CampaignForm, ReasonForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
# What the form begins with leaves the other steward so long
TIME_TO_CONFIRM = timedelta(days=7)


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    _require_steward(request)
    now = timezone.now()
    rows = Campaign.objects.select_related(*campaigns.RELATED)
    page = Paginator(rows, PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {
        "tab": "campaigns",
        "page": page,
        "rows": [_row(one, now) for one in page.object_list],
    }
    return render(request, "steward/campaigns.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: CallerRequest) -> HttpResponse:
    """Choose a version; then see whom and what it affects, and propose it."""
    _require_steward(request)
    now = timezone.now()
    wanted = text_in(request.GET, "version")
    if not wanted:
        context = {"tab": "campaigns", "candidates": campaigns.candidates(now)}
        return render(request, "steward/campaign_versions.html", context)
    version = get_object_or_404(
        DocumentVersion.objects.select_related("document"), public_id=wanted
    )
    hours = settings.CAMPAIGN_GRACE_HOURS
    version_begins = campaigns.first_moment(version, now)
    if request.method != "POST":
        begin = max(now + timedelta(hours=hours) + TIME_TO_CONFIRM, version_begins)
        day = datetime.combine(begin, time(tzinfo=UTC))
        form = CampaignForm(initial={"effective_on": day.date().isoformat()}, hours=hours)
        return _new(request, version, form, kind=CampaignKind.MATERIAL, at=day, now=now)
    form = CampaignForm(request.POST, hours=hours)
    is_valid = form.is_valid()
    at, kind = form.moment(now), form.cleaned_data.get("kind", CampaignKind.MATERIAL)
    if text_in(request.POST, "step") == "preview":
        return _new(request, version, form, kind=kind, at=at, now=now)
    if is_valid:
        try:
            note = form.cleaned_data["note"]
            made = campaigns.propose(
                version, kind=kind, effective_at=at, note=note, by=request.caller, now=now
            )
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Proposed. Another steward has to confirm it."))
            return redirect("steward-campaign", made.public_id)
    return _new(request, version, form, kind=kind, at=at, now=now, status=422)


@never_cache
@login_required
@require_safe
def campaign(request: CallerRequest, campaign_id: str) -> HttpResponse:
    return _page(request, _or_404(request, campaign_id))


@never_cache
@login_required
@require_POST
def take_step(request: CallerRequest, campaign_id: str, step: str) -> HttpResponse:
    found = _or_404(request, campaign_id)
    form = None
    try:
        if step == "confirm":
            campaigns.confirm(found, by=request.caller)
            messages.success(request, _("Confirmed. Everybody affected is told within minutes."))
        elif step == "cancel":
            form = ReasonForm(request.POST)
            if not form.is_valid():
                return _page(request, found, form=form, status=422)
            campaigns.cancel(found, reason=form.cleaned_data["reason"], by=request.caller)
            messages.success(request, _("Cancelled. Whoever was told of it is told so."))
        else:
            raise Http404
    except RegistryError as refusal:
        again = _or_404(request, campaign_id)
        return _page(request, again, form=form, refusal=str(refusal), status=409)
    return redirect("steward-campaign", campaign_id)


def _require_steward(request: CallerRequest) -> None:
    if not request.caller.is_steward:
        raise Http404("Only stewards have these pages.")


def _or_404(request: CallerRequest, campaign_id: str) -> Campaign:
    try:
        return campaigns.find(campaign_id, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal


def _row(one: Campaign, now: datetime) -> dict[str, Any]:
    state = campaigns.state_of(one, now)
    is_asking = state in {"grace", "in_force"} and one.kind == CampaignKind.MATERIAL
    return {
        "campaign": one,
        "state": state,
        "progress": campaigns.progress(one, now) if is_asking else None,
    }


def _new(
    request: CallerRequest,
    version: DocumentVersion,
    form: CampaignForm,
    *,
    kind: str,
    at: datetime,
    now: datetime,
    status: int = 200,
) -> HttpResponse:
    context = {
        "tab": "campaigns",
        "version": version,
        "form": form,
        "at": at,
        "counts": campaigns.preview(version, now=now, kind=kind, effective_at=at),
        "changes": _changes(version, before=at),
    }
    return render(request, "steward/campaign_new.html", context, status=status)


def _page(
    request: CallerRequest,
    one: Campaign,
    *,
    form: ReasonForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    row = _row(one, now)
    affected = one.changes.select_related("release__repository__namespace").order_by("pk")
    if row["state"] == "proposed":
        counts = campaigns.preview_of(one, now)
    else:
        counts = campaigns.counts_of(one, now)
    context = row | {
        "tab": "campaigns",
        "counts": counts,
        "changes": _changes(one.version, before=one.effective_at),
        "page": Paginator(affected, PER_PAGE).get_page(text_in(request.GET, "page")),
        "form": form or ReasonForm(),
        "refusal": refusal,
        "cannot_confirm": str(campaigns.refusal("confirm", one, request.caller, now=now) or ""),
        "cannot_cancel": str(campaigns.refusal("cancel", one, request.caller, now=now) or ""),
        "now": now,
    }
    return render(request, "steward/campaign.html", context, status=status)


def _changes(version: DocumentVersion, *, before: datetime) -> list[terms_changes.Change]:
    """The difference to each of the versions that this one replaces."""
    return [
        change
        for older in replacements.versions_replaced(version, before=before)
        for change in terms_changes.between(_alone(older), _alone(version))
    ]


def _alone(version: DocumentVersion) -> dict[str, Any]:
    document = version.document
    item = {
        "document": document.public_id,
        "slug": document.slug,
        "title": document.title,
        "version": version.version,
        "sha256": version.sha256,
    }
    return {"documents": [item]}
