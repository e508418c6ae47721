"""Beginning a repository: what its base suggests and brings, then the repository with its card."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from registry.catalog.models import Visibility
from registry.errors import RegistryError
from registry.releases import beginnings
from registry.web.forms.new_repository import NewRepositoryForm
from registry.web.requests import CallerRequest, text_in


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: CallerRequest) -> HttpResponse:
    """The form; `step=look` proposes and makes nothing."""
    if request.method != "POST":
        form = NewRepositoryForm(initial=_asked(request), caller=request.caller)
        return _render(request, form, {})
    form = NewRepositoryForm(request.POST, caller=request.caller)
    if not form.is_valid():
        return _render(request, form, {}, status=400)
    wanted = form.wanted()
    try:
        if text_in(request.POST, "step") == "look":
            proposal = beginnings.propose(wanted)
            if wanted.base:
                form.propose(proposal.name)
            return _render(request, form, {"proposal": proposal})
        made = beginnings.begin(
            wanted, visibility=form.cleaned_data["visibility"], by=request.caller
        )
    except RegistryError as refusal:
        # The part that htmx takes has no fields to say it at
        form.add_error(None if request.htmx else "name", str(refusal))
        return _render(request, form, {}, status=400)
    messages.success(request, _("%(name)s is made. Now its files.") % {"name": made.full_name})
    return redirect("upload", made.place, made.name, "main")


def _asked(request: CallerRequest) -> dict[str, Any]:
    """What a link fills in, such as that of a model to build on."""
    named = {key: text_in(request.GET, key) for key in ("base", "relation", "owner", "name")}
    return named | {"visibility": Visibility.PUBLIC}


def _render(
    request: CallerRequest, form: NewRepositoryForm, page: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    context = {"form": form} | page
    template = "contribute/new.html#proposal" if request.htmx else "contribute/new.html"
    return render(request, template, context, status=200 if request.htmx else status)
