"""A person's access tokens: listed, made, shown once, revoked."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.accounts import tokens
from registry.accounts.models import AccessToken
from registry.errors import RegistryError
from registry.web.forms.tokens import TokenForm
from registry.web.requests import CallerRequest

NEW_SECRET = "new_token"  # noqa: S105 - where the session keeps it until it is shown


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponse:
    """The list. A POST makes a token, and the page after it shows the secret, the one time."""
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _token, secret = tokens.issue(
                user=request.caller.user,  # type: ignore[arg-type]
                name=form.cleaned_data["name"],
                scope=form.cleaned_data["scope"],
                expires_at=form.expires_at(),
            )
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session[NEW_SECRET] = secret
            return redirect("tokens")
    page = {
        "form": form,
        "secret": request.session.pop(NEW_SECRET, "") if request.method == "GET" else "",
        "tokens": _own(request),
        "now": timezone.now(),
    }
    return render(request, "settings/tokens.html", page)


@login_required
@require_POST
def revoke(request: CallerRequest, token_id: str) -> HttpResponse:
    token = get_object_or_404(_own(request), public_id=token_id)
    tokens.revoke(token, by=request.caller)
    messages.success(request, _("The token “%(name)s” no longer works.") % {"name": token.name})
    return redirect("tokens")


def _own(request: CallerRequest) -> QuerySet[AccessToken]:
    return AccessToken.objects.filter(user=request.caller.user, revoked_at=None)
