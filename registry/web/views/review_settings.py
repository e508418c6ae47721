"""What is asked of reviews: the policy and checklist of a namespace, and those of the site."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.accounts import permissions
from registry.accounts.models import Namespace
from registry.accounts.permissions import Permission
from registry.errors import RegistryError
from registry.releases import checklists, policies, reasons, steps
from registry.releases.models import ChecklistItem, Interest, ReasonTemplate
from registry.web.requests import CallerRequest, text_in

STEPS = {
    "request_changes": gettext_lazy("Ask for changes"),
    "reject": gettext_lazy("Reject"),
    "suspend": gettext_lazy("Suspend"),
    "restore": gettext_lazy("Restore"),
    "recall": gettext_lazy("Recall for good"),
    "approve": gettext_lazy("Approve"),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy(request: CallerRequest, namespace: str) -> HttpResponse:
    """What a namespace asks of its reviews: its admins set it, maintainers read it."""
    found = _namespace(request, namespace)
    if request.method != "POST":
        return _policy_page(request, found)
    approvals = text_in(request.POST, "approvals")
    try:
        policies.change(
            found,
            approvals=int(approvals) if approvals.isdecimal() and len(approvals) < 4 else 0,
            reviews_apart="reviews_apart" in request.POST,
            bars=request.POST.getlist("bars"),
            by=request.caller,
        )
    except RegistryError as refusal:
        typed = {"refusal": str(refusal), "typed_approvals": approvals}
        return _policy_page(request, found, typed, status=409)
    messages.success(request, _("The policy holds from now on, also for what is in review."))
    return redirect("review-policy", found.name)


@login_required
@require_safe
def site(request: CallerRequest) -> HttpResponse:
    """The checklist of the site, and reasons that maintainers give often."""
    return _site_page(request)


@login_required
@require_POST
def add_item(request: CallerRequest, namespace: str = "") -> HttpResponse:
    owner = _owner(request, namespace)
    text = text_in(request.POST, "text", limit=checklists.LONGEST + 1)
    try:
        checklists.add(text, namespace=owner, by=request.caller)
    except RegistryError as refusal:
        return _refused(request, owner, {"item_refusal": str(refusal), "text": text})
    messages.success(request, _("Approvals need it ticked from now on."))
    return _back(owner)


@login_required
@require_POST
def retire_item(request: CallerRequest, item_id: str, namespace: str = "") -> HttpResponse:
    owner = _owner(request, namespace)
    found = get_object_or_404(ChecklistItem, public_id=item_id, namespace=owner)
    try:
        checklists.retire(found, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("It is asked no more. What was ticked stays on record."))
    return _back(owner)


@login_required
@require_POST
def add_reason(request: CallerRequest) -> HttpResponse:
    _owner(request, "")
    typed = {
        "step": text_in(request.POST, "step"),
        "title": text_in(request.POST, "title"),
        "reason": text_in(request.POST, "text", limit=reasons.LONGEST + 1),
    }
    try:
        reasons.add(typed["step"], title=typed["title"], text=typed["reason"], by=request.caller)
    except RegistryError as refusal:
        return _site_page(request, typed | {"reason_refusal": str(refusal)}, status=409)
    messages.success(request, _("Every maintainer can start from it now."))
    return redirect("review-settings")


@login_required
@require_POST
def retire_reason(request: CallerRequest, reason_id: str) -> HttpResponse:
    _owner(request, "")
    found = get_object_or_404(ReasonTemplate, public_id=reason_id)
    try:
        reasons.retire(found, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    return redirect("review-settings")


def _namespace(request: CallerRequest, name: str) -> Namespace:
    found = get_object_or_404(Namespace, name__iexact=name)
    if not policies.may_read(found, request.caller):
        raise Http404("There is no such policy, or it is none of yours.")
    return found


def _owner(request: CallerRequest, namespace: str) -> Namespace | None:
    """Whose checklist it is: a namespace's, or the site's, which only maintainers know of."""
    if namespace:
        return _namespace(request, namespace)
    if not steps.reviews(request.caller):
        raise Http404("Only maintainers keep the checklist of the site.")
    return None


def _policy_page(
    request: CallerRequest,
    namespace: Namespace,
    typed: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "namespace": namespace,
        "policy": policies.of(namespace.pk),
        "most_approvals": policies.MOST_APPROVALS,
        "may_change": permissions.may(request.caller, Permission.ADMIN, namespace),
        "interests": Interest.choices,
        "items": checklists.of_namespace(namespace),
        "of_site": checklists.of_namespace(None),
    }
    return render(request, "reviews/policy.html", context | (typed or {}), status=status)


def _site_page(
    request: CallerRequest, typed: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    _owner(request, "")
    context: dict[str, Any] = {
        "items": checklists.of_namespace(None),
        "reasons": reasons.living(),
        "step_choices": [(step, STEPS[step]) for step in reasons.STEPS],
    }
    return render(request, "reviews/settings.html", context | (typed or {}), status=status)


def _refused(
    request: CallerRequest, owner: Namespace | None, typed: dict[str, Any]
) -> HttpResponse:
    if owner is None:
        return _site_page(request, typed, status=409)
    return _policy_page(request, owner, typed, status=409)


def _back(owner: Namespace | None) -> HttpResponse:
    return redirect("review-policy", owner.name) if owner else redirect("review-settings")
