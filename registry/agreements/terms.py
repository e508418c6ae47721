"""The terms of a revision: which document versions a download needs, and the hash of that set."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry.agreements import attested, documents, linked
from registry.agreements.attested import Subject
from registry.agreements.licenses import LINK, Licensed, Licenses, licenses_of, outputs_of
from registry.agreements.models import Document, DocumentVersion
from registry.audit import canonical
from registry.catalog import lineage, modalities, questions
from registry.catalog.lineage import Ancestry, Parent
from registry.catalog.models import Repository, Revision

__all__ = [
    "Item",
    "Terms",
    "asks_something",
    "hash_of",
    "licenses_of",
    "of_revision",
    "origins",
    "outputs_of",
    "prompt_of",
    "versions_in",
]

SCHEMA = 2
MAX_SAID = 3


@dataclass(frozen=True)
class Item:
    """One document of the set, in one version, and why it is there. `inherited_from` are the models
    that bring it along; it is `unverified` where only the tag of a card says so."""

    version: DocumentVersion
    why: str
    inherited_from: tuple[Parent, ...] = ()
    unverified: bool = False

    def as_json(self) -> dict[str, Any]:
        version, document = self.version, self.version.document
        return {
            "document": document.public_id,
            "slug": document.slug,
            "kind": document.kind,
            "title": document.title,
            "version": version.version,
            "sha256": version.sha256,
            "text": version.has_text,
            "official_url": document.official_url,
            "needs_acceptance": document.needs_acceptance,
            "why": self.why,
            "inherited_from": origins(self.inherited_from),
            "unverified": self.unverified,
        }


@dataclass(frozen=True)
class Terms:
    """The set for one repository. `problem` says why nothing can be released under it, or ''.

    `prompt` is what the publisher shows and asks, `attestations` what the licenses ask people to
    state. `ancestry` and `licenses` are what it was computed from.
    """

    repository: str
    items: tuple[Item, ...]
    problem: str = ""
    prompt: dict[str, Any] | None = None
    attestations: tuple[dict[str, Any], ...] = ()
    ancestry: Ancestry = field(default_factory=Ancestry)
    licenses: Licenses = field(default_factory=Licenses)

    @property
    def needs_acceptance(self) -> bool:
        if any(item.version.document.needs_acceptance for item in self.items):
            return True
        # Whom a license shuts out is asked of whoever accepts, and of nobody else
        if any(one["kind"] == attested.REGION for one in self.attestations):
            return True
        return asks_something(self.prompt)

    def as_json(self) -> dict[str, Any]:
        """The set as it is pinned, shown and hashed."""
        return {
            "schema": SCHEMA,
            "repository": self.repository,
            "documents": [item.as_json() for item in self.items],
            "needs_acceptance": self.needs_acceptance,
            "prompt": self.prompt,
            "attestations": list(self.attestations),
        }

    @property
    def hash(self) -> str:
        return hash_of(self.as_json())


def of_revision(
    repository: Repository, revision: Revision, *, now: datetime | None = None
) -> Terms:
    """The terms that a release of this revision would be under, as things stand now. The same
    whoever asks."""
    ancestry = lineage.of_revision(revision)
    licenses = licenses_of(ancestry, revision.card, linked=linked.license_of(revision))
    items, problem = _versions(_entries(licenses, ancestry), now)
    versions = {item.version.document_id: item.version for item in items}
    subjects = [
        Subject(one.document, versions[one.document.pk])
        for one in licenses.known
        if one.document.pk in versions
    ]
    return Terms(
        repository.public_id,
        tuple(items),
        _problem(licenses, ancestry) or problem,
        prompt_of(revision),
        tuple(attested.statements(subjects, _inputs(revision, ancestry))),
        ancestry,
        licenses,
    )


def hash_of(terms: dict[str, Any]) -> str:
    """The terms hash: SHA-256 over the set as canonical JSON."""
    return canonical.digest(terms)


def versions_in(terms: dict[str, Any]) -> list[DocumentVersion]:
    """The document versions that a pinned set names, in its order. Sets of any schema."""
    hashes = [(item["document"], item["sha256"]) for item in terms["documents"]]
    found = {
        (version.document.public_id, version.sha256): version
        for version in DocumentVersion.objects.select_related("document").filter(
            sha256__in=[sha256 for _, sha256 in hashes]
        )
    }
    return [found[key] for key in hashes]


def prompt_of(revision: Revision) -> dict[str, Any] | None:
    """What the publisher shows and asks, as it is pinned. None where the card has nothing of the
    kind."""
    shown = questions.of_revision(revision).as_json()
    return shown if any(shown.values()) else None


def asks_something(prompt: dict[str, Any] | None) -> bool:
    """Whether a publisher's prompt has to be agreed to or answered by a person."""
    if prompt is None:
        return False
    asked = [one for one in prompt["questions"] if one["kind"] != "ip_location"]
    return bool(prompt["text"] or asked)


@dataclass
class _Entry:
    """A document on its way into the set."""

    document: Document
    why: str
    parents: dict[str, Parent] = field(default_factory=dict)
    is_verified: bool = True


def _entries(licenses: Licenses, ancestry: Ancestry) -> list[_Entry]:
    """The documents of the set, each once: the site's policy, then each license with its own."""
    found: dict[int, _Entry] = {}
    if (policy := documents.site_policy()) is not None:
        why = "Every download from this site is under its own policy."
        found[policy.pk] = _Entry(policy, why)
    for one in licenses.known:
        why = _why(one, ancestry)
        _add(found, one.document, why, one)
        brought = one.document.policy or one.named.policy
        if brought is not None:
            _add(found, brought, f"{one.document.title} includes this policy.", one)
    return list(found.values())


def _add(found: dict[int, _Entry], document: Document, why: str, license_: Licensed) -> None:
    is_new = document.pk not in found
    entry = found.setdefault(document.pk, _Entry(document, why))
    entry.is_verified = license_.is_verified or (entry.is_verified and not is_new)
    for parent in license_.parents:
        entry.parents.setdefault(parent.shown.lower(), parent)


def _why(license_: Licensed, ancestry: Ancestry) -> str:
    from_others = _said(parent.shown for parent in license_.parents)
    refers = license_.named.pk != license_.document.pk
    if license_.is_declared:
        why = "The model card names this license."
        if license_.sources[0].tag == LINK:
            why = "The link to the license in the model card leads to its text."
        elif refers:
            why = f"The model card names “{license_.named.title}”, which refers to this license."
        if from_others:
            why = f"{why} It is inherited from {from_others} too."
    elif refers:
        why = (
            f"Inherited from {from_others}, whose “{license_.named.title}” refers to this license."
        )
    else:
        why = f"Inherited from {from_others}, which this model comes from."
    if license_.is_verified:
        return why
    return f"{why} Only the tag says so: {_said(_unknown(license_, ancestry))} is not known here."


def _unknown(license_: Licensed, ancestry: Ancestry) -> list[str]:
    """Of what the card or cards that name the license come, and nobody here knows."""
    found: list[str] = []
    for source in license_.sources:
        if source.parent is None:
            found += ancestry.own_unknown
        else:
            # What the card of a private one names is its own affair
            known = source.parent.unknown if source.parent.public_id else ()
            found += known or [f"a base of {source.parent.shown}"]
    return list(dict.fromkeys(found))


def _said(names: Iterable[str]) -> str:
    each = list(dict.fromkeys(names))
    if len(each) > MAX_SAID:
        return f"{', '.join(each[:MAX_SAID])} and {len(each) - MAX_SAID} more"
    return " and ".join([", ".join(each[:-1]), each[-1]] if len(each) > 1 else each)


def origins(parents: Iterable[Parent]) -> list[dict[str, str]]:
    """Models that another comes from, as they may be said to whoever sees that one."""
    return [{"repository": one.public_id, "name": one.shown} for one in parents]


def _versions(entries: list[_Entry], now: datetime | None) -> tuple[list[Item], str]:
    """Each document in its version in force, and what is wrong where one has none."""
    items, problem = [], ""
    found = documents.in_force_of([entry.document for entry in entries], now=now)
    for entry in entries:
        version = found.get(entry.document.pk)
        if version is None:
            problem = problem or documents.none_in_force(entry.document)
            continue
        parents = tuple(entry.parents.values())
        items.append(Item(version, entry.why, parents, not entry.is_verified))
    return items, problem


def _inputs(revision: Revision, ancestry: Ancestry) -> set[str]:
    """What the model takes in, or something that it comes from."""
    sees = modalities.takes_images(revision) or any(
        modalities.parent_takes_images(one) for one in ancestry.ancestors
    )
    return {modalities.TEXT, modalities.IMAGE} if sees else {modalities.TEXT}


def _problem(licenses: Licenses, ancestry: Ancestry) -> str:
    own = [one for one in licenses.unknown if one.parent is None]
    if own:
        return documents.why_unknown(own[0].tag)
    if not any(one.is_declared for one in licenses.known):
        return "The model card names no license. Add `license: …` to the front matter of README.md."
    for source in licenses.unknown:
        if source.parent is not None:
            return (
                f"{source.parent.shown}, which this model comes from, is under a license that is "
                f"not known here. Ask a steward to add it, or the owner to correct the card."
            )
    if licenses.silent:
        return (
            f"{licenses.silent[0].shown}, which this model comes from, names no license, so nobody "
            "knows what its users would have to accept."
        )
    if ancestry.is_cut or licenses.is_cut:
        return (
            f"The card, or one of those that it leads to, names more than is followed here "
            f"({lineage.MAX_BASES} bases each, {lineage.MAX_DEPTH} generations, "
            f"{lineage.MAX_ANCESTORS} models in all), so not all terms can be known."
        )
    return ""
