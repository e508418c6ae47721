"""The page where somebody lets in a program that shows a code elsewhere."""

import time

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from registry.accounts import devices
from registry.errors import RegistryError, TooMany
from registry.web import counters
from registry.web.forms.devices import CodeForm, DecisionForm
from registry.web.requests import CallerRequest, text_in

MOST_TRIES = 10
TRIES_SECONDS = 600


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def device(request: CallerRequest) -> HttpResponse:
    """Without a code it is asked for; with one, the page says what asks and takes the decision."""
    if request.method == "POST" and "decision" in request.POST:
        return _decide(request)
    code = text_in(request.GET, "code", limit=20)
    form = CodeForm({"code": code} if code else None)
    page: dict[str, object] = {"form": form}
    if code and form.is_valid():
        try:
            _count_try(request)
            page["asks"] = devices.find(code, by=request.caller)
            page["form"] = DecisionForm(initial={"code": code})
        except RegistryError as refusal:
            form.add_error("code", str(refusal))
    return render(request, "settings/device.html", page)


def _decide(request: CallerRequest) -> HttpResponse:
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return render(request, "settings/device.html", {"form": CodeForm(request.POST)})
    code = form.cleaned_data["code"]
    try:
        _count_try(request)
        if request.POST["decision"] == "allow":
            devices.allow(code, scope=form.cleaned_data["scope"], by=request.caller)
            messages.success(
                request, _("The program is signed in. You can end that below at any time.")
            )
        else:
            devices.deny(code, by=request.caller)
            messages.success(request, _("The program was kept out."))
    except RegistryError as refusal:
        messages.error(request, str(refusal))
        return redirect("device")
    return redirect("tokens")


def _count_try(request: CallerRequest) -> None:
    """Codes are short; nobody gets to try many, however many at once."""
    key = f"device-tries:{request.caller.public_id}:{int(time.time() // TRIES_SECONDS)}"
    counted = counters.store().count(key, key, TRIES_SECONDS)
    if counted is not None and counted.used > MOST_TRIES:
        raise TooMany(_("Too many codes were tried. Wait ten minutes."), seconds=TRIES_SECONDS)
