"""What is taken away: which rows and columns, by whom, and that it is read as it is sent."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import endings, exports, groups, requests
from registry.agreements.exports import Wanted
from registry.agreements.models import (
    Acceptance,
    AcceptanceWords,
    Adherence,
    Capacity,
    Document,
    EndingEvent,
)
from registry.audit.models import Entry
from registry.catalog.models import Repository
from registry.errors import Invalid, NotAllowed
from registry.releases.models import Release
from tests import factories
from tests.agreements.access import ask
from tests.factories import as_caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return factories.make_released()


@pytest.fixture
def steward() -> Caller:
    return as_caller(factories.make_user(site_role="steward"))


def rows_of(wanted: Wanted, by: Caller) -> list[dict[str, Any]]:
    lines = "".join(exports.for_steward(wanted, by=by)).splitlines()
    return [json.loads(line) for line in lines]


def make_acceptances(release: Release, count: int) -> None:
    """Many acceptances of one person, of sets of their own."""
    user = factories.make_user()
    Acceptance.objects.bulk_create(
        Acceptance(
            user=user,
            repository=release.repository,
            terms=release.terms,
            terms_hash=f"{number:064x}",
            words_digest="0" * 64,
            accepted_at=timezone.now(),
        )
        for number in range(count)
    )


def let_in(repository: Repository, user: User) -> None:
    Repository.objects.filter(pk=repository.pk).update(gated="manual")
    requests.grant(repository, user=user.username, by=as_caller(repository.created_by))


@pytest.mark.parametrize("kind", sorted(exports.KINDS))
@pytest.mark.parametrize("personal", [False, True])
def test_each_kind_has_its_columns_and_names_people_only_when_asked(
    release, steward, kind, personal
):
    ada = factories.make_user("ada", full_name="Ada Lastname")
    acceptance = factories.accept_terms(release, ada)
    let_in(release.repository, ada)
    organisation = factories.make_organisation(owner=ada)
    by_organisation = Acceptance.objects.create(
        user=ada,
        organisation=organisation,
        capacity=Capacity.ORGANISATION,
        repository=release.repository,
        terms=release.terms,
        terms_hash=release.terms_hash,
        words_digest="0" * 64,
        accepted_at=timezone.now(),
    )
    Adherence.objects.create(acceptance=by_organisation, user=ada, membership=1, at=timezone.now())
    endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(ada))

    found = rows_of(Wanted(kind, "jsonl", personal=personal), steward)

    assert found
    text = json.dumps(found)
    assert list(found[0]) == exports.columns(kind, personal=personal)
    assert found[0]["person"] == ada.public_id
    assert ("Ada Lastname" in text, ada.email in text) == (personal, personal)


def test_nothing_in_a_row_costs_a_query_of_its_own(release, steward):
    make_acceptances(release, 3)
    with CaptureQueriesContext(
        connection,
    ) as few:
        list(exports.for_steward(Wanted("acceptances", personal=True), by=steward))
    make_acceptances(release, 30)
    with CaptureQueriesContext(connection) as many:
        list(exports.for_steward(Wanted("acceptances", personal=True), by=steward))

    assert len(many) == len(few)


def peak_of(stream: Iterator[str]) -> int:
    """The most memory that reading the stream to its end took."""
    next(stream)
    tracemalloc.start()
    for _ in stream:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_rows(release, steward):
    wanted = Wanted("acceptances", "jsonl")
    make_acceptances(release, 3 * exports.CHUNK)
    few = peak_of(exports.for_steward(wanted, by=steward))
    make_acceptances(release, 9 * exports.CHUNK)
    many = peak_of(exports.for_steward(wanted, by=steward))

    assert many < 1.5 * few


@pytest.mark.parametrize("evil", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_a_cell_is_never_a_formula(release, steward, evil):
    acceptance = factories.accept_terms(release, factories.make_user())
    AcceptanceWords.objects.filter(acceptance=acceptance).update(typed_name=evil)
    wanted = Wanted("acceptances", personal=True)

    text = "".join(exports.for_steward(wanted, by=steward))

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["typed_name"] == "'" + evil


def test_json_lines_keep_the_text_as_it_was(release, steward):
    acceptance = factories.accept_terms(release, factories.make_user())
    AcceptanceWords.objects.filter(acceptance=acceptance).update(typed_name="=Zoë\n")

    (row,) = rows_of(Wanted("acceptances", "jsonl", personal=True), steward)

    assert row["typed_name"] == "=Zoë\n"


def test_dates_begin_inclusive_and_end_exclusive(release, steward):
    acceptance = factories.accept_terms(release, factories.make_user())
    at = acceptance.accepted_at
    after = at + timedelta(microseconds=1)

    def count(**dates: datetime) -> int:
        return len(rows_of(Wanted("acceptances", "jsonl", **dates), steward))

    assert (count(since=at), count(since=after)) == (1, 0)
    assert (count(until=at), count(until=after)) == (0, 1)


def test_rows_are_chosen_by_repository_organisation_and_license(release, steward):
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    let_in(release.repository, ada)
    other = factories.make_repository()
    organisation = factories.make_organisation()
    license, another = Document.objects.filter(slug__in=["llama3-1", "llama3"]).order_by("-slug")  # noqa: A001
    if license.slug != "llama3-1":
        license, another = another, license  # noqa: A001

    def count(kind: str, **chosen: Any) -> int:
        return len(rows_of(Wanted(kind, "jsonl", **chosen), steward))

    for kind in ("acceptances", "requests", "grants"):
        assert count(kind, repository=release.repository) == 1
        assert count(kind, repository=other) == 0
        assert count(kind, license=license) == 1
        assert count(kind, license=another) == 0
    assert count("acceptances", organisation=organisation) == 0
    with pytest.raises(Invalid):
        count("grants", organisation=organisation)


def test_a_token_for_some_repositories_takes_away_no_others(release, steward):
    factories.accept_terms(release, factories.make_user())
    narrow = Caller(user=steward.user, scope="admin", repositories=frozenset({"0" * 24}))

    assert rows_of(Wanted("acceptances", "jsonl"), narrow) == []


@pytest.mark.parametrize("role", ["", "maintainer"])
def test_whoever_is_no_steward_takes_nothing_of_the_site(release, role):
    other = as_caller(factories.make_user(site_role=role))

    for kind in exports.KINDS:
        with pytest.raises(NotAllowed):
            exports.for_steward(Wanted(kind), by=other)
    assert not Entry.objects.filter(event="export.take").exists()


def test_a_publisher_takes_what_the_page_of_requests_shows_and_no_more(release, steward):
    ada = factories.make_user("ada", full_name="Ada Lastname")
    let_in(release.repository, ada)
    publisher = as_caller(release.repository.created_by)
    wanted = Wanted("requests", "jsonl", repository=release.repository, personal=True)

    (row,) = [json.loads(line) for line in exports.for_publisher(wanted, by=publisher)]

    assert row["user"] == "ada"
    assert "email" not in row
    for refused in (
        Wanted("acceptances", repository=release.repository),
        Wanted("endings", repository=release.repository),
        Wanted("adherences", repository=release.repository),
    ):
        with pytest.raises(NotAllowed):
            exports.for_publisher(refused, by=publisher)
    with pytest.raises(Invalid):
        exports.for_publisher(Wanted("requests"), by=publisher)
    with pytest.raises(NotAllowed):
        exports.for_publisher(wanted, by=as_caller(ada))


def test_a_publisher_takes_no_names_that_left_the_page_of_requests(release):
    here, publisher = release.repository, as_caller(release.repository.created_by)
    Repository.objects.filter(pk=here.pk).update(gated="manual")
    group = groups.make(here.namespace, "All", by=publisher)
    groups.put(group, here, by=publisher)
    for name in ("ada", "bob"):
        ask(here, factories.make_user(name))
    requests.withdraw(here, by=as_caller(User.objects.get(username="ada")))
    wanted = Wanted("requests", "jsonl", repository=here, personal=True)

    def taken(wanted: Wanted) -> list[str]:
        lines = exports.for_publisher(wanted, by=publisher)
        return [json.loads(line).get("user", "") for line in lines]

    assert taken(wanted) == ["bob"]
    assert taken(replace(wanted, personal=False)) == ["", ""]
    groups.take_out(group, here, by=publisher)
    assert taken(wanted) == []
    assert taken(replace(wanted, personal=False)) == []


def test_who_took_what_is_in_the_audit_log_without_names(release, steward):
    wanted = Wanted("grants", repository=release.repository, since=datetime(2026, 3, 1, tzinfo=UTC))
    list(exports.for_steward(wanted, by=steward))

    entry = Entry.objects.get(event="export.take")

    assert (entry.actor, entry.subject) == (steward.public_id, "grants")
    assert entry.details["repository"] == release.repository.public_id
    assert entry.details["since"] == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize("wrong", [Wanted("secrets"), Wanted("grants", "xlsx")])
def test_unknown_kinds_and_formats_are_refused(steward, wrong):
    with pytest.raises(Invalid):
        exports.for_steward(wrong, by=steward)
