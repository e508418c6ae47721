"""The terms of a revision: what its card, its lineage, its publisher and the site put together."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.agreements import documents, terms
from registry.agreements.models import Document
from registry.catalog import facts, repositories
from registry.catalog.models import Repository, Revision, Visibility
from registry.releases import steps, workflow
from tests import factories
from tests.agreements.sets import (
    BASE,
    READING,
    item_of,
    judged,
    released,
    revision_of,
    slugs,
    terms_of_card,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def published() -> None:
    factories.make_facts()
    facts.load()


# What is in the set


def test_the_set_is_of_schema_two_and_says_all_that_is_shown() -> None:
    found = terms_of_card("license: llama3.1").as_json()

    assert found["schema"] == 2
    assert [one["slug"] for one in found["documents"]] == [
        "site-policy",
        "llama3-1",
        "aup-llama3-1",
    ]
    assert found["needs_acceptance"] is True
    assert found["prompt"] is None
    assert all(one["inherited_from"] == [] for one in found["documents"])
    assert not any(one["unverified"] for one in found["documents"])


def test_a_published_base_brings_its_license_and_its_policy_whatever_the_card_says() -> None:
    found = terms_of_card(f"license: mit\nbase_model: {BASE}")

    assert slugs(found) == ["site-policy", "mit", "llama3-1", "aup-llama3-1"]
    item = item_of(found, "llama3-1")
    assert item.as_json()["inherited_from"] == [{"repository": "", "name": BASE}]
    assert item.why == f"Inherited from {BASE}, which this model comes from."
    assert not item.unverified
    assert found.problem == ""


def test_three_generations_pass_on_what_each_is_under() -> None:
    ada = factories.make_user("ada")
    released(f"license: llama3.1\nbase_model: {BASE}", ada, "Llama-one")
    second = released("license: gemma\nbase_model: ada/Llama-one", ada, "Llama-two")

    found = terms_of_card("license: apache-2.0\nbase_model: ada/Llama-two")

    assert slugs(found)[1:3] == ["apache-2-0", "gemma"]
    assert slugs(found)[-2:] == ["llama3-1", "aup-llama3-1"]
    assert item_of(found, "gemma").as_json()["inherited_from"] == [
        {"repository": second.repository.public_id, "name": "ada/Llama-two"}
    ]
    assert [one.name for one in item_of(found, "llama3-1").inherited_from] == [
        "ada/Llama-one",
        BASE,
    ]


def test_a_merge_is_under_the_licenses_of_all_its_parents() -> None:
    found = terms_of_card(f"license: llama3.1\nbase_model: [{BASE}, meta-llama/Llama-2-7b-hf]")

    assert {"llama3-1", "aup-llama3-1", "llama2", "aup-llama2"} <= set(slugs(found))
    assert "too" in item_of(found, "llama3-1").why


def test_a_diamond_names_each_document_once() -> None:
    ada = factories.make_user("ada")
    released(f"license: llama3.1\nbase_model: {BASE}", ada, "Llama-left")
    released(f"license: llama3.1\nbase_model: {BASE}", ada, "Llama-right")

    found = terms_of_card("license: llama3.1\nbase_model: [ada/Llama-left, ada/Llama-right]")

    assert len(slugs(found)) == len(set(slugs(found)))
    names = [one["name"] for one in item_of(found, "llama3-1").as_json()["inherited_from"]]
    assert names == ["ada/Llama-left", "ada/Llama-right", BASE]


def test_a_circle_ends_and_is_told() -> None:
    ada = factories.make_user("ada")
    one = released("license: llama3.1\nbase_model: ada/Llama-two", ada, "Llama-one")
    released("license: gemma\nbase_model: ada/Llama-one", ada, "Llama-two")

    found = terms.of_revision(one.repository, one.revision)

    assert slugs(found)[:4] == ["site-policy", "llama3-1", "aup-llama3-1", "gemma"]
    assert found.ancestry.has_circle
    assert found.problem == ""


def test_a_renamed_parent_changes_nothing() -> None:
    ada = factories.make_user("ada")
    parent = released("license: gemma", ada, "old")
    revision = revision_of("license: mit\nbase_model: ada/old")
    before = terms.of_revision(revision.repository, revision)
    repositories.move(parent.repository, to="ada/new", by=factories.as_caller(ada))

    after = terms.of_revision(revision.repository, revision)

    assert "gemma" in slugs(before)
    assert before.hash == after.hash


def test_a_private_parent_of_somebody_else_is_as_if_it_were_not_there() -> None:
    ada = factories.make_user("ada")
    parent = released("license: gemma", ada, "hidden")
    revision = revision_of("license: mit\nbase_model: ada/hidden")
    repositories.set_visibility(parent.repository, Visibility.PRIVATE, by=factories.as_caller(ada))
    hidden = terms.of_revision(revision.repository, revision)

    assert slugs(hidden) == ["site-policy", "mit"]
    assert item_of(hidden, "mit").unverified
    other = revision_of("license: mit\nbase_model: ada/absent")
    absent = terms.of_revision(other.repository, other)
    same = item_of(absent, "mit").why.replace("ada/absent", "ada/hidden")
    assert item_of(hidden, "mit").why == same


def test_a_private_parent_of_the_same_namespace_counts_and_keeps_its_id() -> None:
    ada = factories.make_user("ada")
    parent = released("license: gemma", ada, "hidden")
    repositories.set_visibility(parent.repository, Visibility.PRIVATE, by=factories.as_caller(ada))

    found = terms_of_card("license: mit\nbase_model: ada/hidden", ada)

    assert item_of(found, "gemma").as_json()["inherited_from"] == [
        {"repository": "", "name": "ada/hidden"}
    ]


def test_the_license_of_a_parent_outlives_its_recall() -> None:
    ada = factories.make_user("ada")
    parent = released("license: gemma", ada, "gone")
    by = factories.as_caller(factories.make_maintainer())
    workflow.transition("recall", parent, by=by, reason="A leak.")

    assert "gemma" in slugs(terms_of_card("license: mit\nbase_model: ada/gone"))


def test_an_unknown_parent_leaves_the_tag_alone_unverified() -> None:
    found = terms_of_card("license: llama3.1\nbase_model: some/where")

    assert found.problem == ""
    item = item_of(found, "llama3-1")
    assert item.unverified
    assert "Only the tag says so: some/where is not known here." in item.why
    assert item_of(found, "aup-llama3-1").unverified
    assert not item_of(found, "site-policy").unverified


def test_a_known_base_verifies_what_the_tag_says() -> None:
    found = terms_of_card(f"license: llama3.1\nbase_model: [some/where, {BASE}]")

    assert not item_of(found, "llama3-1").unverified


def test_a_reference_stands_for_the_license_that_it_refers_to() -> None:
    found = terms_of_card("license: other\nlicense_name: code-llama")

    assert slugs(found) == ["site-policy", "llama2", "aup-llama2"]
    assert "refers to this license" in item_of(found, "llama2").why


# What closes it


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("tags: [x]", "names no license"),
        ("license: other", "'other' is not known"),
        ("license: other\nlicense_name: of-my-own", "'of-my-own' is not known"),
        ("license: llаma3.1", "not the same to the letter"),  # noqa: RUF001 - a Cyrillic letter
        ("license: other\nlicense_name: gpl-3.0\u200b", "not known here"),
        ("license: {a: 1}", "not known here"),
        ("license: 7", "'7' is not known"),
        ("license: [mit, of-my-own]", "'of-my-own' is not known"),
    ],
)
def test_a_license_that_is_not_known_closes(card: str, says: str) -> None:
    assert says in judged(card).problem


def test_a_parent_under_a_license_that_is_not_known_closes() -> None:
    ada = factories.make_user("ada")
    parent = released("license: gemma", ada, "base")
    Document.objects.filter(slug="gemma").update(hub_tags=[], license_names=[])

    found = terms_of_card("license: mit\nbase_model: ada/base")

    assert "ada/base" in found.problem
    assert parent.terms["documents"]


def test_a_document_without_a_version_in_force_closes_in_words() -> None:
    Document.objects.create(
        slug="bare", kind="license", title="Bare", needs_acceptance=True, hub_tags=["bare"]
    )

    assert "no version in force" in judged("license: bare").problem


@pytest.mark.parametrize("base", ["{a: 1}", "7", "[[x]]", "[{a: b}, 3.5, true]", "''"])
def test_a_hostile_base_leads_nowhere_and_closes_nothing(base: str) -> None:
    found = judged(f"license: mit\nbase_model: {base}")

    assert (found.problem, slugs(found)) == ("", ["site-policy", "mit"])


def test_ten_thousand_bases_and_five_hundred_licenses_close_with_few_queries() -> None:
    revision = revision_of("license: mit")
    repository = revision.repository
    revision.card = {"license": "mit", "base_model": [f"x/y{n}" for n in range(10_000)]}

    with CaptureQueriesContext(connection) as captured:
        many_bases = terms.of_revision(repository, revision)
    revision.card = {"license": [f"made-up-{n}" for n in range(500)] + ["mit"]}
    with CaptureQueriesContext(connection) as also:
        many_licenses = terms.of_revision(repository, revision)

    assert "more than is followed" in many_bases.problem
    assert "not known here" in many_licenses.problem
    assert len(captured) <= 10
    assert len(also) <= 10


def test_what_a_page_pays_for_the_terms_is_bounded() -> None:
    ada = factories.make_user("ada")
    released(f"license: llama3.1\nbase_model: {BASE}", ada, "Llama-one")
    plain = revision_of("license: mit")
    derived = revision_of("license: llama3.1\nbase_model: ada/Llama-one")

    with CaptureQueriesContext(connection) as alone:
        terms.of_revision(plain.repository, plain)
    with CaptureQueriesContext(connection) as along:
        terms.of_revision(derived.repository, derived)

    assert len(alone) == 4
    assert len(along) == 8


# The publisher's prompt


def test_the_publishers_words_are_part_of_the_set_and_of_the_hash() -> None:
    card = "license: mit\nextra_gated_prompt: Be kind.\nextra_gated_fields: {Company: text}"
    Document.objects.filter(slug="site-policy").update(needs_acceptance=False)

    with_prompt, without = terms_of_card(card), terms_of_card("license: mit")

    assert with_prompt.as_json()["prompt"]["text"] == "Be kind."
    assert with_prompt.needs_acceptance
    assert not without.needs_acceptance


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("extra_gated_heading: Hello", False),
        ("extra_gated_button_content: Go", False),
        ("extra_gated_fields: {Place: ip_location}", False),
        ("extra_gated_fields: {Company: text}", True),
        ("extra_gated_prompt: Be kind.", True),
    ],
)
def test_a_prompt_asks_where_it_has_words_to_agree_to_or_questions(line: str, asks: bool) -> None:
    Document.objects.filter(slug="site-policy").update(needs_acceptance=False)

    found = terms_of_card(f"license: mit\n{line}")

    assert found.prompt is not None
    assert found.needs_acceptance is asks


# Sets of before, releases under way


def test_sets_of_the_first_schema_stay_readable() -> None:
    old = terms_of_card("license: llama3.1").as_json()
    old |= {"schema": 1}
    del old["prompt"], old["attestations"]
    for one in old["documents"]:
        del one["inherited_from"], one["unverified"]

    assert [one.document.slug for one in terms.versions_in(old)] == [
        "site-policy",
        "llama3-1",
        "aup-llama3-1",
    ]


def test_a_release_in_review_says_that_its_terms_changed() -> None:
    ada = factories.make_user("ada")
    base = released("license: llama3.1", ada, "Llama-base")
    files = {"README.md": "---\nlicense: llama3.1\nbase_model: ada/Llama-base\n---\n"}
    release = factories.make_release(factories.make_repository(ada, "Llama-new"), files=files)
    says = "The terms have changed since this was submitted."
    before = steps.holds(release)
    card = "---\nlicense: gemma\n---\n"
    factories.make_released(base.repository, version="v2", files={"README.md": card})
    by_parent = steps.holds(release)
    workflow.transition(
        "request_changes",
        release,
        by=factories.as_caller(factories.make_maintainer()),
        reason="New terms.",
    )
    workflow.transition("submit", release, by=factories.as_caller(ada))
    release.refresh_from_db()
    again = steps.holds(release)
    documents.add_text(slug="gemma", version="1", text=b"A text in our own words.")

    assert not any(says in hold for hold in before + again)
    assert any(says in hold for hold in by_parent)
    assert any(says in hold for hold in steps.holds(release))


# The hash


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(["license", "extra_gated_fields", "extra_gated_prompt", "base_model"]),
    questions=st.permutations(["Name", "Company", "A", "Zoë", "Country"]),
    repeats=st.integers(1, 3),
)
def test_the_hash_does_not_hang_on_the_order_of_keys_or_on_repeats(
    order: list[str], questions: list[str], repeats: int
) -> None:
    card = {
        "license": ["llama3.1", "mit"] * repeats,
        "extra_gated_fields": dict.fromkeys(questions, "text"),
        "extra_gated_prompt": "Be kind.",
        "base_model": [BASE, READING] * repeats,
    }
    usual = {**card, "license": ["llama3.1", "mit"], "base_model": [BASE, READING]}
    usual["extra_gated_fields"] = dict.fromkeys(sorted(questions), "text")

    assert _hash({key: card[key] for key in order}) == _hash(usual)


def _hash(card: dict[str, Any]) -> str:
    repository = Repository(pk=1, public_id="0" * 24, namespace_id=1)
    return terms.of_revision(repository, Revision(repository=repository, card=card)).hash


def test_the_hash_is_the_one_of_what_the_database_gives_back() -> None:
    card = "license: llama3.1\nextra_gated_fields: {Zoo: text, Company: text, A: country}"
    revision = revision_of(card)
    stored = Revision.objects.get(pk=revision.pk)

    made = terms.of_revision(revision.repository, revision).hash
    assert made == terms.of_revision(stored.repository, stored).hash


def test_questions_are_pinned_in_the_order_of_the_file_and_another_order_is_another_set() -> None:
    card = "license: llama3.1\nextra_gated_fields: {Zoo: text, Company: text, A: country}"
    stored = Revision.objects.get(pk=revision_of(card).pk)

    prompt = terms.of_revision(stored.repository, stored).as_json()["prompt"]

    assert [one["label"] for one in prompt["questions"]] == ["Zoo", "Company", "A"]
    stored.facts["asked"] = ["A", "Company", "Zoo"]
    turned = terms.of_revision(stored.repository, stored).as_json()
    assert [one["label"] for one in turned["prompt"]["questions"]] == ["A", "Company", "Zoo"]
    assert terms.hash_of(turned) != terms.hash_of(turned | {"prompt": prompt})


def test_questions_of_a_card_whose_order_nobody_noted_have_that_of_the_database() -> None:
    card = "license: llama3.1\nextra_gated_fields: {Zoo: text, Company: text, A: country}"
    made = revision_of(card)
    made.facts = {}
    made.save(update_fields=["facts"])
    stored = Revision.objects.get(pk=made.pk)

    asked = terms.of_revision(stored.repository, stored).as_json()["prompt"]["questions"]

    assert [one["label"] for one in asked] == ["A", "Zoo", "Company"]
    assert asked == terms.of_revision(made.repository, made).as_json()["prompt"]["questions"]
