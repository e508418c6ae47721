"""The terms of a revision: which document versions a download needs, and the hash of that set."""

from dataclasses import dataclass
from typing import Any

from registry.agreements import documents
from registry.agreements.models import Document, DocumentVersion
from registry.audit import canonical
from registry.catalog.models import Repository, Revision


@dataclass(frozen=True)
class Item:
    """One document of the set, in one version, and why it is there."""

    version: DocumentVersion
    why: str

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
        }


@dataclass(frozen=True)
class Terms:
    """The set for one repository. `problem` says why nothing can be released under it, or ''."""

    repository: str
    items: tuple[Item, ...]
    problem: str = ""

    @property
    def needs_acceptance(self) -> bool:
        return any(item.version.document.needs_acceptance for item in self.items)

    def as_json(self) -> dict[str, Any]:
        """The set as it is pinned, shown and hashed."""
        return {
            "schema": 1,
            "repository": self.repository,
            "documents": [item.as_json() for item in self.items],
            "needs_acceptance": self.needs_acceptance,
        }

    @property
    def hash(self) -> str:
        return hash_of(self.as_json())


def of_revision(repository: Repository, revision: Revision) -> Terms:
    """The terms that a release of this revision would be under, as things stand now."""
    items: list[Item] = []
    if (policy := documents.site_policy()) is not None:
        items.append(_item(policy, "Every download from this site is under its own policy."))
    named = documents.licenses_of_card(revision.card)
    unknown = [name for name in named if isinstance(name, str)]
    for document in named:
        if isinstance(document, Document):
            items.append(_item(document, "The model card names this license."))
            if document.policy is not None:
                items.append(_item(document.policy, f"{document.title} includes this policy."))
    return Terms(repository.public_id, tuple(items), _problem(named, unknown))


def hash_of(terms: dict[str, Any]) -> str:
    """The terms hash: SHA-256 over the set as canonical JSON."""
    return canonical.digest(terms)


def versions_in(terms: dict[str, Any]) -> list[DocumentVersion]:
    """The document versions that a pinned set names, in its order."""
    hashes = [(item["document"], item["sha256"]) for item in terms["documents"]]
    found = {
        (version.document.public_id, version.sha256): version
        for version in DocumentVersion.objects.select_related("document").filter(
            sha256__in=[sha256 for _, sha256 in hashes]
        )
    }
    return [found[key] for key in hashes]


def _item(document: Document, why: str) -> Item:
    return Item(documents.current(document), why)


def _problem(named: list[Document | str], unknown: list[str]) -> str:
    if not named:
        return "The model card names no license. Add `license: …` to the front matter of README.md."
    if unknown:
        return (
            f"The license {unknown[0]!r} is not known here, so nobody can be asked to accept it. "
            "Correct `license` (or `license_name`) in README.md, or ask a steward to add it."
        )
    return ""
