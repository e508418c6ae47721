"""The rules as the data says them, read strictly: what no code knows by name is an error."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from registry.agreements.duties import licenses, normal
from registry.agreements.duties.asking import BadRules, Rule, Severity
from registry.agreements.duties.catalogue import CHECKS
from registry.agreements.duties.predicates import PREDICATES
from registry.catalog import facts

# What an argument of a check may name besides a path into the licenses
_FACTS = frozenset({licenses.ROOT, "ancestor_license"})
_PATHS = ("text_from", "prefix_from", "value_from")
OWN_FILE = Path(__file__).with_name("own_rules.yaml")
_KEYS = {
    "id",
    "title",
    "when",
    "exempt_when",
    "require",
    "severity",
    "basis",
    "clauses",
    "confidence",
    "note",
    "on_fail",
    "source",
}


@cache
def all_rules() -> tuple[Rule, ...]:
    """The rules of the facts file, and behind them the registry's own."""
    return (*of_facts(), *_parsed(yaml.safe_load(OWN_FILE.read_text())))


@cache
def of_facts() -> tuple[Rule, ...]:
    return _parsed(facts.read()["relations"]["rules"])


def _parsed(entries: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    return tuple(parse(entry) for entry in entries)


def find(rule_id: str) -> Rule | None:
    return next((rule for rule in all_rules() if rule.id == rule_id), None)


def parse(entry: Mapping[str, Any]) -> Rule:
    """A rule of the data, or BadRules."""
    where = f"rule {entry.get('id')!r}"
    if unknown := set(entry) - _KEYS:
        raise BadRules(f"{where}: nothing is known of {sorted(unknown)}")
    if set(entry["when"]) != {"all"}:
        raise BadRules(f"{where}: `when` must be a list under `all`")
    try:
        severity = Severity(entry["severity"])
    except ValueError as error:
        raise BadRules(f"{where}: {error}") from error
    made = Rule(
        id=entry["id"],
        title=entry["title"],
        conditions=_merged(where, entry["when"]["all"]),
        exemptions=_merged(where, entry.get("exempt_when", [])),
        checks=tuple(
            (one["check"], {key: value for key, value in one.items() if key != "check"})
            for one in entry["require"]
        ),
        severity=severity,
        basis=entry["basis"],
        note=entry.get("note", ""),
        on_fail=entry.get("on_fail", ""),
        clauses=entry.get("clauses", {}),
        source=entry.get("source", ""),
    )
    for name in (*made.conditions, *made.exemptions):
        _require_predicate(name, where)
    for name, arguments in made.checks:
        _require_check(name, arguments, where)
    return made


def _merged(where: str, conditions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for condition in conditions:
        if twice := found.keys() & condition.keys():
            raise BadRules(f"{where}: {sorted(twice)} stands there twice")
        found |= condition
    return found


def _require_predicate(name: str, where: str) -> None:
    if name not in PREDICATES:
        raise BadRules(f"{where}: no condition is called {name!r}")


def _require_check(name: str, arguments: Mapping[str, Any], where: str) -> None:
    if name not in CHECKS:
        raise BadRules(f"{where}: no check is called {name!r}")
    if unknown := set(arguments) - CHECKS[name].takes:
        raise BadRules(f"{where}: the check {name!r} takes no {sorted(unknown)}")
    for key in arguments.keys() & set(_PATHS):
        path = arguments[key]
        if path not in _FACTS and (problem := licenses.path_problem(path)):
            raise BadRules(f"{where}: {problem}")
    for step in arguments.get("normalise", []):
        if step not in normal.STEPS:
            raise BadRules(f"{where}: nothing is known of the step {step!r}")
