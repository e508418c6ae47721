"""The hashes of gated files: for whom the gate is open, at every place that shows a report."""

from collections.abc import Callable

import pytest
from django.test import Client

from registry.accounts.models import User
from registry.catalog import files
from registry.checks import runs
from registry.checks.models import CheckRun, JobKind, JobState
from registry.releases import workflow
from registry.releases.evidence import MASK
from registry.releases.models import Release
from tests import factories
from tests.api.calls import As
from tests.factories import as_caller

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def _hashes(release: Release) -> list[str]:
    found = files.files_of(release.revision)
    return [file.sha256 for file in found if file.path in factories.MODEL]


@pytest.fixture
def release() -> Release:
    """Released under terms that ask for acceptance, with a report that names each file's hash."""
    revision = factories.make_revision(files=factories.with_copies(factories.MODEL))
    run = CheckRun.objects.get(revision=revision)
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    hashes = {file.path: file.sha256 for file in files.files_of(revision)}
    smoke = factories.claim_job(run, JobKind.SMOKE)
    first = next(iter(hashes.values()))
    result = {
        "metrics": {"files": hashes, "parameters": 7},
        "log_tail": f"read {first.upper()}",
    }
    runs.finish(smoke, runs.Outcome([], result))
    assert not run.jobs.exclude(state=JobState.DONE).exists()
    made = workflow.open_release(revision, version="v1.0", by=as_caller(revision.author))
    return workflow.transition("approve", made, by=as_caller(factories.make_maintainer()))


def _api(release: Release, user: User | None) -> str:
    name = release.repository.full_name
    return As(user).get(f"/models/{name}/checks/{release.revision.oid}").content.decode()


def _page(release: Release, user: User | None, path: str) -> str:
    client = Client()
    if user is not None:
        client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def _raw_report(release: Release, user: User | None) -> str:
    name, oid = release.repository.full_name, release.revision.oid
    return _page(release, user, f"/{name}/checks/{oid}/report.json")


def _review(release: Release, user: User | None) -> str:
    return _page(release, user, f"/review/{release.public_id}")


def _checks_page(release: Release, user: User | None) -> str:
    return _page(release, user, f"/{release.repository.full_name}/checks")


PLACES = [_api, _raw_report, _review]
Place = Callable[[Release, User | None], str]


@pytest.mark.parametrize("place", [*PLACES, _checks_page])
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_who_has_not_accepted_sees_no_hash(
    release: Release, place: Place, is_signed_in: bool
) -> None:
    shown = place(release, factories.make_user() if is_signed_in else None)

    for sha256 in _hashes(release):
        assert sha256[:12] not in shown.lower()


@pytest.mark.parametrize("place", PLACES)
def test_who_has_accepted_sees_the_hashes(release: Release, place: Place) -> None:
    reader = factories.make_user()
    factories.accept_terms(release, reader)

    shown = place(release, reader)

    assert all(sha256 in shown for sha256 in _hashes(release))


@pytest.mark.parametrize("place", PLACES)
def test_contributors_and_maintainers_see_the_hashes(release: Release, place: Place) -> None:
    for user in (release.repository.created_by, factories.make_maintainer()):
        shown = place(release, user)

        assert all(sha256 in shown for sha256 in _hashes(release))


@pytest.mark.parametrize("place", PLACES)
def test_once_it_is_suspended_a_reader_sees_no_hash_any_more(
    release: Release, place: Place
) -> None:
    reader = factories.make_user()
    factories.accept_terms(release, reader)
    maintainer = as_caller(factories.make_maintainer())
    workflow.transition("suspend", release, by=maintainer, reason="A doubt about the data.")

    shown = place(release, reader)

    assert not any(sha256[:12] in shown for sha256 in _hashes(release))


def test_all_but_the_hashes_stays_readable(release: Release) -> None:
    name, oid = release.repository.full_name, release.revision.oid
    report = As().get(f"/models/{name}/checks/{oid}").json()["report"]

    assert set(report["metrics"]["files"].values()) == {MASK}
    assert "model.safetensors" in report["metrics"]["files"]
    assert report["metrics"]["parameters"] == 7
    assert report["log_tail"] == f"read {MASK}"
    assert report["revision"] == oid
