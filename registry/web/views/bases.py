"""Looking up the base of a model while somebody types its name."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from registry.web import models_named
from registry.web.requests import CallerRequest, text_in


@never_cache
@login_required
@require_safe
def look_up(request: CallerRequest) -> HttpResponse:
    """What the words find, as choices of a field. Of several bases with commas between, the last
    one is looked up; the others stay in front of what is chosen."""
    typed = text_in(request.GET, "base") or text_in(request.GET, "base_model")
    before, comma, last = typed.rpartition(",")
    found = models_named.matching(last.strip(), caller=request.caller)
    front = f"{before}{comma} " if comma else ""
    return render(
        request, "contribute/bases.html", {"names": [front + name for name in found if "/" in name]}
    )
