"""Submitting for release, the review queue, and the steps of a release."""

import pytest

from registry.accounts.models import Role, Scope
from registry.checks.models import FindingRow
from registry.releases.models import Release, Status
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


def _submission(revision, **rest):
    return {"revision": revision.oid, "version": "v1.0", **rest}


def _checked():
    revision = factories.make_ready()
    factories.finish_checks(revision)
    return revision, revision.repository, revision.repository.created_by


# Submitting


def test_a_contributor_submits_a_revision_with_a_write_token():
    revision, repository, owner = _checked()

    answer = As(owner, Scope.WRITE).post(
        f"/models/{repository.full_name}/releases", _submission(revision, notes="First one")
    )

    assert answer.status_code == 201
    given = answer.json()
    release = Release.objects.get()
    assert given["id"] == release.public_id
    assert given["status"] == "in_review"
    assert given["digest"] == release.digest
    assert given["notes"] == "First one"
    assert given["branch"] == "main"
    assert given["steps"] == ["withdraw"]
    assert (given["approvals"], given["approvals_needed"]) == (0, 1)
    assert given["url"] == f"http://testserver/review/{release.public_id}"


def test_a_read_token_cannot_submit():
    revision, repository, owner = _checked()

    answer = As(owner, Scope.READ).post(
        f"/models/{repository.full_name}/releases", _submission(revision)
    )

    assert answer.status_code == 403
    assert not Release.objects.exists()


def test_somebody_who_may_only_read_cannot_submit():
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(admin, namespace=organisation.name)
    factories.make_released(repository)
    revision = factories.make_revision(repository, files={"README.md": factories.CARD + "more"})
    factories.finish_checks(revision)
    reader = factories.make_member(organisation, Role.READ)

    unknown = As(reader).post(
        f"/models/{repository.full_name}/releases", _submission(revision, version="v2")
    )
    released = repository.releases.get().revision
    known = As(reader).post(
        f"/models/{repository.full_name}/releases", _submission(released, version="v2")
    )

    assert unknown.status_code == 404
    assert known.status_code == 403


def test_nobody_submits_to_a_repository_that_they_may_not_know_of():
    revision, repository, _ = _checked()

    answer = As(factories.make_user()).post(
        f"/models/{repository.full_name}/releases", _submission(revision)
    )

    assert answer.status_code == 404
    assert (
        answer.json()
        == As(factories.make_user()).post("/models/no/such/releases", _submission(revision)).json()
    )


def test_a_token_limited_to_another_repository_does_not_reach_this_one():
    revision, repository, owner = _checked()
    other = factories.make_repository(owner)

    answer = As(owner, repositories=[other.public_id]).post(
        f"/models/{repository.full_name}/releases", _submission(revision)
    )

    assert answer.status_code == 404


def test_a_revision_with_unfinished_checks_is_refused_and_told_why():
    revision = factories.make_revision()
    repository = revision.repository

    answer = As(repository.created_by).post(
        f"/models/{repository.full_name}/releases", _submission(revision)
    )

    assert answer.status_code == 409
    assert "checks" in answer.json()["error"]
    assert not Release.objects.exists()


def test_an_older_revision_than_the_head_is_refused():
    revision, repository, owner = _checked()
    factories.make_commit(repository, {"notes.txt": "more"})

    answer = As(owner).post(f"/models/{repository.full_name}/releases", _submission(revision))

    assert answer.status_code == 409
    assert "not the head" in answer.json()["error"]


@pytest.mark.parametrize("version", ["", "a b", "../up", "deadbeef", "v1.lock"])
def test_a_version_that_cannot_be_a_tag_is_refused(version):
    revision, repository, owner = _checked()

    answer = As(owner).post(
        f"/models/{repository.full_name}/releases", _submission(revision, version=version)
    )

    assert answer.status_code == 422


def test_a_version_that_is_taken_is_refused():
    release = factories.make_released()
    repository = release.repository
    revision = factories.make_commit(repository, {"notes.txt": "more"})
    factories.finish_checks(revision)

    answer = As(repository.created_by).post(
        f"/models/{repository.full_name}/releases", _submission(revision)
    )

    assert answer.status_code == 409
    assert "v1.0" in answer.json()["error"]


# Reading


def test_the_public_sees_what_was_released_and_nothing_else():
    released = factories.make_released()
    repository = released.repository
    revision = factories.make_commit(repository, {"notes.txt": "more"})
    factories.finish_checks(revision)
    As(repository.created_by).post(
        f"/models/{repository.full_name}/releases", _submission(revision, version="v2.0")
    )

    public = As().get(f"/models/{repository.full_name}/releases").json()
    own = As(repository.created_by).get(f"/models/{repository.full_name}/releases").json()

    assert [item["version"] for item in public["items"]] == ["v1.0"]
    assert [item["version"] for item in own["items"]] == ["v2.0", "v1.0"]
    assert (public["count"], own["count"]) == (1, 2)


def test_a_release_in_review_does_not_exist_for_the_public():
    release = factories.make_release()

    hidden = As(factories.make_user()).get(f"/releases/{release.public_id}")
    missing = As().get("/releases/000000000000000000000000")
    repository = As().get(f"/models/{release.repository.full_name}/releases")

    assert hidden.status_code == missing.status_code == repository.status_code == 404
    assert hidden.json() == missing.json()


def test_a_released_one_shows_who_decided_what():
    maintainer = factories.make_maintainer()
    release = factories.make_released(by=maintainer)

    given = As().get(f"/releases/{release.public_id}").json()

    assert given["status"] == "released"
    assert given["steps"] == []
    (decision,) = given["decisions"]
    assert decision["by"] == maintainer.username
    assert decision["digest"] == release.digest
    assert decision["counts"]


def test_a_list_of_releases_costs_the_same_queries_however_long(django_assert_max_num_queries):
    caller = As(factories.make_maintainer())
    for _ in range(3):
        factories.make_release()
    caller.get("/reviews")

    with django_assert_max_num_queries(4):
        assert caller.get("/reviews").json()["count"] == 3


# The queue


def test_maintainers_see_the_queue_most_urgent_first():
    first, second = factories.make_release(), factories.make_release()
    factories.make_released()
    Release.objects.filter(pk=second.pk).update(due_at=first.opened_at)

    given = As(factories.make_maintainer(), Scope.READ).get("/reviews").json()

    assert [item["id"] for item in given["items"]] == [second.public_id, first.public_id]


def test_the_queue_comes_in_pages():
    for _ in range(3):
        factories.make_release()
    caller = As(factories.make_maintainer())

    first = caller.get("/reviews", limit=2).json()
    second = caller.client.get(first["next"], headers=caller.headers).json()
    beyond = caller.get("/reviews", limit=2, page=9).json()

    assert first["next"].startswith("http://testserver/api/v1/reviews?")
    assert (len(first["items"]), len(second["items"])) == (2, 1)
    assert second["next"] == ""
    assert beyond["items"] == []


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1000}, {"page": 0}, {"page": "x"}])
def test_a_page_that_cannot_be_is_refused(query):
    assert As(factories.make_maintainer()).get("/reviews", **query).status_code == 422


def test_nobody_but_maintainers_has_a_queue():
    release = factories.make_release()

    answer = As(release.opened_by).get("/reviews")

    assert answer.status_code == 403


def test_a_maintainers_token_limited_to_other_repositories_has_an_empty_queue():
    release = factories.make_release()
    other = factories.make_repository()
    maintainer = factories.make_maintainer()

    here = As(maintainer, repositories=[release.repository.public_id]).get("/reviews").json()
    elsewhere = As(maintainer, repositories=[other.public_id]).get("/reviews").json()

    assert (here["count"], elsewhere["count"]) == (1, 0)


# Steps


def _step(caller: As, release: Release, step: str, **body):
    return caller.post(f"/releases/{release.public_id}/{step}", body)


def test_a_maintainer_approves_the_digest_that_they_saw():
    release = factories.make_release()

    answer = _step(As(factories.make_maintainer()), release, "approve", digest=release.digest)

    assert answer.status_code == 200
    assert answer.json()["status"] == "released"
    release.refresh_from_db()
    assert release.status == Status.RELEASED


def test_an_approval_without_the_digest_is_refused():
    release = factories.make_release()

    answer = _step(As(factories.make_maintainer()), release, "approve")

    assert answer.status_code == 422
    assert "digest" in answer.json()["error"]


def test_an_approval_of_what_the_release_no_longer_says_is_refused():
    release = factories.make_release()
    moved = factories.make_commit(release.repository, {"notes.txt": "pushed meanwhile"})
    factories.finish_checks(moved)

    answer = _step(As(factories.make_maintainer()), release, "approve", digest=release.digest)

    assert answer.status_code == 409
    assert "changed" in answer.json()["error"]
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_maintainers_token_of_another_scope_than_admin_cannot_decide(scope):
    release = factories.make_release()

    answer = _step(
        As(factories.make_maintainer(), scope), release, "approve", digest=release.digest
    )

    assert answer.status_code == 403
    assert "scope admin" in answer.json()["error"]


def test_nobody_approves_their_own_work():
    maintainer = factories.make_maintainer()
    release = factories.make_release(factories.make_repository(maintainer))

    answer = _step(As(maintainer), release, "approve", digest=release.digest)

    assert answer.status_code == 403
    assert "your own work" in answer.json()["error"]


@pytest.mark.parametrize("step", ["approve", "request-changes", "reject"])
def test_a_contributor_cannot_review(step):
    release = factories.make_release()

    answer = _step(As(release.opened_by), release, step, digest=release.digest, reason="mine")

    assert answer.status_code == 403


@pytest.mark.parametrize("step", ["approve", "reject", "withdraw", "suspend"])
def test_a_stranger_cannot_tell_that_a_release_in_review_exists(step):
    release = factories.make_release()

    answer = _step(As(factories.make_user()), release, step, digest=release.digest, reason="x")

    assert answer.status_code == 404


@pytest.mark.parametrize("step", ["suspend", "recall", "restore", "withdraw", "submit"])
def test_a_reader_cannot_move_a_release_that_they_see(step):
    release = factories.make_released()

    answer = _step(As(factories.make_user()), release, step, reason="please")

    assert answer.status_code == 403
    release.refresh_from_db()
    assert release.status == Status.RELEASED


@pytest.mark.parametrize("step", ["request-changes", "reject"])
def test_a_decision_against_a_release_needs_a_reason(step):
    release = factories.make_release()
    maintainer = As(factories.make_maintainer())

    refused = _step(maintainer, release, step, reason=" ")
    taken = _step(maintainer, release, step, reason="The card names no training data.")

    assert refused.status_code == 422
    assert taken.status_code == 200
    assert taken.json()["reason"] == "The card names no training data."


def test_changes_requested_and_submitted_again():
    release = factories.make_release()
    _step(As(factories.make_maintainer()), release, "request-changes", reason="Say more.")

    answer = _step(As(release.opened_by, Scope.WRITE), release, "submit")

    assert answer.json()["status"] == "in_review"


def test_a_contributor_withdraws():
    release = factories.make_release()

    assert _step(As(release.opened_by), release, "withdraw").json()["status"] == "withdrawn"


def test_suspend_restore_and_recall():
    release = factories.make_released()
    maintainer = As(factories.make_maintainer())

    assert _step(maintainer, release, "suspend", reason="A report").json()["status"] == "suspended"
    assert _step(maintainer, release, "restore", reason="Cleared").json()["status"] == "released"
    assert _step(maintainer, release, "recall", reason="Unsafe").json()["status"] == "recalled"
    again = _step(maintainer, release, "restore", reason="No")
    assert again.status_code == 409
    assert "recalled" in again.json()["error"]


def test_an_unknown_step_is_refused():
    release = factories.make_release()

    assert _step(As(factories.make_maintainer()), release, "publish").status_code == 422


def test_warnings_have_to_be_ticked_off():
    release = factories.make_release()
    run = release.revision.check_runs.get()
    FindingRow.objects.create(run=run, check_id="CFG-DTYPE", severity="warn", message="Mixed.")
    maintainer = As(factories.make_maintainer())

    shown = maintainer.get(f"/releases/{release.public_id}").json()
    refused = _step(maintainer, release, "approve", digest=release.digest)
    taken = _step(maintainer, release, "approve", digest=release.digest, acknowledged=["CFG-DTYPE"])

    assert shown["warnings"] == ["CFG-DTYPE"]
    assert refused.status_code == 422
    assert taken.json()["decisions"][0]["acknowledged"] == ["CFG-DTYPE"]
