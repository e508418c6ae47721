"""What the data of a license say to "may I ...?": yes, under conditions, no, or that they do not say.

Nothing is guessed: what the data do not say is unknown, and each word has the clause, the source and
the confidence of the data that it rests on. A help to read a license, no legal advice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from registry.agreements import clauses, duty_table
from registry.agreements.clauses import INTERPRETATION, Backing, Facts
from registry.agreements.models import Document
from registry.catalog import facts as published


class Word(StrEnum):
    """The answers, the worst first: with several licenses the worst one counts."""

    NO = "no"
    UNKNOWN = "unknown"
    IF = "if"
    YES = "yes"


RELATIONS = ("copy", "quantized", "adapter", "finetune", "merge")
MORE, FEWER = "more", "fewer"
IMAGE, TEXT = "image", "text"
EU = "European Union"
_MILITARY = "military_nuclear_espionage_itar"


@dataclass(frozen=True)
class Asked:
    """A question with what the answer may turn on; each circumstance may be left open."""

    question: str
    relation: str = ""
    users: str = ""
    modality: str = ""
    category: str = ""


@dataclass(frozen=True)
class Reason:
    """A sentence by its name, what stands in it, and what backs it."""

    says: str
    values: Mapping[str, str] = field(default_factory=dict)
    backing: Backing = field(default_factory=Backing)


@dataclass(frozen=True)
class Answer:
    """`reasons` say why, `conditions` what has to be kept to, `conflicts` which sources disagree."""

    word: Word
    reasons: tuple[Reason, ...]
    conditions: tuple[Reason, ...] = ()
    conflicts: tuple[Facts, ...] = ()

    @property
    def confidence(self) -> str:
        """That of the least certain thing which the answer rests on; '' where nothing is said."""
        if self.word == Word.UNKNOWN:
            return ""
        return clauses.least([one.backing.confidence for one in self.reasons])


def ask(document: Document, asked: Asked) -> Answer:
    """The answer of one license."""
    entry = duty_table.facts_of(document)
    policy = duty_table.policy_of(document)
    if not entry:
        return _unknown(Reason("no_data"))
    if by_model := entry.get("by_model"):
        said = [{"model": str(one["model"]), "license": str(one["license"])} for one in by_model]
        return _unknown(Reason("by_model"), *(Reason("of_model", one) for one in said))
    return QUESTIONS[asked.question](entry, policy, asked)


def worst(words: Iterable[Word]) -> Word:
    order = list(Word)
    return min(words, key=order.index, default=Word.UNKNOWN)


def _commercial(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    said = str(entry.get("commercial_use") or "")
    reason = _of(entry, "commercial_use", f"commercial_{said}")
    if said == "allowed":
        return Answer(Word.YES, (reason,))
    if said == "forbidden":
        purpose = str(entry.get("permitted_purpose") or "")
        more = (_of(entry, "permitted_purpose", "purpose", purpose=purpose),) if purpose else ()
        return Answer(Word.NO, (reason, *more))
    if said == "allowed_below_user_threshold":
        return _by_users(entry, asked, reason)
    if said == "allowed_with_use_restrictions":
        return Answer(Word.IF, (reason,), (_restrictions(entry),))
    return _unknown(reason if said == "depends_on_variant" else Reason("not_said"))


def _by_users(entry: Facts, asked: Asked, reason: Reason) -> Answer:
    said = entry["monthly_active_users_threshold"]
    keys = ("window", "counted", "above_limit", "exempt", "measured_at")
    values = {key: str(said.get(key) or "") for key in keys} | {"limit": str(said["limit"])}
    limit = _of(entry, "monthly_active_users_threshold", "users_limit", **values)
    if asked.users == MORE:
        exempt = _of(entry, "monthly_active_users_threshold", "users_exempt", **values)
        return Answer(Word.NO, (limit,), (exempt,) if values["exempt"] else ())
    if asked.users == FEWER:
        return Answer(Word.YES, (reason, limit))
    return Answer(Word.IF, (reason,), (limit,))


def _train_further(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    allowed = _granted(entry, "create derivative works")
    if allowed is None:
        return _unknown(Reason("grant_not_said"))
    return _within_purpose(entry, allowed, ())


def _share(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    """Pass on the model, or what was made of it. The conditions are the rules on derivatives."""
    if "no_redistribution" in (entry.get("redistribution_duties") or []):
        return Answer(Word.NO, (_of(entry, "redistribution_duties", "no_redistribution"),))
    conditions = _duties(entry, asked.relation or "finetune")
    wanted = "distribute" if asked.relation == "copy" else "create derivative works"
    allowed, passed_on = _granted(entry, wanted), _granted(entry, "distribute")
    if allowed is None or passed_on is None:
        return Answer(Word.UNKNOWN, (Reason("grant_not_said"),), conditions)
    return _within_purpose(entry, allowed, conditions)


def _within_purpose(entry: Facts, allowed: Reason, conditions: Sequence[Reason]) -> Answer:
    """A grant for some purposes alone is one under conditions."""
    held = list(conditions)
    if entry.get("commercial_use") == "forbidden":
        held.insert(0, _of(entry, "commercial_use", "commercial_forbidden"))
    elif entry.get("commercial_use") == "allowed_with_use_restrictions":
        held.insert(0, _restrictions(entry))
    if approval := (entry.get("acceptance") or {}).get("approval"):
        held.insert(0, _of(entry, "acceptance", "approval", how=str(approval)))
    return Answer(Word.IF if held else Word.YES, (allowed,), tuple(held))


def _granted(entry: Facts, verb: str) -> Reason | None:
    if verb in (entry.get("grant") or []):
        terms = ", ".join(entry.get("grant_terms") or [])
        return _of(entry, "grant", "granted", verb=verb, terms=terms)
    if entry.get("open_source_definition_met") is True:
        backing = clauses.of_field(entry, "grant", basis=INTERPRETATION)
        return Reason("open_source", {}, backing)
    return None


def _duties(entry: Facts, relation: str) -> tuple[Reason, ...]:
    """What passing this on asks: the rules that name the license, then duties of no rule."""
    license_id = str(entry.get("id") or "")
    rules = [one for one in clauses.rules_for(license_id) if clauses.is_on_passing_on(one)]
    applying = [one for one in rules if relation in (clauses.relations_of(one) or [relation])]
    said = [
        Reason(
            "rule",
            {
                "id": str(rule["id"]),
                "title": str(rule["title"]),
                "words": _words_of(str(rule["id"]), entry),
                "note": str(rule.get("note") or ""),
                "severity": str(rule.get("severity") or ""),
            },
            clauses.of_rule(rule, license_id),
        )
        for rule in applying
    ]
    covered = {duty for rule in rules for duty in _COVERED.get(str(rule["id"]), ())}
    rest = [one for one in entry.get("redistribution_duties") or [] if one not in covered]
    named = [_of(entry, "redistribution_duties", "duty", duty=one) for one in rest]
    notices = duty_table.DUTIES["notice"]
    is_said = any(one in notices for one in entry.get("redistribution_duties") or [])
    if duty_table.asks_for_notice(entry) and not is_said:
        named.append(_of(entry, "attribution_notice", "notice_stays"))
    return (*said, *named)


_NOTICE, _DISPLAY, _NAME = ("keep_notice_file",), ("display_built_with",), ("name_prefix",)
_COVERED: dict[str, tuple[str, ...]] = {
    "license_copy": ("provide_license_copy",),
    "notice_file": _NOTICE,
    "notice_file_adapter": _NOTICE,
    "notice_llama1": ("keep_notice_text",),
    "display_built_with_llama3": _DISPLAY,
    "display_built_with_llama": _DISPLAY,
    "name_prefix_llama3": _NAME,
    "name_prefix_llama": _NAME,
    "name_prefix_quantized": _NAME,
    "acceptable_use_flow_down": ("follow_acceptable_use_policy",),
    "rail_restrictions": ("pass_on_use_restrictions",),
    "gemma_terms": ("pass_on_use_restrictions",),
}


def _words_of(rule_id: str, entry: Facts) -> str:
    """The exact words that a duty asks for."""
    fields: dict[tuple[str, ...], str] = {
        _NOTICE: "attribution_notice",
        _DISPLAY: "display_duty",
        _NAME: "derivative_naming",
    }
    duties = _COVERED.get(rule_id, ())
    key = "attribution_notice" if rule_id == "notice_llama1" else fields.get(duties, "")
    said: Mapping[str, Any] = entry.get(key) or {}
    return str(said.get("text") or said.get("prefix") or "")


def _outputs(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    said = entry.get("output_training_rule") or {}
    words = {
        "no_other_llm": Word.NO,
        "research_only_outputs": Word.IF,
        "allowed_with_naming": Word.IF,
        "outputs_can_make_derivative": Word.IF,
    }
    word = words.get(str(said.get("id") or ""), Word.UNKNOWN)
    if not said.get("summary"):
        return _unknown(Reason("not_said"))
    reason = _of(entry, "output_training_rule", "summary", summary=str(said["summary"]))
    prefix = str((entry.get("derivative_naming") or {}).get("prefix") or "")
    held: tuple[Reason, ...] = ()
    if said.get("id") == "allowed_with_naming" and prefix:
        held = (_of(entry, "derivative_naming", "prefix", prefix=prefix),)
    elif said.get("id") == "research_only_outputs":
        held = (_of(entry, "commercial_use", "commercial_forbidden"),)
    return Answer(word, (reason,), held)


def _eu(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    found = duty_table.exclusions(entry, policy)
    if found is None:
        return _unknown(Reason("not_said"))
    key = "geographic_exclusions"
    here = [one for one in found if one.get("region") == EU]
    others = tuple(
        _of(entry, key, "excluded", **_excluded(one)) for one in found if one not in here
    )
    if not here:
        return Answer(Word.YES, (_of(entry, key, "no_region"),), others)
    reasons = tuple(_of(entry, key, "excluded", **_excluded(one)) for one in here)
    exempt = tuple(
        _of(entry, key, "exempt", who=str(one["exempt"])) for one in here if one.get("exempt")
    )
    by_modality = {TEXT: Word.YES, IMAGE: Word.NO}
    is_partial = all("multimodal" in str(one.get("scope")) for one in here)
    if not is_partial:
        return Answer(Word.NO, reasons, exempt)
    return Answer(by_modality.get(asked.modality, Word.IF), reasons, (*exempt, *others))


def _excluded(one: Facts) -> dict[str, str]:
    values = {
        key: str(one.get(key) or "") for key in ("region", "scope", "effect", "where_written")
    }
    return values | {"who": ", ".join(one.get("who") or [])}


def _use_for(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    """A use by its category. That no policy forbids it makes it neither lawful nor allowed."""
    listed = policy.get("prohibited_use_categories")
    military = asked.category == _MILITARY and listed is not None
    conflicts = _conflicts("military-clause") if military else ()
    if listed is not None and asked.category in listed:
        values = {"policy": str(policy.get("title") or ""), "use": description_of(asked.category)}
        backing = clauses.of_field(policy, "prohibited_use_categories")
        return Answer(Word.NO, (Reason("forbidden_use", values, backing),), (), conflicts)
    if listed is not None:
        values = {"policy": str(policy.get("title") or "")}
        backing = clauses.of_field(policy, "prohibited_use_categories")
        return _unknown(Reason("use_not_listed", values, backing))
    if uses := entry.get("prohibited_uses"):
        said = [_of(entry, "prohibited_uses", "forbidden_here", use=str(use)) for use in uses]
        return _unknown(Reason("uses_in_own_words"), *said)
    if entry.get("commercial_use") == "allowed_with_use_restrictions":
        return _unknown(_restrictions(entry))
    if entry.get("open_source_definition_met") is True:
        return _unknown(_of(entry, "open_source_definition_met", "no_field_of_use"))
    return _unknown(Reason("not_said"))


def _relicense(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    if "same_license_for_derivatives" in (entry.get("redistribution_duties") or []):
        return Answer(Word.NO, (_of(entry, "redistribution_duties", "same_license"),))
    owned = str(entry.get("ownership_of_derivatives") or "")
    license_id = str(entry.get("id") or "")
    rules = [one for one in clauses.rules_for(license_id) if one["id"] == "license_not_looser"]
    held = tuple(
        Reason("not_looser", {"note": str(one.get("note") or "")}, clauses.of_rule(one, license_id))
        for one in rules
    )
    if not owned:
        return Answer(Word.UNKNOWN, (Reason("not_said"),), held)
    reason = _of(entry, "ownership_of_derivatives", "summary", summary=owned)
    return Answer(Word.IF, (reason,), held)


def _any_name(entry: Facts, policy: Facts, asked: Asked) -> Answer:
    said = entry.get("derivative_naming")
    if said is None:
        return _unknown(Reason("not_said"))
    license_id = str(entry.get("id") or "")
    brand = [one for one in clauses.rules_for(license_id) if one["id"] == "no_publisher_brand"]
    held = tuple(
        Reason("brand", {"title": str(one["title"])}, clauses.of_rule(one, license_id))
        for one in brand
    )
    if said.get("required"):
        prefix = _of(entry, "derivative_naming", "prefix", prefix=str(said.get("prefix") or ""))
        return Answer(Word.NO, (prefix,), held)
    reason = _of(entry, "derivative_naming", "no_naming_duty")
    return Answer(Word.IF if held else Word.YES, (reason,), held)


QUESTIONS: dict[str, Callable[[Facts, Facts, Asked], Answer]] = {
    "commercial": _commercial,
    "train_further": _train_further,
    "share": _share,
    "outputs": _outputs,
    "eu": _eu,
    "name": _any_name,
    "relicense": _relicense,
    "use": _use_for,
}


def categories() -> list[Facts]:
    return list(published.read()["acceptable_use_categories"])


def description_of(category: str) -> str:
    found = (one["description"] for one in categories() if one["id"] == category)
    return str(next(found, category))


def _restrictions(entry: Facts) -> Reason:
    said = str(entry.get("use_restrictions") or "")
    return _of(entry, "use_restrictions", "use_restrictions", said=said)


def _conflicts(conflict_id: str) -> tuple[Facts, ...]:
    return tuple(one for one in published.read()["known_conflicts"] if one["id"] == conflict_id)


def _of(entry: Facts, key: str, says: str, **values: str) -> Reason:
    return Reason(says, values, clauses.of_field(entry, key))


def _unknown(*reasons: Reason) -> Answer:
    return Answer(Word.UNKNOWN, reasons)
