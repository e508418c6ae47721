"""What every test finds: the cache's table, and the order in which parts of Django are ready."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database has the table of the cache too, which no migration makes."""
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)
    yield


@pytest.fixture(scope="session", autouse=True)
def static_folder() -> None:
    """The folder of static files is there, as `manage.py prepare` leaves it; whitenoise wants it."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
