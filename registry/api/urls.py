"""The addresses under /api/v1, and the description of what they answer."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from registry.api import (
    access,
    advisories,
    answers,
    campaigns,
    checks,
    duties,
    exports,
    grants,
    organisations,
    receipts,
    releases,
    rescans,
    reviewing,
    terms,
)
from registry.api.answers import Api

DESCRIPTION = """\
What the Hub's wire format has no words for: checks, releases, reviews, terms and access.

Send an access token as `Authorization: Bearer hf_…`; cookies are not read. Reads take any token,
changes one of scope `write`, reviews one of scope `admin`. What you may not know of is answered
as if it did not exist. Every refusal is `{"error": sentence, "next": address}`, and every answer
carries `X-Request-Id`.
"""
View = Callable[..., HttpResponse]

api = Api(
    title="Registry",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    urls_namespace="api",
)
answers.add_handlers(api)
ROUTERS = (
    checks,
    rescans,
    reviewing,  # before the steps of releases, which take any word
    releases,
    advisories,
    duties,
    terms,
    organisations,
    access,
    grants,
    campaigns,
    exports,
    receipts,
)
for part in ROUTERS:
    api.add_router("", part.router)


def _in_our_shape(view: View) -> View:
    """What django-ninja leaves to Django: names that no database takes, and unknown methods.
    Programs read the answers, so these are English whatever the request prefers."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **names: Any) -> HttpResponse:
        translation.activate("en")
        if any("\0" in str(name) for name in names.values()):
            return answers.not_found(request)
        given = view(request, *args, **names)
        return answers.wrong_method(request, given) if given.status_code == 405 else given

    return answer


def _patterns() -> list[URLPattern]:
    patterns = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
    for pattern in patterns:
        pattern.callback = csrf_exempt(_in_our_shape(pattern.callback))
    return patterns


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="api:openapi-json")),
    path("", (_patterns(), api.urls[1], api.urls[2])),
    path("<path:rest>", csrf_exempt(answers.not_found)),
]
