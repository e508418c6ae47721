"""The list of models and the pages of namespaces: who sees what, and at which cost."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.accounts.models import Role
from registry.catalog.models import Repository
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_public_sees_what_is_released_and_nothing_in_quarantine(client: Client) -> None:
    released = factories.make_released()
    hidden = factories.make_revision().repository

    page = client.get("/").text

    assert f'href="/{released.repository.full_name}"' in page
    assert hidden.name not in page


def test_a_contributor_sees_their_own_in_quarantine(client: Client) -> None:
    mine = factories.make_revision().repository
    client.force_login(mine.created_by)

    assert f'href="/{mine.full_name}"' in client.get("/").text


def test_a_member_who_may_only_read_does_not_see_quarantine(client: Client) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    hidden = factories.make_revision(factories.make_repository(owner, namespace="lab")).repository
    client.force_login(factories.make_member(lab, Role.READ))

    assert hidden.name not in client.get("/").text
    assert client.get(f"/{hidden.full_name}").status_code == 404


def test_a_private_model_is_listed_for_members_alone(client: Client) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    repository = factories.make_repository(
        owner, "secretive", namespace="lab", visibility="private"
    )
    factories.make_released(repository)

    assert "secretive" not in client.get("/").text
    assert client.get("/lab/secretive").status_code == 404
    client.force_login(factories.make_member(lab, Role.READ))
    assert "secretive" in client.get("/").text
    assert client.get("/lab/secretive").status_code == 200


def test_a_released_model_shows_its_public_revision_to_its_writers_too(client: Client) -> None:
    release = factories.make_released()
    factories.make_commit(release.repository, {"README.md": "---\nlicense: mit\n---\n# Next\n"})
    client.force_login(release.repository.created_by)

    page = client.get("/").text

    assert "v1.0" in page
    assert "<span>mit</span>" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("needle", True),
        ("NEEDLE", True),
        ("ada need", True),
        ("text-generation", True),
        ("hay", False),
    ],
)
def test_search_looks_at_names_namespaces_and_tags(client: Client, query: str, found: bool) -> None:
    factories.make_released(factories.make_repository(factories.make_user("ada"), "needle"))

    page = client.get("/", {"q": query}).text

    assert ('href="/ada/needle"' in page) is found


def test_search_does_not_betray_the_tags_of_quarantine(client: Client) -> None:
    release = factories.make_released()
    card = "---\nlicense: llama3.1\ntags: [unannounced]\n---\n# A model\n"
    factories.make_commit(release.repository, {"README.md": card})

    assert release.repository.name not in client.get("/", {"q": "unannounced"}).text


@pytest.mark.parametrize("path", ["/", "/?sort=updated", "/ada"])
def test_the_order_of_the_list_does_not_betray_uploads_in_quarantine(
    client: Client, path: str
) -> None:
    ada = factories.make_user("ada")
    older = factories.make_released(factories.make_repository(ada, "older")).repository
    factories.make_released(factories.make_repository(ada, "newer"))

    def order() -> bool:
        page = client.get(path).text
        return page.index('href="/ada/newer"') < page.index('href="/ada/older"')

    Repository.objects.filter(name="newer").update(updated_at=timezone.now() - timedelta(days=1))
    factories.make_commit(older, {"hidden.txt": "x"})

    assert order()
    client.force_login(factories.make_user())
    assert order()
    client.force_login(ada)
    assert not order()


def test_filters_by_license_and_verdict(client: Client) -> None:
    llama = factories.make_released()
    mit = factories.make_released(
        files={"README.md": "---\nlicense: mit\n---\n# M\n", "model.safetensors": b"w"}
    )

    by_license = client.get("/", {"license": "mit"}).text
    by_verdict = client.get("/", {"verdict": "warned"}).text

    assert mit.repository.name in by_license
    assert llama.repository.name not in by_license
    assert "Nothing matches" in by_verdict


@pytest.mark.parametrize("query", ["?page=999", "?page=x", "?sort=x", "?q=%00", "?license=%27"])
def test_odd_addresses_are_answered_all_the_same(client: Client, query: str) -> None:
    assert client.get(f"/{query}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/a%00b", "/a%00b/c", "/lab/m/tree/%00", "/lab/m/blob/main/%00", "/licenses/%00"]
)
def test_addresses_that_nothing_can_have_are_a_404(client: Client, path: str) -> None:
    factories.make_released(factories.make_repository(factories.make_user("lab"), "m"))

    assert client.get(path).status_code == 404


def test_an_empty_site_says_how_to_fill_it(client: Client) -> None:
    client.force_login(factories.make_user("ada"))

    page = client.get("/").text

    assert "export HF_ENDPOINT=http://testserver" in page
    assert "hf upload ada/my-model ./my-model" in page


@pytest.mark.parametrize("number", [1, 4])
def test_the_list_costs_the_same_however_long_it_is(
    client: Client, django_assert_num_queries: Any, number: int
) -> None:
    maintainer = factories.make_maintainer()
    for _ in range(number):
        factories.make_released(by=maintainer)
    client.force_login(factories.make_user())

    with django_assert_num_queries(14):
        client.get("/")


def test_a_namespace_lists_what_the_visitor_may_know_of(client: Client) -> None:
    ada = factories.make_user("ada")
    factories.make_released(factories.make_repository(ada, "shown"))
    factories.make_revision(factories.make_repository(ada, "hidden"))

    page = client.get("/ada").text

    assert "shown" in page
    assert 'href="/ada/hidden"' not in page
    assert client.get("/nobody-of-this-name").status_code == 404


def test_names_are_found_in_any_case_and_lead_to_their_spelling(client: Client) -> None:
    factories.make_released(factories.make_repository(factories.make_user("Ada"), "Model"))

    answer = client.get("/ada/MODEL")

    assert (answer.status_code, answer["Location"]) == (302, "/Ada/Model")


def test_datasets_have_a_list_of_their_own_where_they_are_switched_on(
    client: Client, settings: Any
) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    ada = factories.make_user("ada")
    factories.make_released(factories.make_repository(ada, "writes"))
    factories.make_released(factories.make_repository(ada, "texts", type="dataset"))

    models, listed = client.get("/").text, client.get("/datasets").text

    assert 'href="/datasets/ada/texts"' in listed
    assert "/ada/writes" not in listed
    assert "1 dataset" in listed
    assert "/ada/writes" in models
    assert "ada/texts" not in models
    assert 'href="/datasets"' in models
    both = client.get("/ada").text
    assert "/ada/writes" in both
    assert "/datasets/ada/texts" in both
    assert "Nothing matches" in client.get("/datasets?q=zebra").text
    assert "1 dataset" in client.get("/datasets?license=llama3.1").text
    client.force_login(factories.make_user("bob"))
    settings.REPOSITORY_TYPES = ["model"]
    assert "texts" not in client.get("/ada").text


def test_an_empty_list_of_datasets_says_how_to_upload_one(client: Client, settings: Any) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    client.force_login(factories.make_user("bob"))

    page = client.get("/datasets").text

    assert "hf upload bob/my-dataset ./my-dataset --repo-type dataset" in page


def test_without_datasets_there_is_no_list_of_them(client: Client) -> None:
    assert client.get("/datasets").status_code == 404
    assert 'href="/datasets"' not in client.get("/").text


def test_members_are_told_to_members_and_to_maintainers(client: Client) -> None:
    lab = factories.make_organisation("lab", owner=factories.make_user("ada"))
    bob = factories.make_member(lab, Role.READ)

    told = {}
    for person in (None, factories.make_user(), bob, factories.make_maintainer()):
        if person:
            client.force_login(person)
        told[person] = 'href="/ada"' in client.get("/lab?tab=members").text

    assert list(told.values()) == [False, False, True, True]


def test_a_person_finds_their_organisations_on_their_own_page_alone(client: Client) -> None:
    factories.make_organisation("lab", owner=factories.make_user("ada"))
    client.force_login(factories.make_user("carol"))
    assert 'href="/lab"' not in client.get("/ada").text

    client.force_login(factories.User.objects.get(username="ada"))

    assert 'href="/lab"' in client.get("/ada").text
