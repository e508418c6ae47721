"""A rule as the data has it, and the question that it is for one situation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from registry.agreements.duties.situation import Root, Situation

_SECTION = re.compile(r"\bsections? ((?:\d[\w.]*)(?:(?:, | and )\d[\w.]*)*)")


class BadRules(Exception):
    """The data of the rules says something that no code knows."""


class Severity(StrEnum):
    BLOCK = "block"
    REVIEW = "review"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True)
class Rule:
    """One rule. `conditions` are those of `when`, all of which must hold; `exemptions` those of
    `exempt_when`, any of which is enough; `checks` are (name, arguments)."""

    id: str
    title: str
    conditions: Mapping[str, Any]
    exemptions: Mapping[str, Any]
    checks: tuple[tuple[str, Mapping[str, Any]], ...]
    severity: Severity
    basis: str
    note: str = ""
    on_fail: str = ""
    clauses: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    def clause_number(self, license_id: str) -> str:
        """The number of the clause in this license, as the data or its source names it."""
        if license_id in self.clauses:
            return self.clauses[license_id]
        match = _SECTION.search(self.source)
        return match[1] if match else ""


@dataclass(frozen=True)
class Question:
    """One rule, asked of one situation, for one of its roots or for all."""

    situation: Situation
    rule: Rule
    root: Root | None
