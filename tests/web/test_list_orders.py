"""Lists in other orders: of files, of discussions and of reports. The address holds the order."""

import csv
import io
import re

import pytest
from django.test import Client

from registry.catalog.models import Repository
from registry.discussions import threads
from registry.releases import cases, workflow
from registry.releases.models import Report
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db


def names_of(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page)


def test_files_are_ordered_by_name_by_size_and_by_their_last_change(client: Client) -> None:
    files = {"b.txt": "x" * 50, "a.txt": "x", "c.txt": "x" * 9, "sub/z.txt": "x" * 500}
    repository = factories.make_repository()
    factories.make_commit(repository, files)
    factories.make_commit(repository, {"c.txt": "y" * 9})
    client.force_login(repository.created_by)
    where = f"/{repository.full_name}/tree/main"

    def order(query: str) -> list[str]:
        shown = names_of(client.get(where + query).text)
        return [name for name in shown if not name.startswith(".")]

    assert order("") == ["sub/", "a.txt", "b.txt", "c.txt"]
    assert order("?sort=size") == ["sub/", "b.txt", "c.txt", "a.txt"]
    assert order("?sort=changed")[0] == "c.txt"
    assert order("?sort=nothing") == order("")
    assert 'aria-sort="descending"' in client.get(f"{where}?sort=size").text


@pytest.fixture
def repository() -> Repository:
    made = factories.make_released().repository
    bob, eve = factories.make_user("bob"), factories.make_user("eve")
    for title, user in (("Zebra words", bob), ("A question", eve), ("Middle", bob)):
        threads.open_thread(made, title=title, text="?", by=as_caller(user))
    return made


def titles(page: str) -> list[str]:
    return re.findall(r"<h3><a [^>]+>([^<]+)</a></h3>", page)


def test_discussions_are_found_by_words_and_ordered(client: Client, repository: Repository) -> None:
    where = f"/{repository.full_name}/discussions"

    assert titles(client.get(where).text) == ["Middle", "A question", "Zebra words"]
    assert titles(client.get(f"{where}?sort=oldest").text)[0] == "Zebra words"
    assert titles(client.get(f"{where}?sort=title").text)[0] == "A question"
    assert titles(client.get(f"{where}?q=zebra").text) == ["Zebra words"]
    assert titles(client.get(f"{where}?q=eve&status=open").text) == ["A question"]
    nothing = client.get(f"{where}?q=nowhere").text
    assert "No title has these words" in nothing
    assert "?status=closed&amp;q=nowhere" in nothing


def test_words_find_no_thread_that_a_visitor_may_not_know_of(client: Client) -> None:
    release = factories.make_released()
    head = factories.make_commit(release.repository, {"more.txt": "x"})
    factories.finish_checks(head)
    by = as_caller(release.repository.created_by)
    workflow.open_release(head, version="v9-secret", by=by)
    where = f"/{release.repository.full_name}/discussions?q=v9-secret"

    assert titles(client.get(where).text) == []
    client.force_login(release.repository.created_by)
    assert titles(client.get(where).text) != []


@pytest.fixture
def reports() -> list[Report]:
    release = factories.make_released()
    by = as_caller(factories.make_user("ada"))
    return [
        cases.open_case(release.repository, category=category, text="=Secret words", by=by)
        for category in ("rights", "license")
    ]


def test_reports_are_ordered_by_when_they_came(client: Client, reports: list[Report]) -> None:
    client.force_login(factories.make_maintainer())

    def order(sort: str) -> list[int]:
        page = client.get(f"/reports?sort={sort}").text
        return [page.index(one.get_absolute_url()) for one in reports]

    oldest, newest = order("oldest"), order("newest")
    assert oldest == sorted(oldest)
    assert newest == sorted(newest, reverse=True)


def test_a_steward_takes_reports_away_without_what_was_said_and_by_whom(
    client: Client, reports: list[Report]
) -> None:
    client.force_login(factories.make_user(site_role="steward"))

    answer = client.get("/reports?category=rights&export=csv")
    text = b"".join(answer).decode()

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, row = csv.reader(io.StringIO(text))
    assert head[:4] == ["id", "model", "version", "category"]
    assert row[0] == reports[0].public_id
    assert row[3] == "rights"
    assert "Secret" not in text
    assert "ada" not in text


def test_nobody_but_a_steward_takes_reports_away(client: Client, reports: list[Report]) -> None:
    assert client.get("/reports?export=csv").status_code == 302
    for user in (reports[0].reporter, factories.make_maintainer()):
        assert user is not None
        client.force_login(user)
        assert client.get("/reports?export=csv").status_code == 404
        assert "export=csv" not in client.get("/reports").text
