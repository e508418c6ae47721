"""Models picked in the list to be compared: the address keeps them, and a form without scripts does it."""

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client

from registry.catalog.models import Repository
from registry.releases import entries
from tests import factories

pytestmark = pytest.mark.django_db


def make_models(number: int) -> list[str]:
    ada, bob = factories.make_user("ada"), factories.make_maintainer("bob")
    for one in range(number):
        factories.make_released(factories.make_repository(ada, f"m{one}"), by=bob)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    return [f"ada/m{one}" for one in range(number)]


def boxes(page: str) -> dict[str, str]:
    """The attributes of each box, by the model that it picks."""
    found = re.findall(
        r'<input type="checkbox" id="pick-\d+" name="m" value="([^"]+)"([^>]*)>', page
    )
    return dict(found)


def test_each_model_of_the_list_can_be_picked_by_a_plain_form(client: Client) -> None:
    names = make_models(2)

    page = client.get("/").text

    assert sorted(boxes(page)) == names
    assert re.search(r'<form class="picking"[^>]*method="get" action="/"', page)
    assert 'name="compare"' in page


def test_two_picked_models_lead_to_their_comparison(client: Client) -> None:
    make_models(2)

    answer = client.get("/", {"m": ["ada/m1", "ada/m0", "ada/m1"], "compare": "1", "q": "m"})

    assert (answer.status_code, answer["Location"]) == (302, "/compare?m=ada/m1&m=ada/m0")
    assert "ada/m1" in client.get(answer["Location"]).text


def test_one_picked_model_is_told_that_it_needs_another(client: Client) -> None:
    make_models(2)

    page = client.get("/", {"m": "ada/m1", "compare": "1"}).text

    assert "Pick at least two models" in page
    assert "checked" in boxes(page)["ada/m1"]


def test_no_more_than_five_are_picked(client: Client) -> None:
    names = make_models(6)

    five = client.get("/", {"m": names[:5]}).text
    six = client.get("/", {"m": names, "compare": "1"})

    assert "Five are picked" in five
    assert "disabled" in boxes(five)["ada/m5"]
    assert "disabled" not in boxes(five)["ada/m0"]
    assert six.status_code == 200
    assert "the first five are kept" in six.text
    assert "checked" not in boxes(six.text)["ada/m5"]


def test_every_address_of_the_list_keeps_what_is_picked(client: Client) -> None:
    make_models(2)

    page = html.unescape(client.get("/", {"m": "ada/m1", "license": "llama3.1", "q": "m"}).text)

    listing = [one for one in re.findall(r'href="(/\?[^"]+)"', page) if "export=" not in one]
    away = [one for one in listing if ("m", "ada/m1") not in parse_qsl(urlsplit(one).query)]
    assert listing
    assert away == ["/?q=m&license=llama3.1"]  # the one that takes the pick away
    assert '<input type="hidden" form="finder" name="m" value="ada/m1">' in page
    assert "export=csv&m=" not in page


def test_what_is_picked_stays_where_the_list_does_not_show_it(client: Client) -> None:
    make_models(2)

    page = client.get("/", {"m": ["ada/m0", "elsewhere/<b>"], "q": "m1"}).text

    assert "ada/m0" not in boxes(page)
    assert '<input type="hidden" name="m" value="ada/m0">' in page
    assert "elsewhere/&lt;b&gt;" in page
    assert "elsewhere/<b>" not in page


def test_what_nobody_may_know_of_is_picked_like_a_name_that_nothing_bears(client: Client) -> None:
    make_models(1)
    hidden = factories.make_revision().repository.full_name

    pages = [client.get("/", {"m": ["ada/m0", one]}).text for one in (hidden, "no/body")]

    plain = [re.sub(r'name="csrf[^>]+', "", one).replace("%2F", "/") for one in pages]
    assert plain[0].replace(hidden, "X") == plain[1].replace("no/body", "X")


def test_datasets_are_not_picked(client: Client, settings: object) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]  # type: ignore[attr-defined]
    ada = factories.make_user("ada")
    factories.make_released(factories.make_repository(ada, "texts", type="dataset"))
    entries.refresh(Repository.objects.values_list("pk", flat=True))

    page = client.get("/datasets", {"m": ["a/b", "c/d"], "compare": "1"})

    assert page.status_code == 200
    assert boxes(page.text) == {}


def test_the_comparison_leads_back_to_the_list_with_its_models_picked(client: Client) -> None:
    make_models(2)

    page = client.get("/compare", {"m": ["ada/m0", "ada/m1"]}).text

    assert 'href="/?m=ada/m0&amp;m=ada/m1"' in page
