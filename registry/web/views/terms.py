"""Reading the terms of a repository, and accepting exactly what was shown."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from registry.agreements import acceptances, terms
from registry.agreements.models import Acceptance
from registry.errors import Conflict, RegistryError
from registry.releases import gate, offers
from registry.releases.models import Release
from registry.web import lookup, plain_terms, standing, terms_changes
from registry.web.forms.terms import AcceptForm
from registry.web.requests import CallerRequest, text_in


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    version = text_in(request.GET, "version")
    release = offers.current(repository, version=version)
    about = release.revision if release is not None and version else None
    here = standing.of(repository, caller=request.caller, revision=about)
    if here is None or release is None:
        return redirect("repository-license", namespace, name)
    form = AcceptForm(initial={"shown_hash": release.terms_hash})
    status = 200
    if request.method == "POST":
        if not request.caller.is_signed_in:
            return redirect_to_login(request.get_full_path())
        form, status = _accept(request, release, version)
        if status == 302:
            return _after(request, release)
    page = _page(request, release) | {"form": form, "here": here, "repository": repository}
    return render(request, "repository/terms.html", page | {"tab": "license"}, status=status)


def _after(request: CallerRequest, release: Release) -> HttpResponse:
    """The page after an acceptance: what else there is to do, where the publisher has a lock too."""
    repository = release.repository
    answer = gate.decide(repository, release.revision, caller=request.caller)
    name = {"name": repository.full_name}
    if answer.is_open:
        messages.success(request, _("Accepted. You can download %(name)s now.") % name)
        return redirect("repository-license", repository.place, repository.name)
    messages.success(request, _("Accepted. The publisher of %(name)s lets readers in too.") % name)
    return redirect("repository-access", repository.place, repository.name)


def _accept(request: CallerRequest, release: Release, version: str) -> tuple[AcceptForm, int]:
    """The form as it has to be shown again, with what was typed, and the status; 302 when done."""
    form = AcceptForm(request.POST)
    if not form.is_valid():
        return form, 422
    try:
        offers.accept(
            release.repository,
            version=version,
            shown_hash=form.cleaned_data["shown_hash"],
            typed_name=form.cleaned_data["typed_name"],
            capacity=form.cleaned_data["capacity"],
            by=request.caller,
        )
    except Conflict as refusal:
        now_shown = request.POST.copy()
        now_shown["shown_hash"] = release.terms_hash
        form = AcceptForm(now_shown)
        form.add_error(None, str(refusal))
        return form, 409
    except RegistryError as refusal:
        form.add_error(None, str(refusal))
        return form, 422
    return form, 302


def _page(request: CallerRequest, release: Release) -> dict[str, Any]:
    accepted = acceptances.find(
        release.repository, terms_hash=release.terms_hash, caller=request.caller
    )
    earlier = _earlier(request, release) if accepted is None else None
    versions = terms.versions_in(release.terms)
    return {
        "release": release,
        "accepted": accepted,
        "earlier": earlier,
        "changes": terms_changes.between(earlier.terms, release.terms) if earlier else [],
        "documents": [
            {"version": version, "item": item, "plain": plain_terms.of(version.document.facts)}
            for version, item in zip(versions, release.terms["documents"], strict=True)
        ],
    }


def _earlier(request: CallerRequest, release: Release) -> Acceptance | None:
    """What this person accepted here before, so that the difference can be shown."""
    if request.caller.user is None:
        return None
    return (
        Acceptance.objects.filter(user=request.caller.user, repository=release.repository)
        .exclude(terms_hash=release.terms_hash)
        .order_by("-accepted_at")
        .first()
    )
