"""Requesting a release on its page, and what the page says while one is open."""

import pytest
from django.test import Client

from registry.accounts.models import Role
from registry.releases import workflow
from registry.releases.models import Release, Status
from tests import factories
from tests.factories import as_caller
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


def test_a_contributor_requests_a_release(client: Client) -> None:
    revision = factories.make_ready()
    factories.finish_checks(revision)
    client.force_login(revision.repository.created_by)

    answer = client.post(
        f"/{revision.repository.full_name}/releases/request",
        {"version": "v1.0", "notes": "First.", "revision": revision.oid},
    )

    release = Release.objects.get()
    assert answer["Location"] == f"/review/{release.public_id}"
    assert (release.status, release.notes) == (Status.IN_REVIEW, "First.")


def test_the_form_that_the_page_shows_requests_a_release_of_the_head() -> None:
    revision = factories.make_ready()
    factories.finish_checks(revision)
    client = Client(enforce_csrf_checks=True)
    client.force_login(revision.repository.created_by)
    there = f"/{revision.repository.full_name}/releases"

    form = form_to(client.get(there).text, f"{there}/request")
    answer = client.post(form.action, form.filled(version="v1.0"))

    release = Release.objects.get()
    assert answer["Location"] == f"/review/{release.public_id}"
    assert release.revision == revision


def test_a_form_of_an_older_head_is_shown_again_for_the_new_one(client: Client) -> None:
    before = factories.make_ready()
    factories.finish_checks(before)
    client.force_login(before.repository.created_by)
    there = f"/{before.repository.full_name}/releases"
    stale = form_to(client.get(there).text, f"{there}/request")
    head = factories.make_commit(before.repository, {"more.txt": "x"})
    factories.finish_checks(head)

    page = client.post(stale.action, stale.filled(version="v1.0")).text
    answer = client.post(stale.action, form_to(page, stale.action).values)

    assert "is not the head of" in page
    assert answer.status_code == 302
    assert Release.objects.get().revision == head


def test_a_request_without_a_revision_is_refused_in_words(client: Client) -> None:
    revision = factories.make_ready()
    factories.finish_checks(revision)
    client.force_login(revision.repository.created_by)

    page = client.post(
        f"/{revision.repository.full_name}/releases/request", {"version": "v1.0", "revision": ""}
    ).text

    assert 'role="alert"' in page
    assert "This field is required." in page


def test_a_second_request_while_one_is_open_is_refused_in_words(client: Client) -> None:
    release = factories.make_release()
    client.force_login(release.repository.created_by)

    page = client.post(
        f"/{release.repository.full_name}/releases/request",
        {"version": "v1.1", "revision": release.revision.oid},
    ).text

    assert "A release of this branch is open already" in page


def test_a_refused_label_is_explained_at_its_field(client: Client) -> None:
    revision = factories.make_ready()
    factories.finish_checks(revision)
    client.force_login(revision.repository.created_by)

    page = client.post(
        f"/{revision.repository.full_name}/releases/request",
        {"version": "v1 beta", "revision": revision.oid},
    ).text

    sentence = page[page.index('id="id_version_error"') :]
    assert "cannot be a version label" in sentence[: sentence.index("</ul>")]


def test_a_refused_request_keeps_what_was_typed(client: Client) -> None:
    revision = factories.make_ready()
    factories.finish_checks(revision)
    client.force_login(revision.repository.created_by)

    page = client.post(
        f"/{revision.repository.full_name}/releases/request",
        {"version": "../etc", "notes": "What is new here", "revision": revision.oid},
    )

    assert "cannot be a version label" in page.text
    assert "What is new here" in page.text
    assert not Release.objects.exists()


def test_the_page_says_what_is_in_the_way_of_a_release(client: Client) -> None:
    revision = factories.make_ready()
    factories.finish_checks(revision, "blocked", (("W-FINITE", "block", "There is a NaN."),))
    client.force_login(revision.repository.created_by)

    page = client.get(f"/{revision.repository.full_name}/releases").text

    assert "There is a NaN." in page
    assert "Request the release</button>" not in page


@pytest.mark.parametrize("role", [Role.READ, None])
def test_who_may_not_write_cannot_request_a_release(client: Client, role: str | None) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    released = factories.make_released(factories.make_repository(owner, "m", namespace="lab"))
    head = factories.make_commit(released.repository, {"more.txt": "x"})
    factories.finish_checks(head)
    client.force_login(factories.make_member(lab, role) if role else factories.make_user())

    answer = client.post(
        "/lab/m/releases/request", {"version": "v2", "revision": head.oid, "notes": ""}
    )

    assert answer.status_code == 404
    assert Release.objects.count() == 1
    assert "Request the release" not in client.get("/lab/m/releases").text


def _with_changes_asked_for() -> Release:
    by = as_caller(factories.make_maintainer())
    release = factories.make_release()
    return workflow.transition("request_changes", release, by=by, reason="Name the <data>.")


@pytest.mark.parametrize("tab", ["", "/releases"])
def test_changes_asked_for_are_shown_with_the_button_that_submits_again(tab: str) -> None:
    release = _with_changes_asked_for()
    client = Client(enforce_csrf_checks=True)
    client.force_login(release.repository.created_by)

    page = client.get(f"/{release.repository.full_name}{tab}").text
    form = form_to(page, f"/review/{release.public_id}/submit")
    answer = client.post(form.action, form.values)

    assert "Name the &lt;data&gt;." in page
    assert "is waiting for review" not in page
    assert "is being reviewed" not in page
    assert answer.status_code == 302
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


def test_a_fix_whose_checks_still_run_says_so_where_the_button_would_be(client: Client) -> None:
    release = _with_changes_asked_for()
    factories.make_commit(release.repository, {"more.txt": "x"})
    client.force_login(release.repository.created_by)

    page = client.get(f"/{release.repository.full_name}").text

    assert "are still running" in page
    assert "Submit for review again</button>" not in page


def test_who_may_not_write_is_not_offered_to_submit_again(client: Client) -> None:
    release = _with_changes_asked_for()
    client.force_login(factories.make_maintainer())

    for tab in ("", "/releases"):
        page = client.get(f"/{release.repository.full_name}{tab}").text
        assert "Submit for review again" not in page
