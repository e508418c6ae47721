"""Terms, acceptance and the question whether one may download, over the API."""

import pytest

from registry.accounts.models import Role, Scope
from registry.accounts.people import create_service_account
from registry.agreements import documents
from registry.agreements.models import Acceptance
from registry.audit.models import Access
from registry.releases import workflow
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    return factories.make_released()


def _terms(release) -> str:
    return f"/models/{release.repository.full_name}/terms"


def _access(release) -> str:
    return f"/models/{release.repository.full_name}/access"


def _acceptance(release, **rest):
    return {"terms_hash": release.terms_hash, "typed_name": "Ada Example", **rest}


# Reading the terms


def test_anybody_reads_the_terms_of_what_is_released(release):
    given = As().get(_terms(release)).json()

    assert given["hash"] == release.terms_hash
    assert given["release"] == "v1.0"
    assert given["revision"] == release.revision.oid
    assert given["needs_acceptance"]
    assert not given["accepted"]
    assert given["url"] == f"http://testserver/{release.repository.full_name}/terms"


def test_each_document_comes_with_its_text_or_a_summary_and_a_link():
    card = factories.CARD.replace("llama3.1", "gemma")
    release = factories.make_released(files=factories.MODEL | {"README.md": card})
    documents_given = As().get(_terms(release)).json()["documents"]

    policy = next(item for item in documents_given if item["text"])
    summarised = next(item for item in documents_given if item["text"] is None)
    assert policy["text"].startswith("Acceptable use of this registry")
    assert summarised["summary"]["facts"]
    assert summarised["official_url"].startswith("https://")
    assert all(len(item["sha256"]) == 64 and item["why"] for item in documents_given)


def test_the_terms_of_a_release_stay_those_that_it_pinned(release):
    before = As().get(_terms(release)).json()
    documents.add_text(slug="llama3-1", version="3.1", text=b"A text in our own words.")

    assert As().get(_terms(release)).json() == before


def test_a_contributor_sees_the_terms_that_an_unreleased_revision_would_be_under(release):
    repository = release.repository
    documents.add_text(slug="llama3-1", version="3.1", text=b"A text in our own words.")
    revision = factories.make_commit(repository, {"notes.txt": "more"})
    owner = As(repository.created_by, Scope.WRITE)

    head = owner.get(_terms(release)).json()
    named = owner.get(_terms(release), revision=revision.oid).json()
    pinned = owner.get(_terms(release), revision="v1.0").json()

    assert head == named
    assert (head["release"], pinned["release"]) == ("", "v1.0")
    assert head["hash"] != pinned["hash"] == release.terms_hash


def test_the_terms_of_an_unreleased_revision_do_not_exist_for_others(release):
    revision = factories.make_commit(release.repository, {"notes.txt": "more"})

    answer = As(factories.make_user()).get(_terms(release), revision=revision.oid)

    assert answer.status_code == 404


def test_the_terms_of_a_repository_in_quarantine_do_not_exist_for_others():
    repository = factories.make_release().repository

    hidden = As(factories.make_user()).get(f"/models/{repository.full_name}/terms")

    assert hidden.status_code == 404
    assert hidden.json() == As().get("/models/no/such/terms").json()


def test_a_license_that_the_site_does_not_know_is_named_as_the_problem():
    revision = factories.make_revision(files={"README.md": "# No license\n"})
    repository = revision.repository

    given = As(revision.author, Scope.WRITE).get(f"/models/{repository.full_name}/terms").json()

    assert "names no license" in given["problem"]


# Accepting


def test_a_person_accepts_what_was_shown(release):
    reader = factories.make_user()
    caller = As(reader, Scope.WRITE)

    answer = caller.post(f"{_terms(release)}/accept", _acceptance(release))

    assert answer.status_code == 201
    acceptance = Acceptance.objects.get()
    assert answer.json()["acceptance"] == acceptance.public_id
    assert acceptance.user == reader
    assert acceptance.terms_hash == release.terms_hash
    shown = caller.get(_terms(release)).json()
    assert (shown["accepted"], shown["acceptance"]) == (True, acceptance.public_id)


def test_accepting_twice_gives_the_first_acceptance(release):
    caller = As(factories.make_user(), Scope.WRITE)

    first = caller.post(f"{_terms(release)}/accept", _acceptance(release))
    second = caller.post(f"{_terms(release)}/accept", _acceptance(release, typed_name="Other"))

    assert first.json() == second.json()


def test_another_hash_than_the_one_in_force_is_refused(release):
    answer = As(factories.make_user(), Scope.WRITE).post(
        f"{_terms(release)}/accept", _acceptance(release, terms_hash="0" * 64)
    )

    assert answer.status_code == 409
    assert "read them again" in answer.json()["error"]
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"typed_name": "  "}, {"typed_name": "a" * 300}, {"capacity": "king"}]
)
def test_an_acceptance_that_cannot_be_right_is_refused(release, wrong):
    answer = As(factories.make_user(), Scope.WRITE).post(
        f"{_terms(release)}/accept", _acceptance(release, **wrong)
    )

    assert answer.status_code == 422
    assert not Acceptance.objects.exists()


def test_a_read_token_cannot_accept(release):
    answer = As(factories.make_user(), Scope.READ).post(
        f"{_terms(release)}/accept", _acceptance(release)
    )

    assert answer.status_code == 403
    assert "scope write" in answer.json()["error"]


def test_a_service_account_cannot_accept(release):
    answer = As(create_service_account(username="ci-job"), Scope.WRITE).post(
        f"{_terms(release)}/accept", _acceptance(release)
    )

    assert answer.status_code == 403
    assert "person" in answer.json()["error"]


def test_nobody_accepts_without_a_token(release):
    assert As().post(f"{_terms(release)}/accept", _acceptance(release)).status_code == 401


def test_there_is_nothing_to_accept_before_a_release():
    release = factories.make_release()
    own = As(release.opened_by).post(f"{_terms(release)}/accept", _acceptance(release))
    other = As(factories.make_user()).post(f"{_terms(release)}/accept", _acceptance(release))

    assert (own.status_code, other.status_code) == (409, 404)


# Why, or why not


def test_the_public_is_told_to_sign_in_and_where(release):
    given = As().get(_access(release), path="model.safetensors").json()

    assert not given["is_open"]
    assert given["reason"] == "sign-in"
    assert given["next_url"] == f"http://testserver/{release.repository.full_name}/terms"


def test_a_reader_is_told_to_accept_the_terms_and_then_may_download(release):
    reader = factories.make_user()
    caller = As(reader, Scope.READ)

    before = caller.get(_access(release)).json()
    factories.accept_terms(release, reader)
    after = caller.get(_access(release)).json()

    assert (before["is_open"], before["reason"]) == (False, "terms")
    assert "not accepted its terms" in before["message"]
    assert (after["is_open"], after["reason"], after["release"]) == (True, "accepted", "v1.0")


def test_the_card_is_open_to_everybody(release):
    given = As().get(_access(release), path="README.md").json()

    assert (given["is_open"], given["reason"]) == (True, "open-file")


def test_contributors_and_maintainers_may_always(release):
    for user in (release.opened_by, factories.make_maintainer()):
        assert As(user, Scope.READ).get(_access(release)).json()["reason"] == "own"


def test_a_suspended_release_says_so_with_the_reason(release):
    workflow.transition(
        "suspend",
        release,
        by=factories.as_caller(factories.make_maintainer()),
        reason="A report is being looked at.",
    )

    given = As(factories.make_user()).get(_access(release)).json()

    assert (given["is_open"], given["reason"]) == (False, "suspended")
    assert "A report is being looked at." in given["message"]


def test_a_file_that_is_not_there_is_only_told_to_those_who_may_download(release):
    assert As().get(_access(release), path="no-such").json()["reason"] == "sign-in"
    assert As(release.opened_by).get(_access(release), path="no-such").status_code == 404


def test_what_is_in_quarantine_has_no_why_not():
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(admin, namespace=organisation.name)
    release = factories.make_release(repository)
    reader = factories.make_member(organisation, Role.READ)

    for caller in (As(), As(reader), As(factories.make_user())):
        assert caller.get(_access(release)).status_code == 404
        assert caller.get(_access(release), revision=release.revision.oid).status_code == 404


def test_asking_is_no_download(release):
    As(release.opened_by).get(_access(release), path="model.safetensors")

    assert not Access.objects.exists()
