"""The language switch: for this browser, and for whoever is signed in at it."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST
from django.views.i18n import LANGUAGE_QUERY_PARAMETER, set_language

from registry.accounts import languages
from registry.accounts.models import User


@require_POST
def choose(request: HttpRequest) -> HttpResponseBase:
    """Django's own view leads back to the page, and nowhere else, and keeps the cookie. An empty
    choice forgets what was chosen, in this browser too."""
    chosen = request.POST.get(LANGUAGE_QUERY_PARAMETER)
    is_known = chosen == "" or chosen in dict(settings.LANGUAGES)
    if isinstance(request.user, User) and chosen is not None and is_known:
        languages.choose(request.user, chosen)
    response = set_language(request)
    if chosen == "":
        response.delete_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            path=settings.LANGUAGE_COOKIE_PATH,
            domain=settings.LANGUAGE_COOKIE_DOMAIN,
        )
    return response
