"""Whether a model does what the licenses it comes from ask: each rule, for each root."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from registry.agreements.duties import licenses
from registry.agreements.duties.asking import Question, Rule, Severity
from registry.agreements.duties.catalogue import CHECKS
from registry.agreements.duties.checks import Found, Remedy
from registry.agreements.duties.predicates import PREDICATES
from registry.agreements.duties.rules import all_rules
from registry.agreements.duties.situation import Root, Situation


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - no password
    BLOCK = "block"
    REVIEW = "review"
    WARN = "warn"
    NOT_APPLICABLE = "not_applicable"


_FAILED = {
    Severity.BLOCK: Verdict.BLOCK,
    Severity.REVIEW: Verdict.REVIEW,
    Severity.WARN: Verdict.WARN,
    Severity.INFO: Verdict.WARN,
}


@dataclass(frozen=True)
class Result:
    """What one rule says of one root. `clause` is the duty in our words, `license_version` the
    license that causes it; `words` say what is missing and where it was looked for."""

    rule: str
    title: str
    verdict: Verdict
    severity: Severity
    basis: str
    clause: str
    clause_number: str
    license: str
    license_version: str
    words: str
    remedies: tuple[Remedy, ...] = ()
    is_verified: bool = True
    path: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether a release waits for it. Where only a warning is at stake, nobody has to decide."""
        asks = self.severity in {Severity.BLOCK, Severity.REVIEW}
        return self.verdict == Verdict.BLOCK or (self.verdict == Verdict.REVIEW and asks)

    @property
    def warns(self) -> bool:
        return self.verdict in {Verdict.WARN, Verdict.REVIEW} and not self.holds

    @property
    def fix(self) -> str:
        return " ".join(remedy.words for remedy in self.remedies)

    @property
    def note(self) -> str:
        """What the clause says beyond the title."""
        return self.clause.removeprefix(f"{self.title}.").strip()

    @property
    def license_title(self) -> str:
        return licenses.title(self.license) if self.license else ""


def evaluate(situation: Situation, rules: Iterable[Rule] | None = None) -> list[Result]:
    """Every rule, in the order of the data; a rule about roots once for each root that it is about,
    or once as not applicable."""
    found: list[Result] = []
    for rule in all_rules() if rules is None else rules:
        of_rule = [_judged(Question(situation, rule, root)) for root in _roots(rule, situation)]
        told = [one for one in of_rule if one.verdict != Verdict.NOT_APPLICABLE]
        said = {(one.license, one.verdict, one.words): one for one in reversed(told)}
        found += list(said.values())[::-1] or of_rule[:1]
    return found


@cache
def rules_of_models() -> tuple[Rule, ...]:
    """The rules that are asked once of a model."""
    return tuple(rule for rule in all_rules() if not _is_about_requester(rule))


@cache
def rules_of_requesters() -> tuple[Rule, ...]:
    """The rules that are asked at each download, of whoever downloads."""
    return tuple(rule for rule in all_rules() if _is_about_requester(rule))


def _is_about_requester(rule: Rule) -> bool:
    asks = any(PREDICATES[name].of_requester for name in rule.conditions)
    return asks or any(CHECKS[name].of_requester for name, _ in rule.checks)


def concerned(situation: Situation, rule: Rule) -> list[Root | None]:
    """The roots for which a rule about who asks would be asked, whoever it is."""
    return [
        root
        for root in _roots(rule, situation)
        if all(
            PREDICATES[name].of_requester
            or PREDICATES[name].holds(wanted, Question(situation, rule, root)) is not False
            for name, wanted in rule.conditions.items()
        )
    ]


def described(rule: Rule, root: Root | None) -> Result:
    """The rule as it stands for a root, before anybody was asked."""
    return _result(Question(Situation(), rule, root), Verdict.NOT_APPLICABLE, [])


def _roots(rule: Rule, situation: Situation) -> list[Root | None]:
    of_root = any(PREDICATES[name].of_root for name in rule.conditions)
    if not of_root or not situation.roots:
        return [None]
    of_kind = {(root.license, root.modalities): root for root in reversed(situation.roots)}
    return [*reversed(of_kind.values())]


def _judged(asked: Question) -> Result:
    applies = _applies(asked)
    if applies is False:
        return _result(asked, Verdict.NOT_APPLICABLE, [], "The rule is not about this model.")
    if applies is None:
        return _result(
            asked, Verdict.REVIEW, [], f"Whether this applies is not known: {_unknown(asked)}."
        )
    found = [CHECKS[name].look(wanted, asked) for name, wanted in asked.rule.checks]
    if any(one.holds is False for one in found):
        failed = [one for one in found if one.holds is not True]
        return _result(asked, _FAILED[asked.rule.severity], failed)
    if any(one.holds is None for one in found):
        return _result(asked, Verdict.REVIEW, [one for one in found if one.holds is None])
    return _result(asked, Verdict.PASS, found)


def _applies(asked: Question) -> bool | None:
    """Whether all conditions hold and no exemption does. An exemption has to be shown."""
    if asked.situation.roots == () and any(
        PREDICATES[name].of_root for name in asked.rule.conditions
    ):
        return False
    said = [PREDICATES[name].holds(want, asked) for name, want in asked.rule.conditions.items()]
    if False in said:
        return False
    exempt = [PREDICATES[name].holds(want, asked) for name, want in asked.rule.exemptions.items()]
    if True in exempt:
        return False
    return None if None in said else True


def _unknown(asked: Question) -> str:
    return ", ".join(
        name.removesuffix("_in").replace("_", " ")
        for name, wanted in asked.rule.conditions.items()
        if PREDICATES[name].holds(wanted, asked) is None
    )


def _result(asked: Question, verdict: Verdict, found: list[Found], words: str = "") -> Result:
    rule, root = asked.rule, asked.root
    license_id = root.license if root else ""
    said = words or " ".join(one.words for one in found)
    if verdict in {Verdict.BLOCK, Verdict.REVIEW, Verdict.WARN} and rule.on_fail:
        said += f" What follows: {rule.on_fail}."
    return Result(
        rule=rule.id,
        title=rule.title,
        verdict=verdict,
        severity=rule.severity,
        basis=rule.basis,
        clause=f"{rule.title}. {rule.note[:1].upper()}{rule.note[1:]}.".replace(" .", ""),
        clause_number=rule.clause_number(license_id),
        license=license_id,
        license_version=root.version if root else "",
        words=said,
        remedies=tuple(dict.fromkeys(remedy for one in found for remedy in one.remedies))
        if verdict != Verdict.PASS
        else (),
        is_verified=root.is_verified if root else True,
        path=root.path if root else (),
    )
