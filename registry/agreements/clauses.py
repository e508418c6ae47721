"""Where the data of a license say something: which clause, which source, and how sure they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.catalog import facts

Facts = Mapping[str, Any]

LEVELS = ("low", "medium", "high")
LICENSE_CLAUSE, INTERPRETATION, REGISTRY_POLICY = (
    "license_clause",
    "interpretation",
    "registry_policy",
)
_PLACE = r"\d+(?:\.[a-z0-9]+)*(?:\([a-z0-9]+\))*"
_CLAUSE = re.compile(rf"\bsections? ({_PLACE}(?:(?:, | and ){_PLACE})*)")
_OF_LICENSES = ("root_license_in", "any_ancestor_license_in")


@dataclass(frozen=True)
class Backing:
    """What stands behind something that is said. `clause` is empty where the data name none,
    `basis` says whether the license writes it or somebody reads it so."""

    clause: str = ""
    source: str = ""
    confidence: str = ""
    basis: str = LICENSE_CLAUSE


def of_field(entry: Facts, name: str, *, basis: str = LICENSE_CLAUSE) -> Backing:
    """What backs a field of a license's facts."""
    sources = entry.get("sources") or {}
    source = str(sources.get(name) or sources.get("default") or "")
    note = str((entry.get("confidence_notes") or {}).get(name) or "")
    sure = note.partition(":")[0] if note else str(entry.get("confidence") or "")
    return Backing(clause_in(source), source, sure if sure in LEVELS else "", basis)


def of_rule(rule: Facts, license_id: str) -> Backing:
    """What backs a rule on derivatives, for one license."""
    source = str(rule.get("source") or "")
    clause = str((rule.get("clauses") or {}).get(license_id) or clause_in(source))
    sure = str(rule.get("confidence") or "")
    return Backing(clause, source, sure if sure in LEVELS else "", str(rule.get("basis") or ""))


def clause_in(source: str) -> str:
    """The sections that a source names, or ''."""
    found = _CLAUSE.search(source)
    return found[1] if found else ""


def least(levels: list[str]) -> str:
    """The lowest of some confidences; '' where one is not known, or there is none."""
    if not levels or any(level not in LEVELS for level in levels):
        return ""
    return min(levels, key=LEVELS.index)


def rules_for(license_id: str) -> list[Facts]:
    """The rules on passing on that name this license."""
    return [rule for rule in facts.read()["relations"]["rules"] if _names(rule, license_id)]


def relations_of(rule: Facts) -> list[str] | None:
    """The kinds of derivatives that a rule is about; None where it is about all."""
    return next((one["relation_in"] for one in _conditions(rule) if "relation_in" in one), None)


def is_on_passing_on(rule: Facts) -> bool:
    return any(one.get("distributed") is True for one in _conditions(rule))


def _names(rule: Facts, license_id: str) -> bool:
    return any(license_id in one.get(key, ()) for one in _conditions(rule) for key in _OF_LICENSES)


def _conditions(rule: Facts) -> list[Facts]:
    return list((rule.get("when") or {}).get("all") or [])
