"""Checks of the licenses of a model against those it comes from."""

from collections.abc import Mapping
from typing import Any

from registry.agreements.duties import licenses
from registry.agreements.duties.asking import Question
from registry.agreements.duties.checks import Found, Named, Remedy
from registry.agreements.duties.situation import INHERITED_LICENSE

CHECKS = Named()
_NONE_DECLARED = "The card declares no license that is known here."


@CHECKS.check("lineage_root_license_in", "licenses_from")
def _lineage_root_license_in(wanted: Mapping[str, Any], asked: Question) -> Found:
    """The licenses are those of the rule's own condition that the model was trained on."""
    roots, trained = asked.situation.roots, asked.situation.trained_on_outputs_of
    if roots is None or trained is None:
        return Found(None, "The licenses at the top of the lineage are not known.")
    asked_for = asked.rule.conditions.get("trained_on_outputs_of_license_in", trained)
    foreign = sorted(set(trained) & set(asked_for) - {root.license for root in roots})
    if not foreign:
        return Found(True, "The model descends from the models whose output it was trained on.")
    titles = ", ".join(licenses.title(one) for one in foreign)
    return Found(
        False,
        f"It was trained on output of a model under {titles}, and does not descend from one.",
        (Remedy("", "", "Train it without that output, or from a model of that version."),),
    )


@CHECKS.check("license_commercial_use_in", "values")
def _license_commercial_use_in(wanted: Mapping[str, Any], asked: Question) -> Found:
    declared = asked.situation.declared_licenses
    if not declared:
        return Found(None, _NONE_DECLARED)
    said = [licenses.commercial_use(one) for one in declared]
    names, values = ", ".join(declared), " or ".join(wanted["values"])
    if any(one in wanted["values"] for one in said):
        return Found(True, f"Under {names}, commercial use is {values}.")
    if None in said:
        return Found(None, f"What {names} says of commercial use is not known.")
    return Found(False, f"Under {names}, commercial use is not {values}.", (_declare(asked),))


def _declare(asked: Question) -> Remedy:
    strict = [
        one
        for one in asked.situation.ancestor_licenses or ()
        if licenses.commercial_use(one) == "forbidden"
    ]
    if strict:
        words = f"Declare `license` {strict[0]} in the front matter of README.md, beside your own."
        return Remedy("declare", strict[0], words)
    words = (
        "Declare a license that forbids commercial use in the front matter of README.md, beside "
        "your own."
    )
    return Remedy("", "", words)


@CHECKS.check("declared_license_includes_or_inherits", "value_from")
def _declared_license_includes(wanted: Mapping[str, Any], asked: Question) -> Found:
    declared, root = asked.situation.declared_licenses, asked.root
    if declared is None or root is None:
        return Found(None, "The declared license, or that of the base, is not known.")
    if root.license in declared or INHERITED_LICENSE in declared:
        return Found(True, f"The card names {root.license}.")
    words = (
        f"Name {root.license}, the license of the base, in `license` of README.md, beside yours."
    )
    base = licenses.title(root.license)
    said = f"The card names no license; the base is under {base}."
    if declared:
        said = f"The card names {', '.join(declared)}; the base is under {base}."
    return Found(False, said, (Remedy("declare", root.license, words),))


@CHECKS.check("apply_rules_for_each_root")
def _apply_rules_for_each_root(wanted: Mapping[str, Any], asked: Question) -> Found:
    """Every rule is applied to each root anyway; here is said whether all of them were found."""
    situation = asked.situation
    if situation.roots is None or situation.lineage_is_cut:
        return Found(None, "The lineage is too long to follow, or not known, up to every root.")
    return Found(True, f"Each of the {len(situation.roots)} roots is looked at by itself.")


@CHECKS.check("commercial_use_is_strictest_of_parents")
def _strictest_of_parents(wanted: Mapping[str, Any], asked: Question) -> Found:
    parents, declared = asked.situation.parent_licenses, asked.situation.declared_licenses
    if not parents or not declared:
        return Found(None, "The licenses of the parents, or the declared one, are not known.")
    own = [licenses.strictness(one) for one in declared]
    theirs = [(licenses.strictness(one), one) for one in parents]
    known = [(rank, one) for rank, one in theirs if rank is not None]
    own_known = [rank for rank in own if rank is not None]
    if known and own_known and (len(own_known) == len(own)) and max(own_known) < max(known)[0]:
        rank, strictest = max(known)
        words = f"Set `license` in the front matter of README.md to {strictest}, beside your own."
        return Found(
            False,
            f"{strictest} of a parent is stricter on commercial use ({licenses.COMMERCIAL_USE[rank]}"
            f") than the declared {', '.join(declared)}.",
            (Remedy("declare", strictest, words),),
        )
    if len(known) < len(theirs) or len(own_known) < len(own):
        return Found(None, "What one of the licenses says of commercial use is not known.")
    return Found(True, "The declared license is as strict on commercial use as each parent's.")


@CHECKS.check("no_parent_license_in", "values")
def _no_parent_license_in(wanted: Mapping[str, Any], asked: Question) -> Found:
    parents = asked.situation.parent_licenses
    if parents is None:
        return Found(None, "The licenses of the parents are not known.")
    if not set(parents) & set(wanted["values"]):
        return Found(True, "The license of each parent is known.")
    words = "Name only parents whose license is known here, or ask a steward to add it."
    return Found(False, "The license of a parent is not known.", (Remedy("", "", words),))


@CHECKS.check("license_lists_at_least_restrictions_of", "value_from")
def _lists_restrictions(wanted: Mapping[str, Any], asked: Question) -> Found:
    """The same license lists the same restrictions. One that is known to list none fails; of any
    other, somebody has to compare the lists."""
    declared, ancestors = asked.situation.declared_licenses, asked.situation.ancestor_licenses
    if not declared or ancestors is None:
        return Found(None, _NONE_DECLARED)
    asking = set(asked.rule.conditions.get("any_ancestor_license_in", ancestors))
    restricting = sorted(set(ancestors) & asking)
    missing = [one for one in restricting if one not in declared]
    if not missing:
        return Found(True, f"The card names {', '.join(restricting)} itself.")
    words = f"Set `license` in the front matter of README.md to {missing[0]}, beside your own."
    add = Remedy("declare", missing[0], words)
    limits = [licenses.limits_use(one) for one in declared]
    if None in limits or True in limits:
        return Found(
            None,
            f"Whether {', '.join(declared)} lists the restrictions of {', '.join(missing)} has to "
            "be compared by a person.",
            (add,),
        )
    return Found(
        False, f"{', '.join(declared)} lists none of the restrictions of {missing[0]}.", (add,)
    )
