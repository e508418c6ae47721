"""A site with a page that breaks, and one that forbids."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path

from registry.urls import *  # noqa: F403
from registry.urls import urlpatterns as real


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret of the inside")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("Only a steward may do this.")


urlpatterns = [path("broken", broken), path("forbidden", forbidden), *real]
