"""The checks of a revision over the API."""

import pytest

from registry.accounts.models import Scope
from registry.checks.models import CheckRun
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


def _address(revision, rest: str = "") -> str:
    return f"/models/{revision.repository.full_name}/checks/{revision.oid}{rest}"


def test_checks_are_shown_while_they_wait_to_run():
    revision = factories.make_revision()

    given = As(revision.author).get(_address(revision)).json()

    assert given["state"] == "queued"
    assert given["verdict"] == ""
    assert given["report"]["state"] == "queued"
    assert [(job["kind"], job["state"]) for job in given["progress"]["jobs"]] == [
        ("scan", "queued"),
        ("smoke", "waiting"),
    ]
    assert given["url"].endswith(f"/checks/{revision.oid}")


def test_a_finished_run_has_a_verdict_findings_and_its_report():
    revision = factories.make_revision()
    factories.finish_checks(
        revision, "blocked", (("SEC-PICKLE", "block", "model.bin calls os.system when opened."),)
    )

    given = As(revision.author, Scope.READ).get(_address(revision)).json()

    assert (given["state"], given["verdict"]) == ("finished", "blocked")
    (finding,) = given["findings"]
    assert (finding["id"], finding["severity"]) == ("SEC-PICKLE", "block")
    assert finding["message"] == "model.bin calls os.system when opened."
    assert finding["help"] == "/docs/checks#sec-pickle"
    assert given["report"]["findings"] == given["findings"]
    assert given["report"]["schema"] == 1


def test_a_branch_names_its_head_for_those_who_may_write():
    revision = factories.make_revision()

    given = As(revision.author, Scope.WRITE).get(
        f"/models/{revision.repository.full_name}/checks/main"
    )

    assert given.json()["revision"] == revision.oid


def test_the_report_of_a_released_revision_is_public():
    release = factories.make_released()

    assert As().get(_address(release.revision)).json()["verdict"] == "passed"


def test_the_checks_of_a_revision_in_quarantine_do_not_exist_for_anybody_else():
    release = factories.make_released()
    repository = release.repository
    revision = factories.make_commit(repository, {"notes.txt": "more"})
    reader = As(factories.make_user())

    hidden = reader.get(_address(revision))
    missing = reader.get(f"/models/{repository.full_name}/checks/{'0' * 40}")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["error"].replace(revision.oid, "") == missing.json()["error"].replace(
        "0" * 40, ""
    )
    assert reader.post(_address(revision, "/rerun")).status_code == 404


def test_the_checks_of_a_repository_in_quarantine_do_not_exist_for_anybody_else():
    revision = factories.make_revision()

    answer = As(factories.make_user()).get(_address(revision))

    assert answer.status_code == 404
    assert answer.json() == As().get("/models/no/such/checks/main").json()


def test_a_contributor_has_checks_that_could_not_be_completed_run_again():
    revision = factories.make_revision()
    factories.finish_checks(revision, "error")

    answer = As(revision.author, Scope.WRITE).post(_address(revision, "/rerun"))

    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    assert CheckRun.objects.filter(revision=revision).count() == 2


def test_only_a_maintainer_has_checks_with_a_verdict_run_again():
    revision = factories.make_revision()
    factories.finish_checks(revision, "blocked")

    contributor = As(revision.author).post(_address(revision, "/rerun"))
    maintainer = As(factories.make_maintainer()).post(_address(revision, "/rerun"))

    assert contributor.status_code == 409
    assert maintainer.status_code == 202


def test_checks_that_run_are_not_started_again():
    revision = factories.make_revision()

    answer = As(factories.make_maintainer()).post(_address(revision, "/rerun"))

    assert answer.status_code == 409


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_maintainers_token_of_another_scope_than_admin_cannot_run_checks_again(scope):
    revision = factories.make_revision()
    factories.finish_checks(revision, "error")

    answer = As(factories.make_maintainer(), scope).post(_address(revision, "/rerun"))

    assert answer.status_code == 403


def test_a_reader_of_a_released_model_cannot_run_its_checks_again():
    release = factories.make_released()

    answer = As(factories.make_user()).post(_address(release.revision, "/rerun"))

    assert answer.status_code == 403


def test_who_may_write_cancels_checks_with_a_reason_and_nobody_else_does():
    revision = factories.make_revision()
    address = _address(revision, "/cancel")
    asked = {"reason": "The wrong files"}

    assert As(factories.make_user()).post(address, asked).status_code == 404
    assert As(revision.author, Scope.READ).post(address, asked).status_code == 403
    answer = As(revision.author, Scope.WRITE).post(address, asked)

    assert answer.status_code == 200
    assert answer.json()["verdict"] == "error"
    assert answer.json()["report"]["reason"].endswith("the repository: The wrong files.")
    assert As(revision.author, Scope.WRITE).post(address, asked).status_code == 409
