"""What the site holds about a person: taken away and erased, by themselves or by a steward."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.accounts.models import User
from registry.agreements import endings, personal_data, privacy
from registry.errors import RegistryError
from registry.web.forms.governing import EraseForm
from registry.web.requests import CallerRequest


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponse:
    """What is held and for how long; a POST erases the account, once its name was typed."""
    user = _person(request)
    form = EraseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            privacy.erase(user, by=request.caller, confirmed=form.cleaned_data["name"])
        except RegistryError as refusal:
            form.add_error("name", str(refusal))
        else:
            logout(request)
            messages.success(request, _("Your account is erased, and you are signed out."))
            return redirect("catalog")
    page = {
        "form": form,
        "keeps_address": privacy.keeps_address(user),
        "request_days": settings.REQUEST_WORDS_DAYS,
        "acceptance_days": settings.ACCEPTANCE_WORDS_DAYS,
    }
    return render(request, "settings/privacy.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def take(request: CallerRequest) -> HttpResponseBase:
    """Everything as one file."""
    user = _person(request)
    response = StreamingHttpResponse(
        personal_data.export(user, by=request.caller), content_type="application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="{user.username}.json"'
    response["Cache-Control"] = "private, no-store"
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def of_others(request: CallerRequest) -> HttpResponse:
    """A steward erases an account for somebody who asked for it."""
    if not endings.may_govern(request.caller):
        raise Http404("Only stewards erase accounts of others.")
    form = EraseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"].strip()
        user = User.objects.filter(username__iexact=name).first()
        if user is None:
            form.add_error("name", _("There is nobody of this name."))
        elif name != (request.POST.get("again") or "").strip():
            form.add_error("name", _("The two names differ. Nothing was erased."))
        else:
            try:
                privacy.erase(user, by=request.caller, confirmed=name)
            except RegistryError as refusal:
                form.add_error("name", str(refusal))
            else:
                messages.success(request, _("The account is erased."))
                return redirect("steward-people")
    page = {"tab": "people", "form": form}
    return render(request, "steward/people.html", page, status=422 if form.errors else 200)


def _person(request: CallerRequest) -> User:
    if request.caller.user is None:
        raise Http404
    return request.caller.user
