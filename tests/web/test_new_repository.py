"""Beginning a repository on a page: what the base proposes, what it brings, and who may."""

import pytest
from django.test import Client

from registry.accounts.models import Role
from registry.catalog import facts
from registry.catalog.models import Repository, Revision, RevisionState, Visibility
from tests.factories import (
    make_facts,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_user,
)

pytestmark = pytest.mark.django_db
BASE = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture
def published() -> None:
    """The models that were published elsewhere are known."""
    make_facts()
    facts.load()


def test_a_llama_base_proposes_its_name_and_license_and_says_what_they_ask(
    client: Client, published: None
) -> None:
    client.force_login(make_user("ada"))
    typed = {"step": "look", "base": BASE, "relation": "finetune", "owner": "ada"}
    typed |= {"name": "med-8b", "visibility": "public"}

    page = client.post("/new", typed)
    part = client.post("/new", typed, headers={"HX-Request": "true"})

    assert page.status_code == 200
    assert "<code>Llama-med-8b</code>" in page.text
    assert "<code>llama3.1</code>" in page.text
    assert "Built with Llama" in page.text
    assert "not legal advice" in page.text
    assert 'value="med-8b"' in page.text  # what was typed stays
    assert "<html" not in part.text
    assert "<code>Llama-med-8b</code>" in part.text
    assert not Repository.objects.exists()


def test_a_name_is_proposed_that_is_not_the_base_s_and_gives_way_to_what_is_typed(
    client: Client, published: None
) -> None:
    client.force_login(make_user("ada"))
    htmx = {"HX-Request": "true"}
    typed = {"step": "look", "base": BASE, "owner": "ada", "visibility": "public"}

    first = client.post("/new", typed | {"name": ""}, headers=htmx).text
    given = {"name": "Llama-3.1-8B-Instruct-ada", "proposed": "Llama-3.1-8B-Instruct-ada"}
    again = client.post("/new", typed | given | {"relation": "adapter"}, headers=htmx).text
    own = client.post("/new", typed | given | {"name": "Llama-mine"}).text

    assert "can be taken for" not in first
    assert 'value="Llama-3.1-8B-Instruct-ada"' in first
    assert 'value="Llama-3.1-8B-Instruct-adapter"' in again
    assert 'value="Llama-mine"' in own


def test_a_base_is_looked_up_among_what_is_here_and_what_was_published(
    client: Client, published: None
) -> None:
    here = make_released(make_repository(make_user("lab"), "Llama-med")).repository
    hidden = make_released(make_repository(make_user("far"), "Llama-secret", visibility="private"))
    assert client.get("/new/bases").status_code == 302
    client.force_login(make_user("ada"))

    found = client.get("/new/bases", {"base": "llama"}).text
    second = client.get("/new/bases", {"base_model": "x/y, Llama-med"}).text

    assert f'value="{here.full_name}"' in found
    assert "meta-llama/" in found
    assert hidden.repository.full_name not in found
    assert f'value="x/y, {here.full_name}"' in second
    assert f'value="{BASE}"' in client.get("/new/bases").text


def test_a_name_that_looks_official_is_warned_of(client: Client, published: None) -> None:
    client.force_login(make_user("ada"))
    typed = {"step": "look", "base": BASE, "owner": "ada", "visibility": "public"}

    lookalike = client.post("/new", typed | {"name": "Llama-3.1-8B-lnstruct"}).text
    other = client.post("/new", typed | {"name": "Llama-med-8b"}).text

    assert f"can be taken for {BASE}" in lookalike
    assert "can be taken for" not in other


def test_it_is_made_with_a_card_in_quarantine_and_leads_to_the_upload(
    client: Client, published: None
) -> None:
    client.force_login(ada := make_user("ada"))
    make_organisation("lab", owner=ada)
    typed = {"base": BASE, "relation": "adapter", "owner": "lab", "name": "Llama-med-8b"}

    answer = client.post("/new", typed | {"visibility": "private"})

    made = Repository.objects.get()
    assert answer["Location"] == "/lab/Llama-med-8b/upload/main"
    assert (made.full_name, made.visibility) == ("lab/Llama-med-8b", Visibility.PRIVATE)
    head = Revision.objects.filter(repository=made).latest("pk")
    assert head.state == RevisionState.QUARANTINE
    assert head.card == {
        "license": "llama3.1",
        "base_model": BASE,
        "base_model_relation": "adapter",
    }


def test_what_is_refused_is_said_at_the_name_and_makes_nothing(client: Client) -> None:
    taken = make_repository(ada := make_user("ada"), "taken")
    client.force_login(ada)

    again = client.post("/new", {"owner": "ada", "name": "taken", "visibility": "public"})
    unnamed = client.post("/new", {"owner": "ada", "name": "", "visibility": "public"})
    odd = client.post(
        "/new", {"owner": "ada", "name": "a", "base": "no id/at/all", "visibility": "public"}
    )

    assert [one.status_code for one in (again, unnamed, odd)] == [400, 400, 400]
    assert "already created" in again.text
    assert "it is empty" in unnamed.text
    assert "namespace/name" in odd.text
    assert list(Repository.objects.all()) == [taken]


def test_only_who_may_write_in_a_namespace_begins_one_there(client: Client) -> None:
    make_facts()
    lab = make_organisation("lab")
    assert client.get("/new").status_code == 302
    client.force_login(make_member(lab, Role.READ))

    page = client.get("/new").text
    answer = client.post("/new", {"owner": "lab", "name": "x", "visibility": "public"})

    assert '<option value="lab"' not in page
    assert answer.status_code == 400
    assert not Repository.objects.exists()


def test_a_base_that_is_private_elsewhere_is_as_if_it_were_not_there(client: Client) -> None:
    hidden = make_released(make_repository(visibility="private")).repository
    client.force_login(make_user("ada"))
    typed = {"step": "look", "owner": "ada", "name": "mine", "visibility": "public"}

    theirs = client.post("/new", typed | {"base": hidden.full_name}).text
    nobody = client.post("/new", typed | {"base": "nobody/nothing"}).text

    same = theirs.replace(hidden.full_name, "nobody/nothing")
    assert "Nothing is known here of nobody/nothing" in same
    assert same.count("<li>") == nobody.count("<li>")
