"""What surrounds the rows of the catalog: parts for htmx, choices, tables to take away."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from registry.catalog import facts
from registry.catalog.models import Repository
from registry.releases import entries
from registry.web.templatetags import catalog
from tests import factories

pytestmark = pytest.mark.django_db

MIT = {"README.md": "---\nlicense: mit\n---\n# M\n", "model.safetensors": b"w"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada() -> factories.User:
    """She has one model under Llama's license, one under MIT, and one in quarantine."""
    user, maintainer = factories.make_user("ada"), factories.make_maintainer()
    factories.make_released(factories.make_repository(user, "llama-tiny"), by=maintainer)
    factories.make_released(factories.make_repository(user, "plain"), by=maintainer, files=MIT)
    factories.make_revision(factories.make_repository(user, "unfinished"))
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    return user


def test_htmx_gets_the_part_below_the_search_and_its_address(client: Client, ada: Any) -> None:
    part = client.get("/?q=&license=mit&nonsense=1", headers=HTMX)

    assert part["HX-Push-Url"] == "/?license=mit"
    assert "HX-Request" in part["Vary"]
    assert "<html" not in part.text
    assert "/ada/plain" in part.text
    assert "/ada/llama-tiny" not in part.text
    whole = client.get("/?license=mit", headers=HTMX | {"HX-History-Restore-Request": "true"})
    assert "<html" in whole.text
    paged = client.get("/?after=x", headers=HTMX)
    assert paged["HX-Push-Url"] == "/?after=x"


def test_each_choice_is_an_address_that_adds_it_or_takes_it_away(client: Client, ada: Any) -> None:
    chosen = client.get("/?license=mit&sort=name").text
    assert 'href="/?license=llama3.1&amp;license=mit&amp;sort=name"' in chosen
    assert 'href="/?sort=name"' in chosen

    page = client.get("/?license=mit&parameters_min=1B").text
    assert 'href="/?parameters=min:1B"' in page
    assert 'href="/?license=mit"' in page
    assert 'name="license" value="mit"' in page
    assert "≥ 1B" in page


def test_a_table_holds_the_rows_of_the_list_and_no_more(client: Client, ada: Any) -> None:
    def names(query: str = "") -> list[str]:
        answer = client.get(f"/?export=csv{query}")
        assert answer["Content-Type"].startswith("text/csv")
        return [row["name"] for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))]

    assert sorted(names()) == ["ada/llama-tiny", "ada/plain"]
    assert names("&license=mit") == ["ada/plain"]
    assert names("&sort=name") == ["ada/llama-tiny", "ada/plain"]
    client.force_login(ada)
    assert "ada/unfinished" in names()


def test_datasets_have_columns_of_their_own(client: Client, ada: Any, settings: Any) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    made = factories.make_released(factories.make_repository(ada, "texts", type="dataset"))

    models, datasets = client.get("/").text, client.get("/datasets").text

    assert "<span>Parameters</span>" in models
    assert "<span>Parameters</span>" not in datasets
    assert "<span>Size</span>" in datasets
    assert datasets.count(f'title="{made.revision.total_size:,} bytes"') == 1


def test_no_cell_of_a_table_runs_as_a_formula(client: Client, ada: Any) -> None:
    repository = Repository.objects.get(name="plain")
    card = "---\nlicense: mit\npipeline_tag: '=1+1'\n---\n# M\n"
    factories.make_released(repository, version="v2.0", files=MIT | {"README.md": card})
    entries.refresh([repository.pk])

    assert ",'=1+1," in client.get("/?export=csv&license=mit").getvalue().decode()


def test_a_row_says_what_it_asks_of_this_visitor(client: Client, ada: Any) -> None:
    bob = factories.make_user("bob")
    release = Repository.objects.get(name="llama-tiny").releases.get()
    client.force_login(bob)

    assert "terms to accept" in client.get("/?license=llama3.1").text
    factories.accept_terms(release, bob)

    assert "terms accepted" in client.get("/?license=llama3.1").text
    client.force_login(factories.make_user())
    assert "terms accepted" not in client.get("/?license=llama3.1").text


def test_whoever_finds_nothing_is_shown_what_is_known_and_the_way_back(client: Client) -> None:
    facts.load()

    page = client.get("/?q=llama-3.1-405b&license=mit").text

    assert "Nothing matches" in page
    assert "/families/" in page
    assert 'href="/?license=mit"' in page


def test_people_are_found_by_their_names_beside_models(client: Client, ada: Any) -> None:
    factories.make_user("adalbert")

    page = client.get("/?q=ada").text

    assert 'class="owner" href="/ada"' in page
    assert "adalbert" not in page


@pytest.mark.parametrize(
    ("filtered", "given", "shown"),
    [
        (catalog.parameters, 8_030_261_248, "8.03\xa0B"),
        (catalog.parameters, 70_553_706_496, "70.6\xa0B"),
        (catalog.parameters, 405_853_388_800, "406\xa0B"),
        (catalog.parameters, 13_000_000_000, "13\xa0B"),
        (catalog.parameters, 999, "999"),
        (catalog.context_size, 131_072, "128k"),
        (catalog.context_size, 1_048_576, "1M"),
        (catalog.context_size, 1000, "1000"),
        (catalog.compact, 1_204_311, "1.2M"),
        (catalog.compact, 12_033, "12k"),
        (catalog.compact, 5, "5"),
    ],
)
def test_figures_are_said_as_people_say_them(filtered: Any, given: int, shown: str) -> None:
    assert filtered(given) == shown
