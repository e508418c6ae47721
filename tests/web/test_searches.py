"""The page of kept searches: one's own alone, with what is new in each."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.catalog.models import Repository, SavedSearch
from registry.releases import entries
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_search_is_kept_from_the_catalog_opened_and_forgotten(client: Client) -> None:
    ada, bob = factories.make_user("ada"), factories.make_user("bob")
    client.force_login(ada)
    assert 'action="/settings/searches"' in client.get("/?license=llama3.1").text

    answer = client.post("/settings/searches", {"name": "Mine", "query": "license=llama3.1&x=1"})
    assert answer.status_code == 302
    kept = SavedSearch.objects.get(user=ada)
    assert kept.query == "license=llama3.1"
    SavedSearch.objects.update(seen_at=timezone.now() - timedelta(days=1))
    factories.make_released()
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    assert "1 new" in client.get("/settings/searches").text

    opened = client.post(f"/settings/searches/{kept.public_id}/look")
    assert opened["Location"] == "/?license=llama3.1"
    assert "nothing new" in client.get("/settings/searches").text
    client.force_login(bob)
    for step in ("look", "forget", "other"):
        assert client.post(f"/settings/searches/{kept.public_id}/{step}").status_code == 404
    assert "Mine" not in client.get("/settings/searches").text
    client.force_login(ada)
    client.post(f"/settings/searches/{kept.public_id}/forget")
    assert not SavedSearch.objects.exists()


def test_what_was_refused_stays_typed(client: Client) -> None:
    client.force_login(factories.make_user())
    sent = {"name": "Mine", "query": "q=tiny"}
    client.post("/settings/searches", sent)

    again = client.post("/settings/searches", sent)

    assert again.status_code == 422
    assert 'value="Mine"' in again.text
    assert 'value="q=tiny"' in again.text


def test_visitors_are_asked_to_sign_in(client: Client) -> None:
    assert client.get("/settings/searches")["Location"].startswith("/accounts/login/")
    assert "Keep this search" not in client.get("/?q=x").text


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_however_many_there_are(
    client: Client, django_assert_num_queries: Any, number: int
) -> None:
    client.force_login(factories.make_user())
    for place in range(number):
        client.post("/settings/searches", {"name": f"{place}", "query": f"q=word{place}"})

    with django_assert_num_queries(4):
        client.get("/settings/searches")
