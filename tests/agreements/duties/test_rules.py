"""The rules of the data: each can be met and broken, and what no code knows is an error."""

import copy
from typing import Any

import pytest

from registry.agreements.duties import engine, licenses, rules
from registry.agreements.duties.asking import BadRules
from registry.agreements.duties.catalogue import CHECKS
from registry.agreements.duties.engine import Verdict
from registry.agreements.duties.predicates import PREDICATES
from registry.agreements.duties.situation import File, Root
from registry.catalog import facts
from tests.agreements.duties.situations import fine_tune, of_case

CASES = facts.read()["relations"]["test_cases"]
BAD = {Verdict.BLOCK, Verdict.REVIEW, Verdict.WARN}
VISION = (Root("llama3.2", modalities=frozenset({"text", "image"})),)
LLAMA1: dict[str, Any] = {"license": "llama1-research"}
OUTPUT = {"trained_on_outputs_of": ("llama3",)}
BARE: dict[str, Any] = {"files": {}}
NO_CARD: dict[str, Any] = {"front_matter": {}}
MERGE: dict[str, Any] = {"relation": "merge"}
OWN: dict[str, Any] = {"relation": "none"}

# For each rule what meets it and what breaks it, as changes to a fine-tune that does all
BOTH: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "license_copy": ({}, BARE),
    "notice_file": ({}, {"files": {"NOTICE": File("nothing of it")}}),
    "notice_file_adapter": ({"relation": "adapter"}, {"relation": "adapter"} | BARE),
    "notice_llama1": (LLAMA1, LLAMA1 | {"files": {"README.md": File("no line")}}),
    "display_built_with_llama3": (
        {"license": "llama3"},
        {"license": "llama3", "card_text": "none"},
    ),
    "display_built_with_llama": ({}, {"card_text": "Built with Meta Llama 3"}),
    "name_prefix_llama3": (
        {"license": "llama3"},
        {"license": "llama3", "repository_name": "Llama"},
    ),
    "name_prefix_llama": ({}, {"repository_name": "Med-Llama"}),
    "name_prefix_quantized": (
        {"relation": "quantized"},
        {"relation": "quantized", "repository_name": "Meta-Llama-3.1"},
    ),
    "name_prefix_from_outputs": (
        {"trained_on_outputs_of": ("llama3.3",)},
        {"trained_on_outputs_of": ("llama3.3",), "repository_name": "Other"},
    ),
    "output_training_ban": ({"license": "llama3"} | OUTPUT, {"license": "llama2"} | OUTPUT),
    "output_research_only": (
        {"trained_on_outputs_of": ("llama1-research",), "declared_licenses": ("cc-by-nc-4.0",)},
        {"trained_on_outputs_of": ("llama1-research",)},
    ),
    "acceptable_use_flow_down": ({}, BARE),
    "eu_multimodal": ({"roots": VISION}, {"roots": VISION, "requester_country": "FR"}),
    "eu_gate_flag": (
        {"front_matter": {"extra_gated_eu_disallowed": True, "gated": "auto"}},
        {"front_matter": {"extra_gated_eu_disallowed": True, "gated": False}},
    ),
    "monthly_users": (
        {"requester_kind": "organisation", "recorded": {"attestation_recorded": True}},
        {"requester_kind": "organisation", "monthly_active_users": 700_000_001},
    ),
    "llama1_non_commercial": (LLAMA1, LLAMA1 | {"declared_purpose": "commercial"}),
    "llama1_case_by_case": (
        LLAMA1 | {"recorded": {"publisher_approval_recorded": True}},
        LLAMA1 | {"recorded": {"publisher_approval_recorded": False}},
    ),
    "license_not_looser": ({}, {"declared_licenses": ("mit",)}),
    "merge_union": (MERGE, MERGE | {"parent_licenses": ("llama3.1", "unknown")}),
    "non_commercial_inherited": (
        {"ancestor_licenses": ("cc-by-nc-4.0",), "declared_licenses": ("cc-by-nc-4.0",)},
        {"ancestor_licenses": ("cc-by-nc-4.0",), "declared_licenses": ("mit",)},
    ),
    "base_declared": ({}, NO_CARD),
    "gate_inherited": ({}, {"front_matter": {"gated": False}}),
    "acceptance_before_download": (
        {"action": "download", "recorded": {"acceptance_recorded": True}},
        {"action": "download", "recorded": {"acceptance_recorded": False}},
    ),
    "re_acceptance": (
        {"events": {"license_or_policy_hash_changed"}, "recorded": {"acceptance_recorded": True}},
        {"events": {"license_or_policy_hash_changed"}, "recorded": {"acceptance_recorded": False}},
    ),
    "termination": (
        {
            "events": {"breach_confirmed"},
            "recorded": {"grants_revoked": True, "deletion_task_opened": True},
        },
        {
            "events": {"breach_confirmed"},
            "recorded": {"grants_revoked": True, "deletion_task_opened": False},
        },
    ),
    "no_publisher_brand": ({}, {"repository_name": "Meta-Med"}),
    "safeguards_removed": (
        {
            "license": "llama3.2",
            "card_text": "Refusals removed",
            "recorded": {"steward_review_recorded": True},
        },
        {
            "license": "llama3.2",
            "repository_name": "Llama-uncensored",
            "recorded": {"steward_review_recorded": False},
        },
    ),
    "rail_restrictions": (
        {"ancestor_licenses": ("openrail",), "declared_licenses": ("openrail",)},
        {"ancestor_licenses": ("openrail",), "declared_licenses": ("mit",)},
    ),
    "gemma_terms": ({"license": "gemma"}, {"license": "gemma"} | BARE),
    "quantized_claims": (
        {"relation": "quantized"},
        {"relation": "quantized", "fields": {"quantization.scheme": ""}},
    ),
    "own_license_copy": (OWN, OWN | BARE),
    "own_notice_file": (OWN, OWN | BARE),
    "own_notice_text": (OWN | LLAMA1, OWN | LLAMA1 | BARE),
    "policy_copy": ({}, BARE),
    "kept_license_copy": ({"license": "mit"}, {"license": "mit"} | BARE),
    "base_license_unknown": (
        {"ancestor_licenses": ("unknown",), "recorded": {"steward_review_recorded": True}},
        {"ancestor_licenses": ("unknown",), "recorded": {"steward_review_recorded": False}},
    ),
}


def verdicts(rule_id: str, changes: dict[str, Any]) -> set[Verdict]:
    rule = rules.find(rule_id)
    assert rule is not None
    return {one.verdict for one in engine.evaluate(fine_tune(**changes), [rule])}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_of_the_data_has_its_stated_results(case):
    found = engine.evaluate(of_case(case["entry"]))

    for rule, verdict in case["expect"].items():
        assert {one.verdict for one in found if one.rule == rule} == {verdict}, rule


def test_the_data_has_as_many_rules_and_cases_as_it_says():
    assert len(rules.of_facts()) == 31
    assert len(CASES) == 15
    assert set(BOTH) == {rule.id for rule in rules.all_rules()}


@pytest.mark.parametrize("rule", BOTH)
def test_each_rule_can_be_met_and_broken(rule):
    met, broken = BOTH[rule]

    assert verdicts(rule, met) == {Verdict.PASS}
    severity = next(one.severity for one in rules.all_rules() if one.id == rule)
    assert verdicts(rule, broken) == {severity}


@pytest.mark.parametrize("rule", BOTH)
def test_no_rule_passes_when_nothing_is_known(rule):
    unknown = {
        name: None
        for name in fine_tune().__dict__
        if name not in {"fields", "texts", "recorded", "lineage_is_cut"}
    }
    changes = unknown | {"fields": {}, "texts": {}, "events": None}

    assert verdicts(rule, changes) <= {Verdict.REVIEW}


def changed(**changes: Any) -> dict[str, Any]:
    rule = copy.deepcopy(facts.read()["relations"]["rules"][0])
    return rule | changes


def test_a_condition_that_no_code_knows_is_an_error():
    with pytest.raises(BadRules, match="no condition is called 'moon_is_full'"):
        rules.parse(changed(when={"all": [{"moon_is_full": True}]}))


def test_an_exemption_that_no_code_knows_is_an_error():
    with pytest.raises(BadRules, match="no condition is called 'asked_nicely'"):
        rules.parse(changed(exempt_when=[{"asked_nicely": True}]))


def test_a_check_or_argument_that_no_code_knows_is_an_error():
    with pytest.raises(BadRules, match="no check is called 'smells_good'"):
        rules.parse(changed(require=[{"check": "smells_good"}]))
    with pytest.raises(BadRules, match="takes no"):
        rules.parse(changed(require=[{"check": "front_matter_has", "colour": "red"}]))


def test_a_way_of_comparing_or_a_path_that_no_code_knows_is_an_error():
    prefix = {"check": "name_starts_with", "field": "repository_name", "prefix": "X"}
    with pytest.raises(BadRules, match="nothing is known of the step"):
        rules.parse(changed(require=[prefix | {"normalise": ["stand on the head"]}]))
    text = {"check": "repository_contains_text", "text_from": "licenses[nobodys].notice"}
    with pytest.raises(BadRules, match="a license that the facts do not have"):
        rules.parse(changed(require=[text]))


def test_a_key_or_severity_that_no_code_knows_is_an_error():
    with pytest.raises(BadRules, match="unless"):
        rules.parse(changed(unless=[{"distributed": False}]))
    with pytest.raises(BadRules, match="fatal"):
        rules.parse(changed(severity="fatal"))
    with pytest.raises(BadRules, match="under `all`"):
        rules.parse(changed(when={"any": [{"distributed": True}]}))


def test_nothing_stands_by_that_no_rule_uses():
    used = {name for rule in rules.all_rules() for name in (*rule.conditions, *rule.exemptions)}
    checked = {name for rule in rules.all_rules() for name, _ in rule.checks}

    assert used == set(PREDICATES)
    assert checked == set(CHECKS)


def test_a_merge_is_looked_at_for_each_root():
    roots = (Root("llama3", "3"), Root("llama3.1", "3.1"))
    found = engine.evaluate(fine_tune(roots=roots, relation="merge", files={}))

    of_copies = [(one.license, one.verdict) for one in found if one.rule == "license_copy"]
    assert of_copies == [("llama3", Verdict.BLOCK), ("llama3.1", Verdict.BLOCK)]
    said = {one.rule: one for one in found}
    assert said["display_built_with_llama3"].license_version == "3"
    assert said["display_built_with_llama"].license == "llama3.1"


def test_an_image_among_the_inputs_of_one_root_of_two_starts_the_eu_rule():
    text, image = (Root("llama3.2", modalities=frozenset({one})) for one in ("text", "image"))
    rule = rules.find("eu_multimodal")
    assert rule is not None

    assert engine.concerned(fine_tune(roots=(text,)), rule) == []
    assert engine.concerned(fine_tune(roots=(text, image)), rule) == [image]


def test_a_result_says_what_is_missing_where_it_was_looked_for_and_what_to_do():
    roots = (Root("llama3.1", "3.1"),)
    one = next(
        r for r in engine.evaluate(fine_tune(roots=roots, files={})) if r.rule == "notice_file"
    )

    assert (one.license, one.license_version, one.clause_number) == ("llama3.1", "3.1", "1.b.iii")
    assert "NOTICE.txt" in one.words
    assert "Add a file NOTICE with the line" in one.fix
    assert "one line for each distinct base license" in one.clause


def test_a_copy_that_cannot_be_compared_is_left_to_a_person():
    found = engine.evaluate(fine_tune(texts={}))

    one = next(result for result in found if result.rule == "license_copy")
    assert one.verdict == Verdict.REVIEW
    assert one.holds
    assert "holds no text" in one.words


def test_want_of_a_fact_in_a_rule_that_only_warns_holds_nothing():
    found = engine.evaluate(fine_tune(texts={}))

    one = next(result for result in found if result.rule == "acceptable_use_flow_down")
    assert one.verdict == Verdict.REVIEW
    assert one.warns
    assert not one.holds


def test_a_license_that_refers_to_another_has_its_duties():
    assert licenses.id_of("code-llama") == "llama2"
    assert licenses.of("code-llama")["attribution_notice"]["required"]
