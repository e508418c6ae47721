"""The conditions of rules by name: whether one holds, does not, or cannot be told (None)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from registry.agreements.duties import licenses
from registry.agreements.duties.asking import Question

Holds = Callable[[Any, Question], bool | None]


@dataclass(frozen=True)
class Predicate:
    """`of_root` is one that is asked for each root by itself; `of_requester` one that is about who
    asks for a download."""

    holds: Holds
    of_root: bool = False
    of_requester: bool = False


PREDICATES: dict[str, Predicate] = {}


def _predicate(
    name: str, *, of_root: bool = False, of_requester: bool = False
) -> Callable[[Holds], Holds]:
    def register(holds: Holds) -> Holds:
        PREDICATES[name] = Predicate(holds, of_root, of_requester)
        return holds

    return register


def _equal(name: str, read: Callable[[Question], Any], *, of_requester: bool = False) -> None:
    """A condition that compares one fact with what the data says."""

    @_predicate(name, of_requester=of_requester)
    def holds(wanted: Any, asked: Question) -> bool | None:
        known = read(asked)
        return None if known is None else bool(known == wanted)


def _within(name: str, read: Callable[[Question], Any]) -> None:
    """A condition that looks for one fact in a list of the data."""

    @_predicate(name)
    def holds(wanted: Any, asked: Question) -> bool | None:
        known = read(asked)
        return None if known is None else known in wanted


def _meets(name: str, read: Callable[[Question], Iterable[str] | None]) -> None:
    """A condition that any of several facts is in a list of the data."""

    @_predicate(name)
    def holds(wanted: Any, asked: Question) -> bool | None:
        known = read(asked)
        return None if known is None else bool(set(known) & set(wanted))


_equal("distributed", lambda asked: asked.situation.distributed)
_equal("is_large_language_model", lambda asked: asked.situation.is_large_language_model)
_equal("is_derivative", lambda asked: asked.situation.is_derivative)
_equal("contains_full_weights", lambda asked: asked.situation.contains_full_weights)
_equal("any_ancestor_gated", lambda asked: asked.situation.any_ancestor_gated)
_equal("action", lambda asked: asked.situation.action)
_equal("requester_kind", lambda asked: asked.situation.requester_kind, of_requester=True)
_equal("requester_role", lambda asked: asked.situation.requester_role, of_requester=True)
_equal("received_as", lambda asked: asked.situation.received_as, of_requester=True)
_within("relation_in", lambda asked: asked.situation.relation)
_meets("event_in", lambda asked: asked.situation.events)
_meets("any_ancestor_license_in", lambda asked: asked.situation.ancestor_licenses)
_meets("trained_on_outputs_of_license_in", lambda asked: asked.situation.trained_on_outputs_of)


@_predicate("event")
def _event(wanted: Any, asked: Question) -> bool | None:
    events = asked.situation.events
    return None if events is None else wanted in events


@_predicate("root_license_in", of_root=True)
def _root_license_in(wanted: Any, asked: Question) -> bool | None:
    return None if asked.root is None else asked.root.license in wanted


@_predicate("root_policy_in", of_root=True)
def _root_policy_in(wanted: Any, asked: Question) -> bool | None:
    return None if asked.root is None else licenses.policy_of(asked.root.license) in wanted


@_predicate("root_duties_include", of_root=True)
def _root_duties_include(wanted: Any, asked: Question) -> bool | None:
    if asked.root is None:
        return None
    return wanted in licenses.of(asked.root.license).get("redistribution_duties", [])


@_predicate("root_license_says", of_root=True)
def _root_license_says(wanted: Any, asked: Question) -> bool | None:
    """Whether the facts of the license have anything at this path."""
    if asked.root is None:
        return None
    return bool(licenses.at(f"licenses[{licenses.ROOT}].{wanted}", asked.root))


@_predicate("root_variant_input_modalities_include", of_root=True)
def _modalities(wanted: Any, asked: Question) -> bool | None:
    if asked.root is None or asked.root.modalities is None:
        return None
    return wanted in asked.root.modalities


@_predicate("any_ancestor_license_commercial_use")
def _ancestor_use(wanted: Any, asked: Question) -> bool | None:
    ancestors = asked.situation.ancestor_licenses
    if ancestors is None:
        return None
    return any(licenses.commercial_use(one) == wanted for one in ancestors)


@_predicate("owner_is_not")
def _owner_is_not(wanted: Any, asked: Question) -> bool | None:
    owner = asked.situation.owner
    return None if owner is None else owner.lower() != str(wanted).lower()


@_predicate("card_or_name_mentions_any")
def _mentions(wanted: Any, asked: Question) -> bool | None:
    name, card = asked.situation.repository_name, asked.situation.card_text
    said = _plain(f"{name or ''} {card or ''}")
    if any(_plain(word) in said for word in wanted):
        return True
    return None if name is None or card is None else False


def _plain(text: str) -> str:
    """Lower case, with one space between words: a name writes them with hyphens."""
    return " ".join(text.lower().replace("-", " ").replace("_", " ").split())


@_predicate("front_matter_has")
def _front_matter_has(wanted: Any, asked: Question) -> bool | None:
    card = asked.situation.front_matter
    return None if card is None else wanted in card


@_predicate("front_matter_value")
def _front_matter_value(wanted: Any, asked: Question) -> bool | None:
    """The value of the key that `front_matter_has` of the same rule names."""
    card = asked.situation.front_matter
    return None if card is None else card.get(asked.rule.conditions["front_matter_has"]) == wanted
