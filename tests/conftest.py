"""What every test finds: the cache's table, and the order in which parts of Django are ready."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command
from django.utils import translation
from pytest_django import DjangoDbBlocker

from tests import factories, stores, tables


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first: at the end the other worker would have nothing to do beside them."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database has what `manage.py prepare` gives one: the cache's table and the facts."""
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)
        factories.make_facts()
        tables.remember()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """Slow hashing protects real passwords; people in tests have one password, known to all."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def english_at_first() -> None:
    """A thread keeps the language of the last page it served; no test speaks that of another."""
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def nothing_is_synced() -> None:
    """Files of a test need not survive a loss of power. Tests of syncing look at the calls."""
    os.fsync = lambda _: None


@pytest.fixture(scope="session", autouse=True)
def static_folder() -> None:
    """The folder of static files is there, as `manage.py prepare` leaves it; whitenoise wants it."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One S3 server for all tests that want one; started for the first."""
    with stores.running(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def bucket(request: pytest.FixtureRequest, settings: LazySettings) -> None:
    """Bytes lie in an empty folder of a bucket, and downloads are handed to it."""
    settings.S3 = request.getfixturevalue("s3_server")
    settings.S3_PREFIX = f"{stores.key_prefix('test')}/"
    settings.STORAGE = settings.DOWNLOADS = "s3"


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, settings: LazySettings, tmp_path: Path) -> str:
    """Bytes lie in an empty folder of this machine, then the same test in one of a bucket."""
    settings.CACHE_DIR = tmp_path / "cache"
    if request.param == "s3":
        request.getfixturevalue("bucket")
    else:
        settings.BLOB_DIR = tmp_path / "blobs"
    return str(request.param)
