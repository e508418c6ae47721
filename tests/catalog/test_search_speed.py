"""The quick ways of the search answer as the plain ones would: counts, orders and who may know."""

import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Namespace, Role
from registry.catalog import search, search_counts, search_orders
from registry.catalog.models import NEVER, Repository, SearchEntry
from tests import factories
from tests.catalog.test_search import counts, find, listed

KEYS = ("license", "language", "format")
VALUES = st.sets(st.sampled_from([f"{key}:{value}" for key in KEYS for value in "ab"]))
CHOICE = st.dictionaries(st.sampled_from(KEYS), st.sets(st.sampled_from("abc"), min_size=1))
QUICKLY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def walked(sent: str, caller: Caller = NOBODY, *, size: int = 2) -> list[list[int]]:
    """All pages, forwards, after a look that going back shows the same."""
    pages = [find(sent, caller, size=size)]
    while pages[-1].next:
        pages.append(find(sent, caller, size=size, after=pages[-1].next))
    keys = [[entry.pk for entry in page.entries] for page in pages]
    for earlier, later in pairwise(range(len(pages))):
        back = find(sent, caller, size=size, before=pages[later].previous)
        assert [entry.pk for entry in back.entries] == keys[earlier]
    return keys


def flat(pages: list[list[int]]) -> list[int]:
    return [pk for page in pages for pk in page]


@pytest.mark.django_db
def test_counts_are_those_that_one_gets_by_looking_at_each() -> None:
    ada = factories.make_user("ada")
    rows = [listed(ada, f"model-{number}") for number in range(5)]

    @QUICKLY
    @given(st.lists(VALUES, min_size=5, max_size=5), CHOICE)
    def agree(facets: list[set[str]], chosen: dict[str, set[str]]) -> None:
        for row, values in zip(rows, facets, strict=True):
            SearchEntry.objects.filter(pk=row.pk).update(facets=sorted(values))
        sent = QueryDict(mutable=True)
        for key, values in chosen.items():
            sent.setlist(key, sorted(values))

        def answers(values: set[str], *, aside: str = "") -> bool:
            return all(
                any(f"{key}:{one}" in values for one in wanted)
                for key, wanted in chosen.items()
                if key != aside
            )

        expected: Counter[str] = Counter()
        for values in facets:
            expected.update(
                value for value in values if answers(values, aside=value.partition(":")[0])
            )
        found = find(sent.urlencode())
        said = {
            f"{key}:{one.value}": one.count for key, ones in found.facets.items() for one in ones
        }
        assert {value: count for value, count in said.items() if count} == dict(expected)
        assert found.total == sum(answers(values) for values in facets)

    agree()


@pytest.fixture
def kinds() -> dict[str, Caller]:
    """Callers of every kind, and repositories of which each knows others."""
    ada, eve = factories.make_user("ada"), factories.make_user("eve")
    lab = factories.make_organisation("lab", owner=ada)
    hub = factories.make_organisation("hub", owner=eve)
    Namespace.objects.filter(pk=hub.pk).update(publishes_on_commit=True)
    for at, (owner, place) in enumerate(
        [(ada, ada.namespace), (ada, lab), (eve, eve.namespace), (eve, hub)]
    ):
        for visibility in ("public", "private"):
            for is_out in (True, False):
                name = f"model-{at}-{visibility}-{is_out}".lower()
                row = listed(owner, name, f"license:{name}", released_at=timezone.now())
                Repository.objects.filter(pk=row.pk).update(visibility=visibility, namespace=place)
                if not is_out:
                    row.revisions.update(state="quarantine")
    owner = factories.as_caller(ada)
    return {
        "nobody": NOBODY,
        "owner": owner,
        "reader": factories.as_caller(factories.make_member(lab, Role.READ)),
        "stranger": factories.as_caller(factories.make_user("bob")),
        "maintainer": factories.as_caller(factories.make_maintainer()),
        "limited": Caller(user=ada, scope=owner.scope, repositories=frozenset()),
        "known roles": Caller(user=ada, scope=owner.scope, roles=((lab.pk, Role.ADMIN),)),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("plain_hub", [True, False])
def test_what_is_added_to_public_counts_is_what_the_caller_knows_besides(
    kinds: dict[str, Caller], settings: Any, monkeypatch: Any, plain_hub: bool
) -> None:
    settings.ALLOW_PLAIN_HUB = plain_hub
    public = set(Repository.objects.visible_to(NOBODY).values_list("pk", flat=True))
    plain = {who: (find("", caller).total, counts("", caller)) for who, caller in kinds.items()}
    monkeypatch.setattr(search_counts, "KEPT_FROM", 1)

    for who, caller in kinds.items():
        cache.clear()
        find("", caller)
        told = {key: ones for key, ones in counts().items() if ones}
        assert (find().total, told) == plain["nobody"], who
    for who, caller in kinds.items():
        seen = set(Repository.objects.visible_to(caller).values_list("pk", flat=True))
        beyond = Repository.objects.beyond_public(caller).values_list("pk", flat=True)
        assert set(beyond) == seen - public, who
        assert (find("", caller).total, counts("", caller)) == plain[who], who


@pytest.mark.django_db
@pytest.mark.parametrize("plain_hub", [True, False])
def test_the_recent_are_sorted_by_what_the_caller_may_know_of(
    kinds: dict[str, Caller], settings: Any, plain_hub: bool
) -> None:
    settings.ALLOW_PLAIN_HUB = plain_hub

    for who, caller in kinds.items():
        inside = Repository.objects.quarantine_seen_by(caller)
        insiders = set(inside.values_list("pk", flat=True))
        if plain_hub and caller.user is not None:
            hubs = Repository.objects.filter(namespace__publishes_on_commit=True)
            insiders |= set(hubs.values_list("pk", flat=True))
        seen = SearchEntry.objects.filter(repository__in=Repository.objects.visible_to(caller))
        rows = [
            (one.repository.updated_at if one.pk in insiders else one.released_at or NEVER, one.pk)
            for one in seen.select_related("repository")
        ]
        expected = [pk for _, pk in sorted(rows, reverse=True)]
        assert flat(walked("sort=updated", caller, size=3)) == expected, who


@pytest.fixture
def many(monkeypatch: Any) -> list[int]:
    """Words that very many bear: of these the three most used are ranked by how well they fit."""
    monkeypatch.setattr(search_orders, "MANY", 3)
    monkeypatch.setattr(search_orders, "BEST", 3)
    ada = factories.make_user("ada")
    used = {"llama-a": 5, "llama-b": 4, "other-llama": 900, "llama-c": 3, "llama-d": 3}
    rows = [listed(ada, name, downloads=number) for name, number in used.items()]
    rows.append(listed(ada, "llama-official", is_official=True))
    rows.append(listed(ada, "llama"))
    factories.make_repository(ada, "llama-hidden")
    return [row.pk for row in rows]


@pytest.mark.django_db
def test_of_words_that_very_many_bear_the_others_follow_by_use(many: list[int]) -> None:
    a, b, other, c, d, official, called = many

    found = flat(walked("q=llama"))

    assert found[:2] == [called, official]
    assert set(found[2:5]) == {a, b, other}
    assert found[5:] == [d, c]
    assert find("q=llama").total == 7


@pytest.mark.django_db
def test_who_goes_on_stays_in_the_order_of_the_page_before(
    many: list[int], monkeypatch: Any
) -> None:
    by_use = flat(walked("q=llama"))
    first = find("q=llama", size=3)
    monkeypatch.setattr(search_orders, "MANY", 100)
    ranked = find("q=llama", size=3)
    following = find("q=llama", size=10, after=first.next)
    assert [entry.pk for entry in following.entries] == by_use[3:]

    monkeypatch.setattr(search_orders, "MANY", 3)
    following = find("q=llama", size=10, after=ranked.next)
    assert len(following.entries) == 4
    assert not {entry.pk for entry in following.entries} & {entry.pk for entry in ranked.entries}


@pytest.mark.django_db
@pytest.mark.parametrize("number", [7, 30])
def test_words_that_very_many_bear_cost_the_same(
    many: list[int], django_assert_num_queries: Any, number: int
) -> None:
    ada = Repository.objects.select_related("created_by").get(pk=many[0]).created_by
    for one in range(number - 7):
        listed(ada, f"llama-more-{one}")

    with django_assert_num_queries(7):
        assert find("q=llama").total == number


@pytest.mark.django_db
def test_what_few_may_know_of_moves_no_count_of_others(monkeypatch: Any) -> None:
    monkeypatch.setattr(search_counts, "KEPT_FROM", 3)
    ada = factories.make_user("ada")
    listed(ada, "zebrafisk")
    hidden = [listed(ada, f"zebrafish-{one}").pk for one in range(4)]
    Repository.objects.filter(pk__in=hidden).update(visibility="private")

    def total() -> tuple[int, bool]:
        found = find("q=zebrafish")
        return found.total, found.is_fuzzy

    cache.clear()
    alone = total()
    cache.clear()
    assert find("q=zebrafish", factories.as_caller(ada)).total == 4

    assert total() == alone == (1, True)
    for one in range(3):
        listed(ada, f"zebrafisk-{one}")
    cache.clear()
    assert total() == (4, True)
    assert find("q=zebrafish", factories.as_caller(ada)).total == 4


@pytest.mark.django_db
def test_one_counts_anew_while_others_get_what_is_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(search_counts, "KEPT_FROM", 1)
    ada = factories.make_user("ada")
    listed(ada, "one", "license:mit")
    assert counts()["license"] == {"mit": 1}
    listed(ada, "two", "license:mit")
    began = time.time()
    monkeypatch.setattr(search_counts.time, "time", lambda: began + search_counts.KEPT_SECONDS + 1)
    during: list[dict[str, int]] = []
    count = search_counts._read

    def slow(*sent: Any) -> Any:
        monkeypatch.setattr(search_counts, "_read", count)
        during.append(counts()["license"])
        return count(*sent)

    monkeypatch.setattr(search_counts, "_read", slow)

    assert counts()["license"] == {"mit": 2}
    assert during == [{"mit": 1}]
    assert counts()["license"] == {"mit": 2}


@pytest.mark.django_db
@pytest.mark.parametrize("sort", search.SORTS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_each_order_is_read_from_an_index(sort: str, signed_in: bool) -> None:
    ada = factories.make_user("ada")
    listed(ada, "one", released_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        with CaptureQueriesContext(connection) as asked:
            find(f"sort={sort}", factories.as_caller(ada) if signed_in else NOBODY)
        pages = [one["sql"] for one in asked.captured_queries if ' AS "sort_key"' in one["sql"]]
        assert len(pages) == (3 if signed_in and sort in {"relevance", "updated"} else 1)
        for sql in pages:
            cursor.execute(f"EXPLAIN {sql}")
            plan = [line for (line,) in cursor.fetchall()]
            assert not [line for line in plan if "Sort Key" in line], plan


@pytest.mark.django_db
def test_the_largest_come_first_by_the_bytes_of_what_is_out() -> None:
    for name, size in (("small", 10), ("large", 10_000), ("middle", 9000)):
        files = {"README.md": "---\nlicense: mit\n---\n# It\n", "model.safetensors": b"w" * size}
        owner = factories.make_user()
        factories.make_released(factories.make_repository(owner, name), files=files)

    found = find("sort=size").entries

    assert [entry.name.partition("/")[2] for entry in found] == ["large", "middle", "small"]
    sizes = [entry.revision.total_size for entry in found if entry.revision is not None]
    assert sizes == [entry.facts["size"] for entry in found]


@pytest.mark.django_db(transaction=True)
def test_what_is_set_for_words_is_set_for_one_statement() -> None:
    listed(factories.make_user("ada"), "llama", "license:mit")

    assert counts("q=llama")["license"] == {"mit": 1}
    assert find("q=llama", with_facets=False).total == 1

    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
    assert search.find(NOBODY, search.parse(QueryDict("q=lama"))).is_fuzzy
