"""What each license allows and asks, as a row of a table: the same columns for every license."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.agreements import clauses
from registry.agreements.clauses import Backing, Facts
from registry.agreements.models import Document

# What a cell says. Data that are silent are unknown, never a no
ASKED, NOT_ASKED, ALLOWED, LIMITED, FORBIDDEN, UNKNOWN = (
    "asked",
    "not_asked",
    "allowed",
    "limited",
    "forbidden",
    "unknown",
)
# Duties that differ in wording and ask the same
DUTIES = {
    "copy": ("provide_license_copy", "keep_license_copy"),
    "notice": ("keep_notice_file", "keep_notice_text", "attribution"),
    "display": ("display_built_with",),
    "name": ("name_prefix",),
    "policy": ("follow_acceptable_use_policy", "pass_on_use_restrictions"),
    "changes": ("state_changes", "indicate_changes", "mark_changed_files"),
    "same_license": ("same_license_for_derivatives",),
    "source": ("share_source",),
    "export": ("obey_export_law", "obey_trade_compliance_law"),
    "no_other_terms": ("add_no_conflicting_terms",),
}
COLUMNS = ("commercial", "users", "passing_on", *DUTIES, "outputs", "regions")
_COMMERCIAL = {
    "allowed": ALLOWED,
    "allowed_below_user_threshold": LIMITED,
    "allowed_with_use_restrictions": LIMITED,
    "forbidden": FORBIDDEN,
}
_OUTPUTS = {
    "no_other_llm": FORBIDDEN,
    "research_only_outputs": LIMITED,
    "allowed_with_naming": LIMITED,
    "outputs_can_make_derivative": LIMITED,
}


@dataclass(frozen=True)
class Cell:
    """One thing about one license. `value` is what is asked for exactly, `detail` what more the
    data say of it."""

    word: str
    value: str = ""
    detail: str = ""
    backing: Backing = field(default_factory=Backing)

    @property
    def said(self) -> tuple[str, str, str]:
        """What two licenses have to agree in to be the same here."""
        return (self.word, self.value, self.detail)


Row = Mapping[str, Cell]


@dataclass(frozen=True)
class Change:
    """A column in which a license is not as the one before it."""

    column: str
    before: Cell
    after: Cell


def facts_of(document: Document) -> Facts:
    """The data of a license; of one that only refers to another, that one's."""
    return dict((document.stands_for or document).facts)


def by_fact(license_ids: Iterable[str]) -> dict[str, Document]:
    """The documents of licenses by the ids that the published facts have for them. One query."""
    slugs = {one.replace(".", "-"): one for one in license_ids if one}
    found = Document.objects.filter(slug__in=slugs).select_related("policy", "stands_for__policy")
    return {slugs[one.slug]: one for one in found}


def policy_of(document: Document) -> Facts:
    """The data of the policy that a license takes in."""
    stated = document.stands_for or document
    return dict(stated.policy.facts) if stated.policy is not None else {}


def row(entry: Facts, policy: Facts | None = None) -> Row:
    """Every column for a license. `policy` are the data of the policy that it takes in."""
    return dict(_cells(entry, policy or {}))


def changes(before: Row, after: Row) -> list[Change]:
    return [
        Change(name, before[name], after[name])
        for name in COLUMNS
        if before[name].said != after[name].said
    ]


def category_changes(before: Facts, after: Facts) -> tuple[list[str], list[str]]:
    """The uses that a policy forbids and the one before did not, and the other way round."""
    old = list(before.get("prohibited_use_categories") or [])
    new = list(after.get("prohibited_use_categories") or [])
    return [one for one in new if one not in old], [one for one in old if one not in new]


def exclusions(entry: Facts, policy: Facts) -> list[Facts] | None:
    """The regions that a license or its policy leaves out; None where no data say."""
    if "geographic_exclusions" not in entry:
        return None
    both = [*(entry["geographic_exclusions"] or []), *(policy.get("geographic_exclusions") or [])]
    return list({one["id"]: one for one in both}.values())


def _cells(entry: Facts, policy: Facts) -> Iterator[tuple[str, Cell]]:
    yield "commercial", _commercial(entry)
    yield "users", _users(entry)
    yield "passing_on", _passing_on(entry)
    for name, duties in DUTIES.items():
        yield name, _duty(entry, name, duties)
    yield "outputs", _outputs(entry)
    yield "regions", _regions(entry, policy)


def _commercial(entry: Facts) -> Cell:
    said = str(entry.get("commercial_use") or "")
    backing = clauses.of_field(entry, "commercial_use")
    return Cell(
        _COMMERCIAL.get(said, UNKNOWN), said, str(entry.get("permitted_purpose") or ""), backing
    )


def _users(entry: Facts) -> Cell:
    if "monthly_active_users_threshold" not in entry:
        return Cell(UNKNOWN)
    backing = clauses.of_field(entry, "monthly_active_users_threshold")
    said = entry["monthly_active_users_threshold"]
    if not said:
        return Cell(NOT_ASKED, backing=backing)
    return Cell(LIMITED, str(said["limit"]), str(said.get("above_limit") or ""), backing)


def _passing_on(entry: Facts) -> Cell:
    backing = clauses.of_field(entry, "redistribution_duties")
    if "no_redistribution" in (entry.get("redistribution_duties") or []):
        return Cell(FORBIDDEN, backing=backing)
    if "distribute" in (entry.get("grant") or []):
        return Cell(ALLOWED, backing=clauses.of_field(entry, "grant"))
    if entry.get("open_source_definition_met") is True:
        read = clauses.of_field(entry, "grant", basis=clauses.INTERPRETATION)
        return Cell(ALLOWED, backing=read)
    return Cell(UNKNOWN)


def _duty(entry: Facts, name: str, duties: tuple[str, ...]) -> Cell:
    if "redistribution_duties" not in entry:
        return Cell(UNKNOWN)
    found = [one for one in entry["redistribution_duties"] or [] if one in duties]
    if not found and not (name == "notice" and asks_for_notice(entry)):
        return Cell(NOT_ASKED, backing=clauses.of_field(entry, "redistribution_duties"))
    special = _SPECIAL.get(name)
    value, detail, key = special(entry) if special else ("", "", "redistribution_duties")
    return Cell(ASKED, value, detail, clauses.of_field(entry, key))


def asks_for_notice(entry: Facts) -> bool:
    """Whether a notice or the name of the author stays with what is passed on."""
    return bool((entry.get("attribution_notice") or {}).get("required"))


def _notice(entry: Facts) -> tuple[str, str, str]:
    said = entry.get("attribution_notice") or {}
    return str(said.get("text") or ""), str(said.get("file") or ""), "attribution_notice"


def _display(entry: Facts) -> tuple[str, str, str]:
    said = entry.get("display_duty") or {}
    return str(said.get("text") or ""), str(said.get("trigger") or ""), "display_duty"


def _name(entry: Facts) -> tuple[str, str, str]:
    said = entry.get("derivative_naming") or {}
    return str(said.get("prefix") or ""), str(said.get("trigger") or ""), "derivative_naming"


_SPECIAL: dict[str, Callable[[Facts], tuple[str, str, str]]] = {
    "notice": _notice,
    "display": _display,
    "name": _name,
}


def _outputs(entry: Facts) -> Cell:
    said: Mapping[str, Any] = entry.get("output_training_rule") or {}
    word = _OUTPUTS.get(str(said.get("id") or ""), UNKNOWN)
    backing = clauses.of_field(entry, "output_training_rule")
    return Cell(word, "", str(said.get("summary") or ""), backing)


def _regions(entry: Facts, policy: Facts) -> Cell:
    found = exclusions(entry, policy)
    if found is None:
        return Cell(UNKNOWN)
    backing = clauses.of_field(entry, "geographic_exclusions")
    if not found:
        return Cell(NOT_ASKED, backing=backing)
    regions = "; ".join(str(one.get("region") or "") for one in found)
    scopes = "; ".join(str(one.get("scope") or "") for one in found)
    return Cell(LIMITED, regions, scopes, backing)
