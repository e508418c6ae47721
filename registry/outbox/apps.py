from django.apps import AppConfig

# Whoever sends a task has to have the application: this is the lowest app that has tasks.
from registry.celery import app as celery_app

__all__ = ["OutboxConfig", "celery_app"]


class OutboxConfig(AppConfig):
    name = "registry.outbox"
