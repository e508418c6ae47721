"""The button that runs checks again, and who has it."""

import pytest
from django.test import Client

from registry.catalog.models import Revision
from registry.checks import runs
from registry.checks.models import RunState
from tests import factories

pytestmark = pytest.mark.django_db
BUTTON = "Run the checks again"


def _ended(verdict: str) -> tuple[Revision, str]:
    revision = factories.make_revision()
    factories.finish_checks(revision, verdict)
    return revision, f"/{revision.repository}/checks/{revision.oid}"


def test_checks_that_could_not_be_completed_are_run_again_from_their_page(client: Client) -> None:
    revision, address = _ended("error")
    client.force_login(revision.repository.created_by)
    assert BUTTON in client.get(address).text

    page = client.post(f"{address}/rerun", follow=True)

    assert page.redirect_chain == [(address, 302)]
    assert "The checks run again." in page.text
    assert BUTTON not in page.text
    run = runs.latest(revision)
    assert run is not None
    assert run.state == RunState.QUEUED


def test_a_verdict_is_thrown_again_by_a_maintainer_alone(client: Client) -> None:
    revision, address = _ended("blocked")
    client.force_login(revision.repository.created_by)

    page = client.post(f"{address}/rerun", follow=True).text

    assert BUTTON not in page
    assert "only a site maintainer" in page
    client.force_login(factories.make_maintainer())
    assert BUTTON in client.get(address).text
    assert "The checks run again." in client.post(f"{address}/rerun", follow=True).text


def test_who_may_not_see_a_revision_cannot_run_its_checks(client: Client) -> None:
    _, address = _ended("error")
    assert client.post(f"{address}/rerun").status_code == 302  # to the sign-in page
    client.force_login(factories.make_user())

    assert client.post(f"{address}/rerun").status_code == 404


def test_a_reader_of_a_released_model_has_no_button(client: Client) -> None:
    release = factories.make_released()
    address = f"/{release.repository}/checks/{release.revision.oid}"
    client.force_login(factories.make_user())

    assert BUTTON not in client.get(address).text
    assert "can run checks again" in client.post(f"{address}/rerun", follow=True).text


def test_checks_are_run_again_by_no_link(client: Client) -> None:
    revision, address = _ended("error")
    client.force_login(revision.repository.created_by)

    assert client.get(f"{address}/rerun").status_code == 405


def test_checks_that_wait_are_cancelled_from_their_page_and_can_be_run_again(
    client: Client,
) -> None:
    revision = factories.make_revision()
    address = f"/{revision.repository}/checks/{revision.oid}"
    client.force_login(revision.repository.created_by)
    assert f"{address}/cancel" in client.get(address).text

    page = client.post(f"{address}/cancel", follow=True).text

    assert "The checks were cancelled." in page
    assert "Cancelled by somebody who may write the repository." in page
    assert "could not be completed" not in page
    assert "No findings." not in page
    assert "our fault" not in page
    assert BUTTON in page
    assert f"{address}/cancel" not in page
    assert "ended already" in client.post(f"{address}/cancel", follow=True).text
    assert client.get(f"{address}/cancel").status_code == 405


def test_who_may_not_see_a_revision_cannot_cancel_its_checks(client: Client) -> None:
    revision = factories.make_revision()
    address = f"/{revision.repository}/checks/{revision.oid}"
    client.force_login(factories.make_user())

    assert client.post(f"{address}/cancel").status_code == 404
    run = runs.latest(revision)
    assert run is not None
    assert run.state == RunState.QUEUED
