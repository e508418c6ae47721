"""The pages of duties: what is unmet, the fixes, and what stewards decide."""

import pytest
from django.test import Client
from django.urls import reverse

from registry.catalog import facts
from registry.catalog.models import Ref
from registry.releases import duties, workflow
from registry.releases.models import DutyDecision
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db
BASE = "meta-llama/Llama-3.1-8B"


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def as_user(user=None):
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def bare():
    factories.copies_of("llama3.1")
    return factories.make_revision()


def address(revision, rest=""):
    return f"/{revision.repository.full_name}/duties{rest}"


def test_the_writer_sees_what_is_missing_previews_and_writes_it_with_one_press(bare):
    writer = as_user(bare.repository.created_by)

    page = writer.get(address(bare)).content.decode()
    assert "A copy of the license is among the files" in page
    assert "section 1.b.i" in page

    shown = writer.get(address(bare, "/preview"), {"fix": ["license:llama3.1"]}).content.decode()
    assert "Invented words in place of" in shown
    fixes = ["license:llama3.1", "policy:aup-llama3.1"]
    answer = writer.post(address(bare, "/mend"), {"fix": fixes, "revision": bare.oid})
    assert answer.status_code == 302
    head = Ref.objects.get(repository=bare.repository, name="refs/heads/main").head
    assert head.parents == [bare.oid]
    assert "A copy of the license" not in " ".join(duties.holds(duties.of_revision(head)))


def test_a_commit_that_came_meanwhile_is_shown_first(bare):
    factories.make_commit(bare.repository, {"notes.txt": "x"})
    writer = as_user(bare.repository.created_by)

    writer.post(address(bare, "/mend"), {"fix": "license:llama3.1", "revision": bare.oid})

    head = Ref.objects.get(repository=bare.repository, name="refs/heads/main").head
    assert head.title == "Add files"


def test_who_does_not_see_the_quarantine_sees_no_duties_of_it(bare):
    for client in (as_user(), as_user(factories.make_user())):
        assert client.get(address(bare)).status_code == 404
    name = bare.repository.full_name
    assert As(factories.make_user()).get(f"/models/{name}/duties").status_code == 404


def test_the_api_answers_duties_and_fixes(bare):
    name = bare.repository.full_name
    found = As(bare.repository.created_by).get(f"/models/{name}/duties?revision={bare.oid}").json()

    assert found["holds"] is True
    assert {"own_license_copy", "policy_copy"} <= {one["rule"] for one in found["duties"]}
    assert any(one["path"] == "LICENSE" for one in found["fixes"])


@pytest.fixture
def doubtful():
    facts.load()
    repository = factories.make_repository(name="Llama-med")
    front = f"license: mit\nbase_model: {BASE}\nbase_model_relation: finetune"
    card = f"---\n{front}\n---\nBuilt with Llama\n"
    files = {"README.md": card, "m.bin": b"w"} | factories.copies_of("llama3.1")
    revision = factories.make_revision(repository, files=files)
    factories.finish_checks(revision)
    return workflow.open_release(
        revision, version="v1", by=factories.as_caller(repository.created_by)
    )


def test_a_steward_decides_what_is_left_open_and_the_release_can_go_out(doubtful):
    steward = as_user(factories.make_user(site_role="steward"))
    page = steward.get(reverse("steward-duties")).content.decode()
    assert "Declared license may not be looser" in page

    revision = doubtful.revision
    to = address(revision, f"/{revision.oid}/license_not_looser/decide")
    shown = duties.facts_digest(revision, "license_not_looser")
    assert steward.post(to, {"verdict": "allow", "reason": "", "shown": shown}).status_code == 409
    said = {"verdict": "allow", "reason": "Own changes.", "shown": shown}
    assert steward.post(to, said).status_code == 302
    assert DutyDecision.objects.get().reason == "Own changes."
    assert "Declared license" not in steward.get(reverse("steward-duties")).content.decode()


def test_nobody_but_a_steward_sees_the_list_or_decides(doubtful):
    revision = doubtful.revision
    to = address(revision, f"/{revision.oid}/license_not_looser/decide")
    for user in (doubtful.opened_by, factories.make_maintainer(), factories.make_user()):
        assert as_user(user).get(reverse("steward-duties")).status_code == 404
        assert as_user(user).post(to, {"verdict": "allow", "reason": "x"}).status_code == 404
    assert not DutyDecision.objects.exists()


def test_the_review_page_shows_what_a_steward_has_to_decide(doubtful):
    page = as_user(factories.make_maintainer()).get(doubtful.get_absolute_url()).content.decode()

    assert "Declared license may not be looser than the base" in page
    assert "a steward decides" in page
