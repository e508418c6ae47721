"""A person's own page: what they make, what waits for them, and what they wait for."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.accounts.models import User
from registry.web import dashboard
from registry.web.requests import CallerRequest


@never_cache
@login_required
@require_safe
def page(request: CallerRequest) -> HttpResponse:
    user = cast(User, request.caller.user)
    context = dashboard.of(request.caller, user, now=timezone.now())
    return render(request, "contribute/dashboard.html", context)
