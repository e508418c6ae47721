"""What licenses ask people to state, and which licenses a link and outputs lead to."""

import pytest

from registry.agreements import documents, licenses, terms
from registry.agreements.models import Document
from registry.catalog import facts
from tests import factories
from tests.agreements.sets import (
    BASE,
    READING,
    SEEING,
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


# What people have to state


def test_an_organisation_states_that_it_is_below_the_threshold_of_each_license() -> None:
    found = terms_of_card("license: [llama3.1, llama2]")

    assert [one["id"] for one in found.attestations] == [
        "monthly_users:llama3-1",
        "monthly_users:llama2",
    ]
    asked = found.attestations[0]
    assert (asked["kind"], asked["limit"]) == ("users", 700_000_000)
    assert asked["measured_at"] == "2024-07-23"
    assert asked["version_sha256"] == item_of(found, "llama3-1").version.sha256


def test_the_rule_on_europe_is_there_for_models_that_see_and_not_for_others() -> None:
    def regions(card: str, **files: str) -> list[str]:
        return [
            one["id"]
            for one in terms_of_card(card, **files).attestations
            if one["kind"] == "region"
        ]

    assert regions(f"license: llama3.2\nbase_model: {READING}") == []
    assert regions(f"license: llama3.2\nbase_model: {SEEING}") == ["eu_multimodal"]
    assert regions("license: llama3.1\npipeline_tag: image-text-to-text") == []
    assert regions("license: llama3.2\npipeline_tag: image-text-to-text") == ["eu_multimodal"]
    assert regions("license: [llama3.2, llama4]\npipeline_tag: any-to-any") == ["eu_multimodal"]


def test_the_rule_on_europe_names_27_countries_and_the_license() -> None:
    (asked, *_) = terms_of_card(f"license: llama3.2\nbase_model: {SEEING}").attestations

    assert len(asked["countries"]) == 27
    assert {"FR", "IE"} <= set(asked["countries"])
    assert not {"NO", "CH", "GB", "IS", "LI"} & set(asked["countries"])
    assert asked["license"] == "llama3-2"
    assert "European Union" in asked["clause"]


def test_a_region_is_asked_for_though_no_text_has_to_be_accepted() -> None:
    Document.objects.update(needs_acceptance=False)

    assert terms_of_card(f"license: llama3.2\nbase_model: {SEEING}").needs_acceptance
    assert not terms_of_card(f"license: llama3.2\nbase_model: {READING}").needs_acceptance


def test_adding_image_input_to_a_later_revision_starts_the_rule() -> None:
    first = revision_of("license: llama3.2")
    seeing = '{"model_type": "made_up", "vision_config": {"hidden_size": 8}}'

    later = factories.make_commit(first.repository, {"config.json": seeing})

    before = terms.of_revision(first.repository, first)
    after = terms.of_revision(first.repository, later)
    assert [one["kind"] for one in before.attestations] == ["users"]
    assert [one["kind"] for one in after.attestations] == ["region", "users"]
    assert "vision_config" not in later.facts.get("config", {})


def test_image_input_added_to_a_base_starts_the_rule_for_what_comes_from_it() -> None:
    ada = factories.make_user("ada")
    base = released("license: llama3.2", ada, "Llama-base")
    revision = revision_of("license: llama3.2\nbase_model: ada/Llama-base")
    before = terms.of_revision(revision.repository, revision)
    card = "---\nlicense: llama3.2\npipeline_tag: image-text-to-text\n---\n"
    factories.make_released(base.repository, version="v2", files={"README.md": card})

    after = terms.of_revision(revision.repository, revision)

    assert [one["kind"] for one in before.attestations] == ["users"]
    assert [one["kind"] for one in after.attestations] == ["region", "users"]


# The link to a license


def test_a_link_to_a_known_text_names_the_license() -> None:
    text = "A license in words of our own."
    documents.add_text(slug="gemma", version="1", text=text.encode())
    card = "license: other\nlicense_name: of-my-own\nlicense_link: LICENSE"

    found = terms_of_card(card, LICENSE=text)

    assert (found.problem, slugs(found)) == ("", ["site-policy", "gemma"])
    assert "link" in item_of(found, "gemma").why


def test_a_link_to_an_unknown_text_is_only_shown() -> None:
    card = "license: other\nlicense_name: of-my-own\nlicense_link: LICENSE"

    found = terms_of_card(card, LICENSE="Nobody knows this.")

    assert "'of-my-own' is not known" in found.problem


def test_a_link_adds_to_what_the_card_names_and_takes_nothing_away() -> None:
    address = Document.objects.get(slug="llama3-1").official_url

    found = terms_of_card(f"license: mit\nlicense_link: {address}")

    assert slugs(found) == ["site-policy", "mit", "llama3-1", "aup-llama3-1"]


@pytest.mark.parametrize("link", ["../../etc/passwd", "/", "no-such", "{a: b}", "https://x.test/"])
def test_a_link_that_leads_nowhere_changes_nothing(link: str) -> None:
    assert slugs(judged(f"license: mit\nlicense_link: {link}")) == ["site-policy", "mit"]


# What was trained on the output of others


def test_licenses_of_outputs_are_known_by_model_tag_or_name() -> None:
    repository = factories.make_repository()
    card = {"trained_on_outputs_of": [BASE, "llama2", "llama1-research", "no/such"]}

    found = licenses.outputs_of(repository, card)

    assert {one.document.slug for one in found.known} == {
        "llama3-1",
        "llama2",
        "llama1-research",
    }
    assert [one.tag for one in found.unknown] == ["no/such"]
