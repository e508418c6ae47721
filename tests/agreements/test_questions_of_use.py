"""What licenses say to "may I ...?": from the data, with the clause, and never a guess."""

import copy
from typing import Any

import pytest

from registry.agreements import clauses, duty_table, questions_of_use
from registry.agreements.models import Document
from registry.agreements.questions_of_use import IMAGE, MORE, QUESTIONS, TEXT, Answer, Asked, Word
from registry.catalog import facts

ENTRIES = {one["id"]: one for one in facts.read()["licenses"]}
LICENSES = [one["id"] for one in ENTRIES.values() if one["kind"] == "license"]


def document(license_id: str, **changed: Any) -> Document:
    entry = copy.deepcopy(ENTRIES[license_id]) | changed
    policy = ENTRIES.get(entry.get("acceptable_use_policy") or "")
    held = Document(title=policy["title"], facts=policy) if policy else None
    return Document(title=entry["title"], facts=entry, policy=held)


def ask(license_id: str, question: str, **circumstances: str) -> Answer:
    return questions_of_use.ask(document(license_id), Asked(question, **circumstances))


def says(answer: Answer, key: str) -> list[str]:
    return [one.values.get(key, "") for one in answer.conditions]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_but_unknown_rests_on_a_source_with_a_confidence(question: str) -> None:
    for license_id in LICENSES:
        answer = ask(license_id, question, category="weapons")

        assert answer.reasons, license_id
        if answer.word != Word.UNKNOWN:
            assert answer.reasons[0].backing.source, license_id
            assert answer.confidence in clauses.LEVELS, license_id


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_no_data_say_is_unknown(question: str) -> None:
    asked = Asked(question, category="weapons")
    of_nothing = Document(title="Invented Terms", facts={})
    of_a_name_alone = Document(
        title="Invented Terms", facts={"id": "invented", "title": "Invented"}
    )
    of_several = document("llama-guard")

    for one in (of_nothing, of_a_name_alone, of_several):
        answer = questions_of_use.ask(one, asked)
        assert answer.word == Word.UNKNOWN
        assert answer.confidence == ""


def test_commercial_use_turns_on_the_number_of_users() -> None:
    few, many = (
        ask("llama3.1", "commercial", users="fewer"),
        ask("llama3.1", "commercial", users=MORE),
    )

    assert (few.word, many.word) == (Word.YES, Word.NO)
    assert ask("llama3.1", "commercial").word == Word.IF
    assert many.reasons[0].backing.clause == "2"
    assert many.reasons[0].values["limit"] == "700000000"
    assert ask("llama1-research", "commercial").word == Word.NO
    assert ask("mit", "commercial").word == Word.YES
    assert ask("cc", "commercial").word == Word.UNKNOWN


def test_training_another_model_with_output_was_forbidden_until_llama_3() -> None:
    words = {one: ask(one, "outputs") for one in ("llama2", "llama3", "llama3.1", "llama4", "mit")}

    assert [one.word for one in words.values()] == [
        Word.NO,
        Word.NO,
        Word.IF,
        Word.IF,
        Word.UNKNOWN,
    ]
    assert words["llama2"].reasons[0].backing.clause == "1.b.v"
    assert words["llama3.1"].reasons[0].backing.clause == "1.b.i"
    assert says(words["llama3.1"], "prefix") == ["Llama"]


def test_europe_turns_on_whether_the_model_takes_images() -> None:
    assert ask("llama3.2", "eu").word == Word.IF
    assert ask("llama3.2", "eu", modality=IMAGE).word == Word.NO
    assert ask("llama3.2", "eu", modality=TEXT).word == Word.YES
    assert ask("llama3.1", "eu", modality=IMAGE).word == Word.YES


def test_passing_on_names_each_duty_of_this_kind_of_derivative_with_its_clause() -> None:
    tune = ask("llama3.1", "share", relation="finetune")
    plain = ask("llama3.1", "share", relation="copy")
    quantized = ask("llama3.1", "share", relation="quantized")

    by_rule = {one.values["id"]: one for one in tune.conditions if one.says == "rule"}
    assert by_rule["notice_file"].backing.clause == "1.b.iii"
    assert by_rule["name_prefix_llama"].values["words"] == "Llama"
    assert by_rule["display_built_with_llama"].values["words"] == "Built with Llama"
    assert "name_prefix_llama" not in says(plain, "id")
    read = next(one for one in quantized.conditions if one.values["id"] == "name_prefix_quantized")
    assert (read.backing.basis, read.backing.confidence) == (clauses.INTERPRETATION, "medium")
    assert says(ask("apache-2.0", "share"), "duty") == [
        "keep_license_copy",
        "state_changes",
        "keep_notice_file",
    ]
    assert ask("physionet-credentialed-1.5.0", "share").word == Word.NO
    assert ask("gemma", "share").word == Word.UNKNOWN
    assert "case by case" in says(ask("llama1-research", "train_further"), "how")[0]


def test_no_license_says_yes_to_a_use_that_policies_forbid() -> None:
    for license_id in LICENSES:
        for category in questions_of_use.categories():
            answer = ask(license_id, "use", category=category["id"])
            assert answer.word in {Word.NO, Word.UNKNOWN}, (license_id, category["id"])
    assert ask("llama3.2", "use", category="safeguard_circumvention").word == Word.NO
    assert ask("llama2", "use", category="safeguard_circumvention").word == Word.UNKNOWN
    military = ask("llama4", "use", category="military_nuclear_espionage_itar")
    assert [one["id"] for one in military.conflicts] == ["military-clause"]


def test_names_and_other_licenses() -> None:
    assert ask("llama3", "name").reasons[0].values["prefix"] == "Llama 3"
    assert ask("mit", "name").word == Word.YES
    assert ask("gpl-3.0", "relicense").word == Word.NO
    assert ask("llama3.3", "relicense").word == Word.IF
    assert ask("mit", "relicense").word == Word.UNKNOWN


def test_the_answer_follows_the_data() -> None:
    silent = document("llama3.1", grant=["use"])
    doubtful = document("mit", confidence_notes={"commercial_use": "low: two copies differ"})

    assert questions_of_use.ask(silent, Asked("train_further")).word == Word.UNKNOWN
    assert questions_of_use.ask(doubtful, Asked("commercial")).confidence == "low"
    assert ask("ai2-impact-low-risk", "name").confidence == "low"


def test_of_several_licenses_the_strictest_answer_counts() -> None:
    assert questions_of_use.worst([Word.YES, Word.IF, Word.UNKNOWN]) == Word.UNKNOWN
    assert questions_of_use.worst([Word.UNKNOWN, Word.NO]) == Word.NO
    assert questions_of_use.worst([]) == Word.UNKNOWN


def test_clauses_are_read_from_sources_and_confidence_is_the_least() -> None:
    assert clauses.clause_in("github:lab/model LICENSE sections 5.c and 6") == "5.c and 6"
    assert clauses.clause_in("a page of the cross-section of things") == ""
    assert clauses.least(["high", "low", "medium"]) == "low"
    assert clauses.least(["high", ""]) == ""


def test_what_changed_between_two_licenses_is_computed() -> None:
    def row(license_id: str) -> duty_table.Row:
        one = document(license_id)
        return duty_table.row(duty_table.facts_of(one), duty_table.policy_of(one))

    changed = {one.column for one in duty_table.changes(row("llama3"), row("llama3.1"))}
    assert changed == {"notice", "display", "name", "outputs"}
    assert [one.column for one in duty_table.changes(row("llama3.1"), row("llama3.1"))] == []
    added, removed = duty_table.category_changes(ENTRIES["aup-llama3.1"], ENTRIES["aup-llama3.2"])
    assert "safeguard_circumvention" in added
    assert removed == []
    unknown = duty_table.row({"id": "invented"})
    assert {cell.word for cell in unknown.values()} == {duty_table.UNKNOWN}
