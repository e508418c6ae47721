"""The review queue and the page of a release: who sees it, who decides, about exactly what."""

from typing import Any

import pytest
from django.test import Client

from registry.accounts.models import Role
from registry.checks import profiles
from registry.releases import workflow
from registry.releases.models import Decision, DecisionKind, Policy, Release, Status
from registry.web import labels
from tests import factories
from tests.factories import as_caller
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


def _warned() -> Release:
    revision = factories.make_revision(files=factories.with_copies(factories.MODEL))
    findings = (
        ("GEN-DEGENERATE", "warn", "The model repeats itself."),
        ("PERF", "info", "24 tokens per second."),
    )
    factories.finish_checks(revision, "warned", findings)
    by = as_caller(revision.repository.created_by)
    return workflow.open_release(revision, version="v1.0", by=by)


def _step(client: Client, release: Release, step: str, **typed: Any) -> Any:
    return client.post(f"/review/{release.public_id}/{step}", {"digest": release.digest} | typed)


@pytest.mark.parametrize("site_role", ["", None])
def test_the_queue_is_for_maintainers(client: Client, site_role: str | None) -> None:
    release = factories.make_release()
    client.force_login(factories.make_user())

    assert client.get("/review").status_code == 404
    client.force_login(release.repository.created_by)
    assert client.get("/review").status_code == 404


def test_the_queue_lists_what_waits_and_the_menu_counts_it(client: Client) -> None:
    waiting = factories.make_release()
    done = factories.make_released()
    client.force_login(factories.make_maintainer())

    page = client.get("/review").text

    assert f'href="/review/{waiting.public_id}"' in page
    assert f'href="/review/{done.public_id}"' not in page
    assert '<span class="count">1<' in page


@pytest.mark.parametrize("number", [1, 3])
def test_the_queue_costs_the_same_however_long_it_is(
    client: Client, django_assert_num_queries: Any, number: int
) -> None:
    for _ in range(number):
        factories.make_release()
    client.force_login(factories.make_maintainer())

    with django_assert_num_queries(12):
        client.get("/review")


def test_a_maintainer_approves_exactly_the_digest_on_the_page(client: Client) -> None:
    release = factories.make_release()
    client.force_login(maintainer := factories.make_maintainer())

    page = client.get(f"/review/{release.public_id}").text
    answer = _step(client, release, "approve")

    assert f'name="digest" value="{release.digest}"' in page
    assert answer["Location"] == f"/review/{release.public_id}"
    release.refresh_from_db()
    assert release.status == Status.RELEASED
    assert Decision.objects.get().by == maintainer


@pytest.mark.parametrize(
    ("step", "typed", "status"),
    [
        ("approve", {"acknowledged": "GEN-DEGENERATE"}, Status.RELEASED),
        ("request_changes", {"reason": "Say more."}, Status.CHANGES_REQUESTED),
        ("reject", {"reason": "It is not ours."}, Status.REJECTED),
    ],
)
def test_the_forms_that_the_page_shows_decide(step: str, typed: Any, status: str) -> None:
    release = _warned()
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_maintainer())

    page = client.get(f"/review/{release.public_id}").text
    form = form_to(page, f"/review/{release.public_id}/{step}")
    answer = client.post(form.action, form.filled(**typed))

    assert answer.status_code == 302
    release.refresh_from_db()
    assert release.status == status


@pytest.mark.parametrize("digest", ["0" * 64, ""])
def test_another_digest_decides_nothing(client: Client, digest: str) -> None:
    release = factories.make_release()
    client.force_login(factories.make_maintainer())

    page = _step(client, release, "approve", digest=digest)

    assert page.status_code == 409
    assert "has changed since you opened it" in page.text
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


def test_each_warning_is_ticked_off_before_an_approval(client: Client) -> None:
    release = _warned()
    client.force_login(factories.make_maintainer())

    page = client.get(f"/review/{release.public_id}").text
    refused = _step(client, release, "approve")
    accepted = _step(client, release, "approve", acknowledged=["GEN-DEGENERATE"])

    assert 'name="acknowledged" value="GEN-DEGENERATE"' in page
    assert "Tick off each warning" in refused.text
    assert accepted.status_code == 302
    assert Decision.objects.get().acknowledged == ["GEN-DEGENERATE"]


def test_who_wrote_it_is_told_why_they_cannot_approve(client: Client) -> None:
    author = factories.make_maintainer()
    release = factories.make_release(factories.make_repository(author))
    client.force_login(author)

    page = client.get(f"/review/{release.public_id}").text
    answer = _step(client, release, "approve")

    assert "You may not approve your own work" in page
    assert ">Approve</button>" not in page
    assert answer.status_code == 409
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


@pytest.mark.parametrize("step", ["approve", "request_changes", "reject"])
def test_a_contributor_decides_nothing(client: Client, step: str) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    release = factories.make_release(factories.make_repository(owner, namespace="lab"))
    client.force_login(factories.make_member(lab, Role.ADMIN))

    page = client.get(f"/review/{release.public_id}").text
    answer = _step(client, release, step, reason="I say so.")

    assert f"/{step}" not in page
    assert answer.status_code == 409
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


@pytest.mark.parametrize("step", ["approve", "reject", "withdraw"])
def test_a_stranger_cannot_tell_that_there_is_a_release(client: Client, step: str) -> None:
    release = factories.make_release()
    client.force_login(factories.make_user())

    assert client.get(f"/review/{release.public_id}").status_code == 404
    assert _step(client, release, step, reason="x").status_code == 404


def test_a_step_is_never_taken_by_following_a_link(client: Client) -> None:
    release = factories.make_release()
    client.force_login(factories.make_maintainer())

    assert client.get(f"/review/{release.public_id}/approve").status_code == 405
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


def test_a_maintainer_is_told_that_only_structure_was_checked(client: Client) -> None:
    maintainer = factories.make_maintainer()
    repository = factories.make_repository()
    profiles.assign(repository, "structural", by=as_caller(maintainer))
    release = factories.make_release(repository)
    full = factories.make_release()
    client.force_login(maintainer)

    page = client.get(f"/review/{release.public_id}").text

    assert "structural checks only" in page[page.index('id="evidence"') :]
    assert "structural checks only" not in client.get(f"/review/{full.public_id}").text


def test_an_unknown_step_is_refused_with_a_sentence(client: Client) -> None:
    release = factories.make_release()
    client.force_login(factories.make_maintainer())

    assert _step(client, release, "explode").status_code == 409


def test_a_reason_is_asked_for_and_what_was_typed_is_kept(client: Client) -> None:
    release = factories.make_release()
    client.force_login(factories.make_maintainer())

    without = _step(client, release, "reject", reason="  ")
    stale = _step(client, release, "reject", reason="The data is not ours.", digest="0" * 64)
    given = _step(client, release, "reject", reason="The data is not ours.")

    assert "Give a reason" in without.text
    assert "The data is not ours.</textarea>" in stale.text
    assert given.status_code == 302
    assert "The data is not ours." in client.get(f"/review/{release.public_id}").text


@pytest.mark.parametrize("reason", ["a\0b", "x" * 10_001])
def test_odd_reasons_break_nothing(client: Client, reason: str) -> None:
    release = factories.make_release()
    client.force_login(factories.make_maintainer())

    assert _step(client, release, "reject", reason=reason).status_code in {302, 409}


def test_an_approval_of_what_it_said_before_is_shown_as_void(client: Client) -> None:
    release = factories.make_release()
    Policy.objects.create(namespace=release.repository.namespace, approvals=2)
    client.force_login(factories.make_maintainer())
    _step(client, release, "approve")

    before = client.get(f"/review/{release.public_id}").text
    head = factories.make_commit(release.repository, {"more.txt": "x"})
    factories.finish_checks(head)
    after = client.get(f"/review/{release.public_id}").text

    assert "1 of 2 approvals" in before
    assert "void: the release has changed since" not in before
    assert "0 of 2 approvals" in after
    assert "void: the release has changed since" in after
    assert Decision.objects.get().kind == DecisionKind.APPROVE


def test_decisions_are_told_in_the_language_of_the_page(client: Client) -> None:
    release = factories.make_release()
    Policy.objects.create(namespace=release.repository.namespace, approvals=2)
    client.force_login(factories.make_maintainer("maud"))
    _step(client, release, "approve")

    page = client.get(f"/review/{release.public_id}", headers={"accept-language": "fr"}).text

    assert "<strong>maud</strong> a approuvé <time" in page
    assert set(labels.DECISIONS) == set(DecisionKind.values)


def test_the_page_shows_what_differs_from_the_last_release(client: Client) -> None:
    first = factories.make_released(
        files={"README.md": factories.CARD, "a.txt": "1", "b.txt": "1", "same.txt": "1"}
    )
    second = factories.make_release(
        first.repository, version="v2", files={"a.txt": "2", "c.txt": "1"}
    )
    client.force_login(factories.make_maintainer())

    page = client.get(f"/review/{second.public_id}").text
    table = page[page.index("v1.0 → v2") : page.index("files are the same")]

    assert "a.txt" in table
    assert "c.txt" in table
    assert "same.txt" not in table


def test_a_contributor_submits_again_after_changes(client: Client) -> None:
    release = factories.make_release()
    maintainer = as_caller(factories.make_maintainer())
    workflow.transition("request_changes", release, by=maintainer, reason="Say more.")
    client.force_login(release.repository.created_by)

    page = client.get(f"/review/{release.public_id}").text
    answer = _step(client, release, "submit")

    assert "Submit for review again" in page
    assert answer.status_code == 302
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


def test_a_released_page_is_for_whoever_may_know_of_the_model(client: Client) -> None:
    release = factories.make_released()

    page = client.get(f"/review/{release.public_id}")

    assert page.status_code == 200
    assert "<form" not in page.text[page.text.index("<main") : page.text.index("</main>")]
