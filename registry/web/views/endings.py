"""Ended licenses: the stewards' page, and giving one back or confirming that files are deleted."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.agreements import endings
from registry.agreements.models import EndingEvent
from registry.errors import RegistryError
from registry.web.forms.governing import EndLicenseForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
AGREEMENTS = "/settings/agreements"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponse:
    """All endings, and the form that ends a license: the first press counts, the second one acts on
    exactly these numbers."""
    if not endings.may_govern(request.caller):
        raise Http404("Only stewards end licenses.")
    form, counts = EndLicenseForm(request, request.POST if request.method == "POST" else None), None
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        expected = text_in(request.POST, "expected")
        if expected.isdecimal() and text_in(request.POST, "act") == "end":
            try:
                made = endings.end_license(
                    typed["license"],
                    event=typed["event"],
                    reason=typed["reason"],
                    party=typed["party"],
                    expected=int(expected),
                    by=request.caller,
                )
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                told = ngettext(
                    "%(n)s acceptance was ended.", "%(n)s acceptances were ended.", len(made)
                )
                messages.success(request, told % {"n": len(made)})
                return redirect("steward-endings")
        counts = endings.counts(typed["license"], typed["party"])
    return _page(request, form, counts)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def give_back(request: CallerRequest, acceptance_id: str) -> HttpResponse:
    """The licensee ends their own license, by typing what it is for."""
    found = get_object_or_404(
        endings.acceptances_of(request.caller).filter(ending=None), public_id=acceptance_id
    )
    name, typed, wrong = endings.name_of(found), "", ""
    if request.method == "POST":
        typed = text_in(request.POST, "name").strip()
        if typed.lower() != name.lower():
            wrong = _("Type %(name)s to give the license back. Nothing was ended.") % {"name": name}
        else:
            try:
                event = EndingEvent.LICENSEE
                endings.end(found, event=event, reason="", by=request.caller)
            except RegistryError as refusal:
                wrong = str(refusal)
            else:
                done = _("The license has ended. Delete the files that you hold, and confirm it.")
                messages.success(request, done)
                return redirect(AGREEMENTS)
    page = {"acceptance": found, "name": name, "typed": typed, "refusal": wrong}
    return render(request, "settings/give_back.html", page, status=422 if wrong else 200)


@login_required
@require_POST
def deleted(request: CallerRequest, acceptance_id: str) -> HttpResponse:
    """The licensee says that the files are deleted."""
    found = get_object_or_404(
        endings.of_caller(request.caller), acceptance__public_id=acceptance_id
    )
    try:
        endings.confirm_deletion(found, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Recorded: the files are deleted."))
    return redirect(AGREEMENTS)


def _page(
    request: CallerRequest, form: EndLicenseForm, counts: endings.Counts | None
) -> HttpResponse:
    found = endings.visible_to(request.caller).select_related("by", "deletion")
    only_open = text_in(request.GET, "show") == "open"
    shown = found.filter(endings.are_open()) if only_open else found
    context: dict[str, Any] = {
        "tab": "endings",
        "form": form,
        "counts": counts,
        "page": Paginator(shown, PER_PAGE).get_page(text_in(request.GET, "page")),
        "only_open": only_open,
        "all_count": found.count(),
        "open_count": found.filter(endings.are_open()).count(),
    }
    return render(request, "steward/endings.html", context, status=422 if form.errors else 200)
