"""The stewards' page "Why?": the gate's answer for anybody, at any moment that has passed."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.agreements import endings
from registry.catalog import revisions
from registry.errors import RegistryError
from registry.releases import why
from registry.web.forms.governing import WhyForm
from registry.web.requests import CallerRequest


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    if not endings.may_govern(request.caller):
        raise Http404("Only stewards ask what somebody else could fetch.")
    form = WhyForm(request, request.GET if "repository" in request.GET else None)
    page: dict[str, Any] = {"tab": "why", "form": form}
    if form.is_valid():
        asked = form.cleaned_data
        try:
            page["found"] = _explanation(asked, request)
        except RegistryError as refusal:
            form.add_error(None, str(refusal) or _("There is no such version or file."))
        page |= {name: asked[name] for name in ("person", "repository", "path")}
    return render(request, "steward/why.html", page, status=422 if form.errors else 200)


def _explanation(asked: dict[str, Any], request: CallerRequest) -> why.Explanation:
    repository, named = asked["repository"], asked["revision"].strip()
    revision = None
    if named:
        revision = revisions.find(repository, named, caller=request.caller)
    return why.at(
        asked["person"],
        repository,
        asked["at"] or timezone.now(),
        by=request.caller,
        revision=revision,
        path=asked["path"].strip(),
    )
