"""The page where a release is looked at and decided, and what a decision would tell."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from registry.errors import RegistryError
from registry.releases import checklists, notices, reasons, steps, workflow
from registry.releases.models import Release, Status
from registry.web import review_page
from registry.web.requests import CallerRequest, text_in

LONGEST_REASON = steps.MAX_REASON + 1  # one more, so that the rule sees that it is too long


@require_safe
def release(request: CallerRequest, release_id: str) -> HttpResponse:
    """Everything about one release: evidence, what changed, decisions so far, what can be done."""
    return _page(request, find(request, release_id))


@login_required
@require_POST
def take_step(request: CallerRequest, release_id: str, step: str) -> HttpResponse:
    """Decide; or with `preview` see what the contributor would be told, or with `start` begin with a
    reason that was written down for all."""
    found = find(request, release_id)
    typed = _typed(request, step)
    if "preview" in request.POST:
        typed["preview"] = notices.of(step, found, reason=typed["reason"])
        return _page(request, found, typed)
    if "start" in request.POST:
        typed["reason"] = _started(typed["reason"], text_in(request.POST, "template"))
        return _page(request, found, typed)
    try:
        moved = workflow.transition(
            step,
            found,
            by=request.caller,
            reason=typed["reason"],
            digest=text_in(request.POST, "digest"),
            acknowledged=typed["ticked"],
            conflicts=typed["known"],
            ticked=typed["looked_at"],
        )
    except RegistryError as refusal:
        typed["refusal"] = str(refusal)
        return _page(request, find(request, release_id), typed, status=409)
    messages.success(request, _said(moved, step))
    return redirect(moved)


@login_required
@require_POST
def tick(request: CallerRequest, release_id: str) -> HttpResponse:
    """Keep what a reviewer has looked at so far."""
    found = find(request, release_id)
    try:
        checklists.tick_off(
            found,
            request.POST.getlist("looked_at"),
            by=request.caller,
            digest=text_in(request.POST, "digest"),
        )
    except RegistryError as refusal:
        typed = _typed(request, "approve") | {"refusal": str(refusal)}
        return _page(request, find(request, release_id), typed, status=409)
    messages.success(request, _("Kept. What is ticked counts for exactly this release digest."))
    return redirect(found)


def find(request: CallerRequest, release_id: str) -> Release:
    seen = Release.objects.visible_to(request.caller).select_related(
        "repository__namespace",
        "revision__repository__namespace",
        "revision__author",
        "opened_by",
        "discussion",
    )
    return get_object_or_404(seen, public_id=release_id)


def _page(
    request: CallerRequest,
    release: Release,
    typed: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = review_page.of(release, request.caller) | (typed or {})
    return render(request, "reviews/release.html", context, status=status)


def _typed(request: CallerRequest, step: str) -> dict[str, Any]:
    return {
        "refused_step": step,
        "reason": text_in(request.POST, "reason", limit=LONGEST_REASON),
        "ticked": request.POST.getlist("acknowledged"),
        "known": request.POST.getlist("conflicts"),
        "looked_at": request.POST.getlist("looked_at"),
    }


def _started(reason: str, template: str) -> str:
    """What was typed, with the reason that was chosen after it."""
    chosen = reasons.living().filter(public_id=template).first()
    return "\n\n".join(part for part in (reason.strip(), chosen.text if chosen else "") if part)


def _said(release: Release, step: str) -> str:
    if step == "approve" and release.status == Status.IN_REVIEW:
        return _("Your approval is recorded. Another maintainer has to approve as well.")
    return _("%(version)s of %(name)s is now: %(state)s.") % {
        "version": release.version,
        "name": release.repository.full_name,
        "state": Status(release.status).label,
    }
