"""Liking a model from its page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from registry.catalog import likes
from registry.web import lookup
from registry.web.requests import CallerRequest


@login_required
@require_POST
def like(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Like it, or with `to=unlike` no longer."""
    repository = lookup.repository_or_404(request, namespace, name)
    if request.POST.get("to") == "unlike":
        likes.unlike(repository, by=request.caller)
    else:
        likes.like(repository, by=request.caller)
    return redirect(repository)
