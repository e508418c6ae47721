"""Pages of people and organisations: models, activity, likes and members, for whoever may know."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.accounts.models import Role
from registry.catalog import likes
from registry.catalog.models import DailyDownloads
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db


def test_a_person_has_models_activity_and_likes(client: Client) -> None:
    ada, carol = factories.make_user("ada"), factories.make_user("carol")
    release = factories.make_released(factories.make_repository(ada, "shown"))
    hidden = factories.make_revision(factories.make_repository(ada, "hidden")).repository
    today = timezone.now().date()
    for repository, count in ((release.repository, 3), (hidden, 400)):
        DailyDownloads.objects.create(
            repository=repository, day=today - timedelta(days=1), count=count
        )
    for repository in (release.repository, hidden):
        likes.like(repository, by=as_caller(carol))

    page = client.get("/ada").text
    assert 'href="/ada/shown"' in page
    assert "3 downloads in the last 30 days" in page
    assert release.version in client.get("/ada?tab=activity").text
    liked = client.get("/carol?tab=likes").text
    assert 'href="/ada/shown"' in liked
    for text in (page, liked):
        assert "hidden" not in text.replace('type="hidden"', "").replace('aria-hidden="true"', "")
    assert "None of theirs" in client.get("/ada?q=nothing-like-it").text
    assert client.get("/ADA")["Location"] == "/ada"
    for path in ("/ada?tab=members", "/ada?tab=none", "/nobody"):
        assert client.get(path).status_code == 404


def test_an_organisation_tells_members_to_insiders_alone(client: Client) -> None:
    lab = factories.make_organisation("lab", owner=factories.make_user("ada"))
    assert client.get("/lab?tab=members").status_code == 404
    assert client.get("/lab?tab=likes").status_code == 404
    client.force_login(factories.make_user())
    assert client.get("/lab?tab=members").status_code == 404
    client.force_login(factories.make_member(lab, Role.READ))

    assert 'href="/ada"' in client.get("/lab?tab=members").text


@pytest.mark.parametrize("number", [1, 3])
def test_a_namespace_costs_the_same_however_much_it_holds(
    client: Client, django_assert_num_queries: Any, number: int
) -> None:
    ada, maintainer = factories.make_user("ada"), factories.make_maintainer()
    for _ in range(number):
        factories.make_released(factories.make_repository(ada), by=maintainer)

    with django_assert_num_queries(8):
        page = client.get("/ada").text

    assert page.count('<li class="model">') == number
