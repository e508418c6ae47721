"""The language switch: for this browser, and for whoever is signed in at it."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.i18n import LANGUAGE_QUERY_PARAMETER, set_language

from registry.accounts import languages
from registry.accounts.models import User


def choose(request: HttpRequest) -> HttpResponseBase:
    """Django's own view leads back to the page, and nowhere else, and keeps the cookie."""
    chosen = request.POST.get(LANGUAGE_QUERY_PARAMETER, "")
    if isinstance(request.user, User) and chosen in dict(settings.LANGUAGES):
        languages.choose(request.user, chosen)
    return set_language(request)
