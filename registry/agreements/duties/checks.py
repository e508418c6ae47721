"""What rules require, by name: each check finds it, misses it, or cannot tell for want of a fact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from registry.agreements.duties import licenses, normal
from registry.agreements.duties.asking import Question


class Remedy(NamedTuple):
    """What would meet the duty: `kind` is one that `releases.mending` can do, or "" where only
    people can. `value` is the license, text, key or prefix that it is about."""

    kind: str
    value: str
    words: str


class Found(NamedTuple):
    """What a check saw, in words that say where it looked."""

    holds: bool | None
    words: str
    remedies: tuple[Remedy, ...] = ()


Look = Callable[[Mapping[str, Any], Question], Found]


@dataclass(frozen=True)
class Check:
    """`of_requester` is one that looks at who asks for a download."""

    look: Look
    takes: frozenset[str]
    of_requester: bool = False


class Named(dict[str, Check]):
    """The checks of one module, by the names that the data calls them."""

    def check(self, name: str, *takes: str, of_requester: bool = False) -> Callable[[Look], Look]:
        """Give a function its name, and the arguments that it takes."""

        def register(look: Look) -> Look:
            self[name] = Check(look, frozenset(takes), of_requester)
            return look

        return register


CHECKS = Named()


def recorded(name: str, asked: Question, *, yes: str, no: str, unknown: str) -> Found:
    """What the site has on record under the name of a check."""
    known = asked.situation.recorded.get(name)
    if known is None:
        return Found(None, unknown)
    return Found(known, yes if known else no)


@CHECKS.check("name_starts_with", "field", "prefix", "prefix_from", "normalise")
def _name_starts_with(wanted: Mapping[str, Any], asked: Question) -> Found:
    name = asked.situation.repository_name
    prefix = wanted.get("prefix") or licenses.at(wanted["prefix_from"], asked.root)
    if name is None or not prefix:
        return Found(
            None, "The name of the repository, or the words it has to begin with, are not known."
        )
    steps = wanted.get("normalise", [])
    if normal.apply(steps, name).startswith(normal.apply(steps, prefix)):
        return Found(True, f"The name {name} begins with “{prefix}”.")
    words = f"Rename the repository so that its name begins with “{prefix}”."
    return Found(
        False,
        f"The name {name} does not begin with “{prefix}”.",
        (Remedy("name", prefix, words),),
    )


@CHECKS.check("name_does_not_start_with", "field", "prefix", "normalise")
def _name_does_not_start_with(wanted: Mapping[str, Any], asked: Question) -> Found:
    name, prefix = asked.situation.repository_name, wanted["prefix"]
    if name is None:
        return Found(None, "The name of the repository is not known.")
    steps = wanted.get("normalise", [])
    if not normal.apply(steps, name).startswith(normal.apply(steps, prefix)):
        return Found(True, f"The name {name} does not begin with “{prefix}”.")
    rest = name[len(prefix) :].lstrip("-_. ")
    words = f"Rename the repository without “{prefix}” in front."
    if rest:
        words = f"Rename the repository without “{prefix}” in front, to {rest}."
    return Found(False, f"The name {name} begins with “{prefix}”.", (Remedy("name", "", words),))


@CHECKS.check("front_matter_has", "key")
def _front_matter_has(wanted: Mapping[str, Any], asked: Question) -> Found:
    card, key = asked.situation.front_matter, wanted["key"]
    if card is None:
        return Found(None, "The front matter of README.md is not known.")
    if card.get(key) not in (None, "", []):
        return Found(True, f"The card says {key}.")
    words = f"Add `{key}` to the front matter of README.md."
    return Found(False, f"The front matter of README.md has no {key}.", (Remedy("", key, words),))


@CHECKS.check("front_matter_value_in", "key", "values")
def _front_matter_value_in(wanted: Mapping[str, Any], asked: Question) -> Found:
    card, key = asked.situation.front_matter, wanted["key"]
    if card is None:
        return Found(None, "The front matter of README.md is not known.")
    if card.get(key) in wanted["values"]:
        return Found(True, f"The card says {key}: {card[key]}.")
    choices = ", ".join(str(value) for value in wanted["values"])
    words = f"Set `{key}` in the front matter of README.md to one of: {choices}."
    said = f"The front matter of README.md has no {key}."
    if card.get(key):
        said = f"The front matter of README.md says {key}: {card[key]}."
    return Found(False, said, (Remedy("card", key, words),))


@CHECKS.check("field_present", "field")
def _field_present(wanted: Mapping[str, Any], asked: Question) -> Found:
    name = wanted["field"]
    if name not in asked.situation.fields:
        return Found(None, f"Whether the model states its {name} is not known.")
    if value := asked.situation.fields[name]:
        return Found(True, f"The files state {name}: {value}.")
    words = f"State {name}: in config.json, in the header of the GGUF file, or in the card."
    return Found(
        False,
        f"Neither config.json, the headers of the weights nor the card state {name}.",
        (Remedy("", name, words),),
    )


@CHECKS.check("country_not_in", "countries", "subject", of_requester=True)
def _country_not_in(wanted: Mapping[str, Any], asked: Question) -> Found:
    country = asked.situation.requester_country
    if country is None:
        return Found(None, f"The {wanted['subject']} is not known.")
    if country in wanted["countries"]:
        return Found(False, f"{country} is among the countries to which no right is given.")
    return Found(True, f"{country} is outside the countries to which no right is given.")


@CHECKS.check("attestation_recorded", "statement", of_requester=True)
def _attestation_recorded(wanted: Mapping[str, Any], asked: Question) -> Found:
    """A stated number of users answers as well as a statement: by the limit of the license."""
    users = asked.situation.monthly_active_users
    limit = licenses.at(
        f"licenses[{licenses.ROOT}].monthly_active_users_threshold.limit", asked.root
    )
    if users is not None and limit is not None:
        if users > limit:
            words = "A separate license from the publisher is needed first."
            return Found(
                False,
                f"{users:,} users are above the limit of {limit:,}.",
                (Remedy("", "", words),),
            )
        return Found(True, f"{users:,} users are not above the limit of {limit:,}.")
    return recorded(
        "attestation_recorded",
        asked,
        yes=f"It is attested: {wanted['statement']}.",
        no="A separate license from the publisher is needed first.",
        unknown=f"Nobody has attested yet: {wanted['statement']}.",
    )


@CHECKS.check("acceptance_recorded", "key", "status", of_requester=True)
def _acceptance_recorded(wanted: Mapping[str, Any], asked: Question) -> Found:
    return recorded(
        "acceptance_recorded",
        asked,
        yes="An acceptance of exactly these texts is on record.",
        no="No acceptance of exactly these texts is on record.",
        unknown="Whether an acceptance is on record was not looked up.",
    )


@CHECKS.check("declared_purpose_in", "values")
def _declared_purpose_in(wanted: Mapping[str, Any], asked: Question) -> Found:
    purpose = asked.situation.declared_purpose
    if purpose is None:
        return Found(None, "No purpose is declared.")
    choices = ", ".join(wanted["values"])
    return Found(
        purpose in wanted["values"], f"The declared purpose is “{purpose}”; allowed: {choices}."
    )


@CHECKS.check("publisher_approval_recorded")
def _publisher_approval(wanted: Mapping[str, Any], asked: Question) -> Found:
    return recorded(
        "publisher_approval_recorded",
        asked,
        yes="The publisher's approval is on record.",
        no="The publisher did not approve.",
        unknown="No approval by the publisher of the base is on record here.",
    )


@CHECKS.check("steward_review_recorded")
def _steward_review(wanted: Mapping[str, Any], asked: Question) -> Found:
    return recorded(
        "steward_review_recorded",
        asked,
        yes="A steward has looked at it.",
        no="A steward has to look at it; none has so far.",
        unknown="Whether a steward has looked at it is not known.",
    )


@CHECKS.check("grants_revoked", "scope")
def _grants_revoked(wanted: Mapping[str, Any], asked: Question) -> Found:
    return recorded(
        "grants_revoked",
        asked,
        yes="The grants are revoked.",
        no=f"Grants are in force still, of {wanted['scope']}.",
        unknown="Whether the grants are revoked was not looked up.",
    )


@CHECKS.check("deletion_task_opened", "confirm_by")
def _deletion_task(wanted: Mapping[str, Any], asked: Question) -> Found:
    return recorded(
        "deletion_task_opened",
        asked,
        yes="The licensee was asked to confirm the deletion.",
        no=f"Nobody asked for a deletion that the {wanted['confirm_by']} confirms.",
        unknown="Whether a deletion was asked for was not looked up.",
    )
