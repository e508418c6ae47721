"""What the rules look at, as plain data: a fact that nobody knows is None, never a guess."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN_LICENSE = "unknown"
INHERITED_LICENSE = "inherited"


@dataclass(frozen=True)
class File:
    """A file of the revision. `text` is None where it was not read; `normalised` is the hash of its
    words alone, as stored texts have one, or ''."""

    text: str | None = None
    normalised: str = ""


@dataclass(frozen=True)
class Root:
    """A license at the top of the lineage: its id in the facts file, or `unknown`.

    `version` is the version of its text that the site would pin. `modalities` is what the official
    model takes in, None where that is not known. A root that only a card's tag tells of is not
    verified. `path` names the models that lead there.
    """

    license: str
    version: str = ""
    modalities: frozenset[str] | None = None
    is_verified: bool = True
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Situation:
    """One model, and where the question is of a download, who asks.

    `texts` are the hashes of the words of the stored texts, by the id of their document. `recorded`
    says what the site has on record, by the name of the check that asks. `events` is what happened
    to a license; none is the empty set.
    """

    roots: tuple[Root, ...] | None = None
    relation: str | None = None
    distributed: bool | None = None
    repository_name: str | None = None
    owner: str | None = None
    files: Mapping[str, File] | None = None
    card_text: str | None = None
    front_matter: Mapping[str, Any] | None = None
    declared_licenses: tuple[str, ...] | None = None
    ancestor_licenses: tuple[str, ...] | None = None
    parent_licenses: tuple[str, ...] | None = None
    any_ancestor_gated: bool | None = None
    trained_on_outputs_of: tuple[str, ...] | None = None
    is_large_language_model: bool | None = None
    is_derivative: bool | None = None
    contains_full_weights: bool | None = None
    lineage_is_cut: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    declared_purpose: str | None = None
    action: str | None = None
    events: frozenset[str] | None = frozenset()
    requester_kind: str | None = None
    requester_country: str | None = None
    requester_role: str | None = None
    received_as: str | None = None
    monthly_active_users: int | None = None
    recorded: Mapping[str, bool | None] = field(default_factory=dict)
