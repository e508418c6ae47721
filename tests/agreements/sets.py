"""Terms of revisions whose card holds given lines."""

from typing import Any

from registry.agreements import terms
from registry.agreements.terms import Item, Terms
from registry.catalog import cards
from registry.catalog.models import Revision
from tests import factories

BASE = "meta-llama/Llama-3.1-8B"
SEEING = "meta-llama/Llama-3.2-11B-Vision"
READING = "meta-llama/Llama-3.2-3B"


def revision_of(card: str, owner: Any = None, name: str = "", **files: str) -> Revision:
    repository = factories.make_repository(owner, name)
    return factories.make_revision(
        repository, files={"README.md": f"---\n{card}\n---\n", "model.safetensors": name} | files
    )


def released(card: str, owner: Any, name: str) -> Any:
    repository = factories.make_repository(owner, name)
    files = {"README.md": f"---\n{card}\n---\n", "model.safetensors": f"weights of {name}"}
    return factories.make_released(repository, files=files)


def terms_of_card(card: str, owner: Any = None, **files: str) -> Terms:
    revision = revision_of(card, owner, **files)
    return terms.of_revision(revision.repository, revision)


def slugs(found: Terms) -> list[str]:
    return [item.version.document.slug for item in found.items]


def item_of(found: Terms, slug: str) -> Item:
    return next(item for item in found.items if item.version.document.slug == slug)


def judged(card: str) -> Terms:
    """Of a revision whose card nobody judged when it was made."""
    revision = revision_of("license: mit")
    revision.card = cards.parse(f"---\n{card}\n---\n")
    return terms.of_revision(revision.repository, revision)
