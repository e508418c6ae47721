"""Two to five models beside each other."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.web.requests import CallerRequest


@require_safe
def models(request: CallerRequest) -> HttpResponse:
    return render(request, "compare/models.html", {})
