"""The WSGI entrance, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

application = get_wsgi_application()
for routes in (None, "registry.hub.routes"):
    # Loads all views now, and not while the first visitor waits
    get_resolver(routes).url_patterns  # noqa: B018

from registry.agreements.duties import engine  # noqa: E402 - models are ready only now

engine.rules_of_models()  # reads the facts
