"""The sentences of the facts are said in the language of the reader."""

import pytest
from django.test import Client

from registry.agreements.duties import rules
from registry.catalog import facts
from registry.web import fact_words
from tests.factories import make_facts


def test_each_sentence_of_duties_licenses_and_policies_is_marked_for_translation() -> None:
    known = facts.read()
    licenses = known["licenses"]
    shown = {rule.title for rule in rules.all_rules()} | {rule.note for rule in rules.all_rules()}
    shown |= {one["description"] for one in known["acceptable_use_categories"]}
    for key in ("prohibited_uses", "changed_from_previous", "termination"):
        shown |= {text for one in licenses for text in one.get(key) or []}
    shown |= {one["release_style"] for one in known["families"]}

    assert shown - {""} <= set(fact_words.TEXTS)
    assert {verb for one in licenses for verb in one.get("grant") or []} <= set(fact_words.GRANTS)


@pytest.mark.django_db
def test_a_license_is_said_in_the_language_of_the_reader(client: Client) -> None:
    make_facts()

    french = {"Accept-Language": "fr"}
    license_page = client.get("/licenses/llama3-2", headers=french).text
    policy_page = client.get("/licenses/aup-llama3-2", headers=french).text

    assert "utiliser, reproduire, distribuer" in license_page
    assert "éditeur peut y mettre fin" in license_page
    assert "may end it" not in license_page
    assert "jout des outils tiers nuisibles" in policy_page
    assert "Violent crime" not in license_page + policy_page
