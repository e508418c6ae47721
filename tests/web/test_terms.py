"""The terms page: what was accepted is what was shown."""

import pytest
from django.test import Client

from registry.agreements import documents, locks
from registry.agreements.models import Acceptance, AccessRequest
from registry.catalog import branches, revisions
from registry.releases import access, offers, workflow
from registry.releases.models import Release
from tests import factories
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


def _typed(release: Release, **rest: str) -> dict[str, str]:
    return {
        "shown_hash": release.terms_hash,
        "capacity": "self",
        "typed_name": "Carol Reader",
    } | rest


def _address(release: Release) -> str:
    return f"/{release.repository.full_name}/terms"


def _again(release: Release) -> Release:
    """The next release, under a policy with another text."""
    documents.add_text(slug="site-policy", version="2", text=b"A new policy.\nBe kind.\n")
    return factories.make_released(release.repository, version="v2.0", files={"new.txt": "x"})


def test_the_terms_are_shown_to_anybody_with_a_way_to_sign_in(client: Client) -> None:
    release = factories.make_released()

    page = client.get(_address(release)).text

    assert "Llama 3.1 Community License Agreement" in page
    assert "Use what you download lawfully" in page
    assert page.count('<details class="text-fold" open>') == 2
    assert "not legal advice" in page
    assert f"/accounts/login/?next={_address(release)}" in page
    assert "<textarea" not in page
    assert 'name="typed_name"' not in page


def test_accepting_records_the_hash_that_was_shown_and_opens_the_files(client: Client) -> None:
    release = factories.make_released()
    client.force_login(carol := factories.make_user("carol"))

    shown = client.get(_address(release)).text
    answer = client.post(_address(release), _typed(release))

    assert release.terms_hash in shown
    assert answer["Location"] == _address(release)
    acceptance = Acceptance.objects.get(user=carol)
    assert acceptance.terms_hash == release.terms_hash
    assert acceptance.words.typed_name == "Carol Reader"
    assert "model.safetensors" in client.get(f"/{release.repository.full_name}/tree/main").text


def test_the_form_that_the_page_shows_accepts_the_terms() -> None:
    release = factories.make_released()
    client = Client(enforce_csrf_checks=True)
    client.force_login(carol := factories.make_user())

    form = form_to(client.get(_address(release)).text, "")
    answer = client.post(_address(release), form.filled(typed_name="Carol Reader"))

    assert answer.status_code == 302
    assert Acceptance.objects.get(user=carol).terms_hash == release.terms_hash


def test_a_form_without_its_hash_is_refused_in_words(client: Client) -> None:
    release = factories.make_released()
    client.force_login(factories.make_user())

    page = client.post(_address(release), _typed(release, shown_hash=""))

    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_nobody_accepts_without_being_signed_in(client: Client) -> None:
    release = factories.make_released()

    answer = client.post(_address(release), _typed(release))

    assert answer["Location"].startswith("/accounts/login/")
    assert not Acceptance.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"typed_name": "  "}, {"capacity": "nobody"}, {"typed_name": "x" * 201}]
)
def test_a_form_that_is_not_whole_is_shown_again(client: Client, wrong: dict[str, str]) -> None:
    release = factories.make_released()
    client.force_login(factories.make_user())

    page = client.post(_address(release), _typed(release, **wrong))

    assert page.status_code == 422
    assert 'class="errors"' in page.text
    assert not Acceptance.objects.exists()


def test_terms_that_changed_meanwhile_are_shown_again_with_what_was_typed(client: Client) -> None:
    before = factories.make_released()
    client.force_login(factories.make_user())
    after = _again(before)

    page = client.post(_address(before), _typed(before))

    assert page.status_code == 409
    assert not Acceptance.objects.exists()
    assert "The terms have changed since they were shown." in page.text
    assert 'value="Carol Reader"' in page.text
    assert f'name="shown_hash" value="{after.terms_hash}"' in page.text
    assert client.post(_address(before), _typed(after)).status_code == 302


def test_who_accepted_before_is_shown_what_changed(client: Client) -> None:
    before = factories.make_released()
    client.force_login(carol := factories.make_user())
    factories.accept_terms(before, carol)
    _again(before)

    page = client.get(_address(before)).text

    assert "Changed since you accepted" in page
    assert "Version 1 became 2." in page
    assert "Be kind. \n\n</ins>" in page or "<ins>A new policy. Be kind." in page
    assert "<del>" in page
    assert 'name="typed_name"' in page


def test_an_acceptance_is_shown_with_its_date_and_not_asked_for_again(client: Client) -> None:
    release = factories.make_released()
    client.force_login(carol := factories.make_user())
    factories.accept_terms(release, carol)

    page = client.get(_address(release)).text

    assert "You accepted exactly these terms." in page
    assert 'name="typed_name"' not in page
    assert "hf download" in page


def test_accepting_twice_makes_one_acceptance(client: Client) -> None:
    release = factories.make_released()
    client.force_login(factories.make_user())

    for _ in range(2):
        client.post(_address(release), _typed(release))

    assert Acceptance.objects.count() == 1


def test_without_a_release_there_is_nothing_to_accept(client: Client) -> None:
    revision = factories.make_revision()
    client.force_login(revision.repository.created_by)

    answer = client.get(f"/{revision.repository.full_name}/terms")

    assert answer["Location"] == f"/{revision.repository.full_name}/license"
    assert offers.current(revision.repository) is None


def test_the_license_tab_says_what_this_visitor_still_has_to_do(client: Client) -> None:
    release = factories.make_released()
    address = f"/{release.repository.full_name}/license"

    nobody = client.get(address).text
    client.force_login(carol := factories.make_user())
    reader = client.get(address).text
    factories.accept_terms(release, carol)
    accepted = client.get(address).text
    client.force_login(release.repository.created_by)
    writer = client.get(address).text

    assert "you are not signed in" in nobody
    assert "its terms are not accepted" in reader
    assert "terms accepted" in accepted
    assert "to be accepted" in reader
    assert "to be accepted" not in accepted
    assert "You may write this repository" in writer


def test_the_terms_of_a_release_of_another_branch_are_accepted_by_its_label(
    client: Client,
) -> None:
    repository = factories.make_repository()
    owner = factories.as_caller(repository.created_by)
    start = revisions.find(repository, "main", caller=owner)
    branches.create_branch(repository, "side", start=start, by=owner)
    revision = factories.make_ready(repository, branch="side")
    factories.finish_checks(revision)
    release = workflow.open_release(revision, version="s1", branch="side", by=owner)
    workflow.transition("approve", release, by=factories.as_caller(factories.make_maintainer()))
    reader = factories.make_user()
    client.force_login(reader)
    page = f"/{repository.full_name}/terms?version=s1"

    shown = client.get(page)
    answer = client.post(
        page, {"shown_hash": release.terms_hash, "typed_name": "Some Body", "capacity": "self"}
    )

    assert shown.status_code == 200
    assert answer.status_code == 302
    assert reader.acceptances.get().terms_hash == release.terms_hash


def test_questions_are_asked_everywhere_in_the_order_of_the_card(client: Client) -> None:
    fields = "extra_gated_fields:\n  Zoo: text\n  Affiliation: text\n  An end: date_picker\n"
    card = f"---\nlicense: llama3.1\n{fields}---\n# A model\n"
    release = factories.make_released(files={"README.md": card, "model.safetensors": b"weights"})
    owner = factories.as_caller(release.repository.created_by)
    locks.set_mode(release.repository, "manual", by=owner)
    client.force_login(factories.make_user())
    page = release.repository.get_absolute_url()

    shown = [client.get(f"{page}/{name}").text for name in ("terms", "license", "access")]
    told = client.get(f"/api/v1/models{page}/access-request").text

    labels = ["Zoo", "Affiliation", "An end"]
    assert [one["label"] for one in release.terms["prompt"]["questions"]] == labels
    for text in [*shown, told]:
        places = [text.index(label) for label in labels]
        assert places == sorted(places)


def test_accepting_and_asking_note_the_same_questions(client: Client) -> None:
    fields = "extra_gated_fields:\n  Zoo: text\n  Affiliation: text\n"
    card = f"---\nlicense: llama3.1\n{fields}---\n# A model\n"
    release = factories.make_released(files={"README.md": card, "model.safetensors": b"weights"})
    repository = release.repository
    locks.set_mode(repository, "manual", by=factories.as_caller(repository.created_by))
    answers = {"Zoo": "none", "Affiliation": "ACME"}
    one, two = (factories.as_caller(factories.make_user()) for _ in range(2))

    offers.accept(
        repository, shown_hash=release.terms_hash, typed_name="Ada", answers=answers, by=one
    )
    access.ask(repository, answers=answers, by=two)

    assert len(set(AccessRequest.objects.values_list("prompt_hash", flat=True))) == 1
    assert AccessRequest.objects.count() == 2
