"""Search of the catalog: who finds what, in which order, page by page, with counts that follow."""

import base64
from typing import Any

import pytest
from django.http import QueryDict

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role
from registry.catalog import search, search_counts, search_words
from registry.catalog.models import Repository, SearchEntry
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def find(sent: str = "", caller: Caller = NOBODY, **rest: Any) -> search.Found:
    return search.find(caller, search.parse(QueryDict(sent)), **rest)


def names(sent: str = "", caller: Caller = NOBODY) -> list[str]:
    return [entry.name.partition("/")[2] for entry in find(sent, caller).entries]


def counts(sent: str = "", caller: Caller = NOBODY) -> dict[str, dict[str, int]]:
    facets = find(sent, caller).facets
    return {key: {one.value: one.count for one in values} for key, values in facets.items()}


def listed(owner: Any, name: str, *facets: str, words: str = "", **columns: Any) -> Repository:
    """A repository of which this is out, without the long way to a release."""
    factories.make_repository(owner, name)
    repository = Repository.objects.select_related("namespace").get(name=name)
    revision = repository.refs.get().head
    repository.revisions.filter(pk=revision.pk).update(state="released")
    counted = {key: columns.pop(key) for key in ("downloads", "likes") if key in columns}
    Repository.objects.filter(pk=repository.pk).update(**counted)
    names = [search_words.Weighted("A", (name,)), search_words.Weighted("B", facets)]
    SearchEntry.objects.filter(pk=repository.pk).update(
        revision=revision, facets=[*facets], words=search_words.vector(names, words), **columns
    )
    return repository


@pytest.fixture
def ada() -> Any:
    return factories.make_user("ada")


@pytest.fixture
def three(ada: Any) -> None:
    listed(ada, "one", "license:mit", "language:en", "format:gguf", parameters=10**9)
    listed(ada, "two", "license:mit", "language:de", "base:ada/one", parameters=7 * 10**9)
    listed(ada, "three", "license:gemma", "language:en", "language:de", context_length=2**15)


def test_a_model_is_found_by_what_people_type(ada: Any) -> None:
    listed(ada, "Llama-3.1-8B-Tuned", "Ada's lab", words="It writes and writes.")
    listed(ada, "other")

    for typed in (
        *("llama", "LLAMA 3.1", "tuned llama", "ada/Llama-3.1-8B-Tuned", "tun", '"3.1 8b"'),
        *("llama3.1", "mistral OR llama", "llama -mistral", "writing", "the llama", "lab"),
        *("lama", "llma tund", "lama3.1 8b"),
    ):
        assert names(f"q={typed}")[:1] == ["llama-3.1-8b-tuned"], typed
    for typed in ("mistral", "-tuned llama", '"8b 3.1"', '"lama"', "llama other"):
        assert names(f"q={typed}") == [], typed


def test_whatever_is_typed_is_answered(ada: Any) -> None:
    listed(ada, "Llama-3.1-8B-Tuned")
    sent = QueryDict(mutable=True)

    for typed in (
        *('"', "--", "***", "&|!():*", "'", "\\", "a:b", "\0", "OR", "OR OR -", '-"', "<->"),
        *("\ud800", "%", "_", "中文", "x" * 300, "-llama", "a " * 200, "'':*", "3.1.", "!!x"),
    ):
        sent["q"] = typed
        found = search.find(NOBODY, search.parse(sent))
        assert found.total == len(found.entries), typed


def test_similar_names_are_shown_where_hardly_anything_bears_the_words(ada: Any) -> None:
    listed(ada, "mistral")
    assert find("q=mistral").is_fuzzy is False
    assert find("q=mistrl").is_fuzzy is True
    for number in range(search.FEW):
        listed(ada, f"mistrl-{number}")

    assert find("q=mistrl").total == search.FEW
    assert find("q=mistrl").is_fuzzy is False


def test_who_is_called_so_comes_first_then_the_official_then_the_used(ada: Any) -> None:
    listed(ada, "llama-used", downloads=10**6)
    listed(ada, "llama-liked", likes=3)
    listed(ada, "llama-idle")
    listed(ada, "llama-official", is_official=True)
    listed(ada, "llama")

    order = ["llama", "llama-official", "llama-used", "llama-liked", "llama-idle"]
    assert names("q=llama") == order
    assert names("q=Ada/Llama") == order
    assert names("q=llama idle")[0] == "llama-idle"


def test_of_a_facet_any_value_is_enough_and_of_all_facets_one_is_needed(three: None) -> None:
    assert set(names("license=mit")) == {"one", "two"}
    assert set(names("license=mit&license=gemma")) == {"one", "two", "three"}
    assert set(names("license=mit&license=gemma&language=de")) == {"two", "three"}
    assert names("license=mit&format=gguf&language=EN") == ["one"]
    assert names("base=ada/one") == ["two"]
    assert set(names("unknown=x")) == {"one", "two", "three"}


def test_ranges_leave_out_what_does_not_say_how_large_it_is(three: None) -> None:
    assert names("parameters=min:2B") == ["two"]
    assert names("parameters=max:2B") == ["one"]
    assert names("parameters_min=1B&parameters_max=1B") == ["one"]
    assert names("context=min:32k,max:32k") == ["three"]


def test_counts_follow_the_query_and_leave_the_choice_of_their_own_facet_aside(
    three: None,
) -> None:
    assert counts()["license"] == {"mit": 2, "gemma": 1}
    assert "base" not in counts()

    chosen = counts("license=gemma")
    assert chosen["license"] == {"mit": 2, "gemma": 1}
    assert chosen["language"] == {"de": 1, "en": 1}
    assert "format" not in chosen

    both = counts("license=gemma&format=gguf")
    assert both["license"] == {"mit": 1, "gemma": 0}
    assert both["format"] == {"gguf": 0}
    assert "language" not in both

    assert counts("q=three")["license"] == {"gemma": 1}
    marked = find("license=gemma").facets["license"]
    assert [(one.value, one.is_chosen) for one in marked] == [("mit", False), ("gemma", True)]
    assert find("license=gemma").total == 1


@pytest.mark.parametrize("sort", [*search.SORTS, "words"])
def test_pages_hold_each_once_in_both_directions(ada: Any, sort: str) -> None:
    for number in range(5):
        listed(ada, f"model-{number}", downloads=number // 2, parameters=number // 2)
    sent = "q=model" if sort == "words" else f"sort={sort}"
    whole = [entry.pk for entry in find(sent).entries]

    pages = [find(sent, size=2)]
    while pages[-1].next:
        pages.append(find(sent, size=2, after=pages[-1].next))
    back = [pages[-1]]
    while back[-1].previous:
        back.append(find(sent, size=2, before=back[-1].previous))

    walked = [[entry.pk for entry in page.entries] for page in pages]
    assert [pk for page in walked for pk in page] == whole
    assert [[entry.pk for entry in page.entries] for page in reversed(back)] == walked
    assert pages[0].previous == ""
    assert {page.total for page in pages} == {5}


def test_a_page_goes_on_where_the_one_before_ended_whatever_came_meanwhile(ada: Any) -> None:
    for name in ("a", "b", "c"):
        listed(ada, name)
    first = find("sort=name", size=2)
    listed(ada, "aa")
    Repository.objects.filter(name="b").update(deleted_at="2026-01-01T00:00Z")

    following = find("sort=name", size=2, after=first.next)

    assert [entry.name for entry in following.entries] == ["ada/c"]


def test_a_cursor_of_another_list_leads_to_the_first_page(ada: Any) -> None:
    for name in ("a", "b", "c"):
        listed(ada, name)
    after = find("sort=name", size=1).next
    first = [entry.name for entry in find("sort=downloads").entries]

    for cursor in (
        *(after, after[:-3], "x", "é", "\0", "W10=", "bnVsbA==", "WyJkb3dubG9hZHMiLCAiMSIsIDFd"),
        *("WyJkb3dubG9hZHMiLCAxZTk5OSwgMV0=", "WyJkb3dubG9hZHMiLCAxLCAtMV0="),
    ):
        for side in ("after", "before"):
            found = find("sort=downloads", **{side: cursor})
            assert [entry.name for entry in found.entries] == first, cursor
    half_of_a_pair = base64.urlsafe_b64encode(b'["name", "\\ud800", 1]').decode()
    assert len(find("sort=name", after=half_of_a_pair).entries) == len(first)


def test_nothing_tells_of_what_one_may_not_know(ada: Any, settings: Any) -> None:
    lab = factories.make_organisation("lab", owner=ada)
    listed(ada, "shown", "license:mit")
    factories.make_repository(ada, "hidden-thing")
    kept = listed(ada, "secret-thing", "license:secret", "task:secret")
    Repository.objects.filter(pk=kept.pk).update(visibility="private", namespace=lab)
    reader = factories.as_caller(factories.make_member(lab, Role.READ))
    owner = factories.as_caller(ada)
    kinds = {"nobody": NOBODY, "reader": reader, "owner": owner}

    seen = {who: set(names("q=thing", caller)) for who, caller in kinds.items()}
    told = {who: counts("", caller).get("license") for who, caller in kinds.items()}
    totals = {who: find("", caller).total for who, caller in kinds.items()}

    everything = {"hidden-thing", "secret-thing"}
    assert seen == {"nobody": set(), "reader": {"secret-thing"}, "owner": everything}
    assert told["nobody"] == {"mit": 1}
    assert told["reader"] == told["owner"] == {"mit": 1, "secret": 1}
    assert totals == {"nobody": 1, "reader": 2, "owner": 3}
    assert names("license=secret") == []
    assert find("license=secret").total == 0


def test_counts_that_are_kept_are_of_what_everybody_may_know(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(search_counts, "KEPT_FROM", 1)
    listed(ada, "shown", "license:mit")
    Repository.objects.filter(pk=listed(ada, "mine", "license:secret").pk).update(
        visibility="private"
    )
    owner = factories.as_caller(ada)
    limited = Caller(user=ada, scope=owner.scope, repositories=frozenset())

    for _ in range(2):
        assert counts("", owner)["license"] == {"mit": 1, "secret": 1}
        assert counts()["license"] == {"mit": 1}
        assert counts("license=secret", owner)["license"] == {"mit": 1, "secret": 1}
        assert counts("license=secret")["license"] == {"mit": 1, "secret": 0}
        assert find("", limited).total == 0
    listed(ada, "new", "license:mit")
    assert counts()["license"] == {"mit": 1}
    assert counts("q=new")["license"] == {"mit": 1}


@pytest.mark.parametrize("number", [1, 4])
def test_a_search_costs_the_same_however_much_it_finds(
    ada: Any, django_assert_num_queries: Any, number: int
) -> None:
    for one in range(number):
        listed(ada, f"model-{one}", "license:mit")

    with django_assert_num_queries(3):
        found = find("license=mit")
        assert all(one.full_name for one in found.repositories)


def test_people_are_found_where_something_of_theirs_may_be_known(ada: Any) -> None:
    factories.make_repository(factories.make_user("adam"), "hidden")
    listed(factories.make_user("madam"), "shown")
    listed(ada, "shown-too")

    assert [one.name for one in search.namespaces(NOBODY, "ada")] == ["ada", "madam"]
    assert [one.name for one in search.namespaces(NOBODY, "dam")] == ["madam"]
    assert search.namespaces(NOBODY, "%") == []


def test_of_what_is_not_out_an_entry_has_the_name_alone(ada: Any) -> None:
    factories.make_repository(ada, "Hidden")

    assert SearchEntry.objects.get().name == "ada/hidden"
    with refused_by("entry_of_nothing_has_a_name_alone"):
        SearchEntry.objects.update(facets=["license:mit"])
    with refused_by("entry_is_named_in_small_letters"):
        SearchEntry.objects.update(name="ada/Hidden")
