"""A person's own page: what their models wait for, and nothing of what is not theirs."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from registry.agreements.models import AccessRequest, RequestState
from registry.catalog.models import DailyDownloads, Gated, Repository
from registry.discussions import threads
from registry.web import labels
from tests import factories
from tests.agreements.access import ask, set_mode
from tests.factories import as_caller, make_repository, make_user

pytestmark = pytest.mark.django_db


def test_each_model_says_what_it_waits_for(client: Client) -> None:
    ada, other = make_user("ada"), make_user("other")
    client.force_login(ada)
    make_repository(ada, "empty")
    factories.make_revision(make_repository(ada, "running"))
    blocked = factories.make_revision(make_repository(ada, "held"))
    factories.finish_checks(blocked, "blocked", (("SEC-PICKLE", "block", "It runs code."),))
    ready = factories.make_revision(make_repository(ada, "ready"))
    factories.finish_checks(ready, "passed", ())
    make_repository(other, "elsewhere")

    page = client.get("/dashboard").text

    for words in (
        "There are no weights in it yet.",
        "Its checks are on their way.",
        "Checks found what holds a release.",
        "Checked, and nobody has asked for its release.",
    ):
        assert page.count(words) == 1
    assert 'href="/ada/empty/upload/main"' in page
    assert "elsewhere" not in page


def test_what_is_an_organisation_s_stands_apart(client: Client) -> None:
    ada = make_user("ada")
    client.force_login(ada)
    make_repository(ada, "own")
    alone = client.get("/dashboard").text
    factories.make_organisation("a-lab", owner=ada)
    make_repository(ada, "shared", namespace="a-lab")

    page = client.get("/dashboard").text

    assert 'class="whose"' not in alone
    order = [">ada</a></h3>", ">ada/own<", ">a-lab</a></h3>", ">a-lab/shared<"]
    places = [page.index(words) for words in order]
    assert places == sorted(places)


def test_what_is_in_review_or_out_leads_to_its_release(client: Client) -> None:
    ada = make_user("ada")
    client.force_login(ada)
    release = factories.make_released(make_repository(ada, "out"))

    page = client.get("/dashboard").text

    assert "What is on main is out." in page
    assert f'href="{release.get_absolute_url()}"' in page


def test_an_empty_page_teaches_and_is_for_people_who_signed_in(client: Client) -> None:
    assert client.get("/dashboard").status_code == 302
    client.force_login(make_user("ada"))

    page = client.get("/dashboard").text

    assert "hf upload ada/my-model" in page
    assert "Nobody. Who asks for access" in page


def test_the_page_asks_as_much_of_few_as_of_many(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ada = make_user("ada")
    client.force_login(ada)
    for number in range(2):
        _busy(make_repository(ada, f"model-{number}"))
    client.get("/dashboard")
    with django_assert_max_num_queries(40) as few:
        client.get("/dashboard")
    for number in range(2, 6):
        _busy(make_repository(ada, f"model-{number}"))

    with django_assert_max_num_queries(len(few)):
        page = client.get("/dashboard").text

    assert page.count("A question") == 5
    assert AccessRequest.objects.exists()


def test_what_went_out_of_sight_is_named_by_its_id_alone(client: Client) -> None:
    person, release = make_user(), factories.make_released()
    set_mode(release.repository, Gated.MANUAL)
    ask(release.repository, person)
    factories.accept_terms(release, person)
    client.force_login(person)
    assert client.get("/dashboard").text.count(f">{release.repository.full_name}<") == 1

    Repository.objects.filter(pk=release.repository_id).update(visibility="private", name="new")
    page = client.get("/dashboard").text

    assert page.count(release.repository.public_id) == 2
    assert "/new" not in page.replace('href="/new"', "")


def _busy(repository: Repository) -> None:
    """Somebody waits to be let in, and a thread is open."""
    set_mode(repository, Gated.MANUAL)
    ask(repository, make_user())
    by = as_caller(repository.created_by)
    threads.open_thread(repository, title="A question", text="Why?", by=by)


def test_each_model_has_its_downloads_by_day_and_its_likes(client: Client) -> None:
    ada = make_user("ada")
    quiet, used = make_repository(ada, "quiet"), make_repository(ada, "used")
    other = make_repository(make_user("other"), "elsewhere")
    today = timezone.now().date()
    for repository, days, count in ((used, 0, 5), (used, 3, 2), (used, 40, 90), (other, 0, 77)):
        day = today - timedelta(days=days)
        DailyDownloads.objects.create(repository=repository, day=day, count=count)
    Repository.objects.filter(pk=used.pk).update(downloads=97, likes=3)
    client.force_login(ada)

    page = client.get("/dashboard").text

    table = page[page.index('id="statistics"') : page.index('id="answer"')]
    rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]
    assert [quiet.full_name in one for one in rows] == [False, True]
    figures = re.findall(r'<td class="number"[^>]*>([\d,]+)</td>', rows[0])
    assert figures == ["7", "97", "3"]
    assert rows[0].count("<rect") == 2
    assert "77" not in re.findall(r">([\d,]+)<", page)


def test_without_models_the_statistics_say_what_they_will_hold(client: Client) -> None:
    client.force_login(make_user("ada"))

    assert "Downloads and likes of each model stand here" in client.get("/dashboard").text


def test_how_far_a_request_is_stands_in_the_language_of_the_page(client: Client) -> None:
    person, release = make_user(), factories.make_released()
    set_mode(release.repository, Gated.MANUAL)
    ask(release.repository, person)
    client.force_login(person)

    page = client.get("/dashboard", headers={"accept-language": "fr"}).text

    assert '<span class="soft">attend une réponse</span>' in page
    assert set(labels.REQUEST_STATES) == set(RequestState.values)
