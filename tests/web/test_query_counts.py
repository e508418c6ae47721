"""Pages of lists ask the database as often for many rows as for few."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.discussions import threads
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db
Grow = Callable[[User, Repository, int], Any]


def _thread(ada: User, repository: Repository, number: int) -> None:
    by = as_caller(factories.make_user(f"talker-{number}"))
    threads.open_thread(repository, title=f"Thread {number}", text="Words", by=by)


def _comment(ada: User, repository: Repository, number: int) -> None:
    thread = repository.discussions.order_by("number").first()
    if thread is None:
        thread = threads.open_thread(repository, title="First", text="Words", by=as_caller(ada))
    threads.comment(thread, f"Word {number}", by=as_caller(factories.make_user(f"says-{number}")))


def _commit(ada: User, repository: Repository, number: int) -> None:
    factories.make_commit(repository, {f"more-{number}.txt": "x" * number})


def _member(ada: User, repository: Repository, number: int) -> None:
    lab = ada.memberships.filter(namespace__name="lab").first()
    space = lab.namespace if lab else factories.make_organisation("lab", owner=ada)
    factories.make_member(space)


def _token(ada: User, repository: Repository, number: int) -> None:
    factories.make_token(ada)


def _agreement(ada: User, repository: Repository, number: int) -> None:
    factories.accept_terms(factories.make_released(), ada)


@pytest.mark.parametrize(
    ("path", "grow"),
    [
        ("/ada/tiny/discussions", _thread),
        ("/ada/tiny/discussions/1", _comment),
        ("/ada/tiny/commits/main", _commit),
        ("/settings/organisations/lab", _member),
        ("/lab?tab=members", _member),
        ("/settings/tokens", _token),
        ("/settings/agreements", _agreement),
    ],
)
def test_a_list_costs_the_same_however_long_it_is(client: Client, path: str, grow: Grow) -> None:
    ada = factories.make_user("ada")
    repository = factories.make_repository(ada, "tiny")
    factories.make_released(repository)
    client.force_login(ada)
    asked = []
    for first in (1, 3):
        for number in range(first, first + 2):
            grow(ada, repository, number)
        client.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        asked.append(len(queries))

    assert asked[0] == asked[1]
