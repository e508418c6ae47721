"""A card's problems in the reader's language."""

from django.utils import translation

from registry.catalog import cards
from registry.web import card_words


def test_a_problem_of_a_card_is_said_in_french_with_its_names_kept() -> None:
    wrong = {
        "license": "nothing",
        "base_model": 3,
        "base_model_relation": "cousin",
        "tags": [1],
        "language": "??",
        "co2_eq_emissions": "much",
    }
    found = cards.problems(wrong, known_licenses=["mit", "other"])
    found += cards.problems({"license": "other"}, known_licenses=["other"])
    found += cards.problems({"model-index": 1, "library_name": 2}, known_licenses=[])
    found += cards.warnings({}) + cards.warnings({"tags": []})

    with translation.override("fr"):
        said = [card_words.said(one) for one in found]

    assert [one for one, french in zip(found, said, strict=True) if one == french] == []
    assert "« license » doit être l’un de [mit, other]" in [
        one.replace("\u202f", " ") for one in said
    ]


def test_english_and_unknown_sentences_stay_as_they_are() -> None:
    assert card_words.said('"tags" must be a list of texts') == '"tags" must be a list of texts'
    with translation.override("fr"):
        assert card_words.said("another problem") == "another problem"
