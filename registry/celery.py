"""The Celery application. A message carries ids and nothing else; the rows are the truth."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
# `manage.py prepare` ran them before any worker starts; here they would load each page and form
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("registry")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def _check_the_connection(task: Any, **_: Any) -> None:
    """A task takes over the connection of the one before, unless the database broke it off."""
    if not task.request.is_eager:
        from django.db import close_old_connections

        close_old_connections()
