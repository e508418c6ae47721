"""What every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from registry.accounts.callers import NOBODY, Caller
from registry.catalog.models import RepositoryType
from registry.releases import cases
from registry.releases.models import Release, Status


def site(request: HttpRequest) -> dict[str, Any]:
    caller = getattr(request, "caller", NOBODY)
    return {
        "site_name": settings.SITE_NAME,
        "signup_open": settings.SIGNUP_OPEN,
        "languages": settings.LANGUAGES,
        "has_datasets": RepositoryType.DATASET in settings.REPOSITORY_TYPES,
        "caller": caller,
        "request_id": getattr(request, "request_id", ""),
        "reviews_waiting": lambda: _waiting(caller),
        "reports_waiting": lambda: cases.waiting(caller),
    }


def _waiting(caller: Caller) -> int:
    """For maintainers only; a template that shows no count costs no query."""
    return Release.objects.visible_to(caller).filter(status=Status.IN_REVIEW).count()
