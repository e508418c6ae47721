"""What the duties of a revision are judged by: its lineage, files, card and terms, read once."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from registry.agreements import documents, licenses, wording
from registry.agreements import terms as terms_of
from registry.agreements.duties import licenses as facts_of
from registry.agreements.duties.checks_of_files import (
    LICENSE_NAMES,
    NOTICE_NAMES,
    POLICY_NAMES,
    named,
)
from registry.agreements.duties.situation import UNKNOWN_LICENSE, File, Root, Situation
from registry.agreements.licenses import Licensed, Licenses
from registry.agreements.models import DocumentVersion
from registry.agreements.terms import Terms
from registry.catalog import cards, files, lineage, modalities
from registry.catalog.files import FileEntry
from registry.catalog.lineage import Ancestry, Parent
from registry.catalog.models import Gated, Repository, Revision
from registry.errors import EntryMissing
from registry.storage import blobs

CARD = "README.md"
MAX_NAMES = 2000
MAX_TEXTS = 40
MAX_TEXT = 256 * 1024
MAX_CARD = 1024 * 1024
# Of all texts but the card: whoever opens the page of duties waits for as long as reading takes
MOST_BYTES = 1024 * 1024
_COPIES = (*LICENSE_NAMES, *POLICY_NAMES)
_READ = (CARD, *LICENSE_NAMES, *NOTICE_NAMES, *POLICY_NAMES, "*.md", "*.txt")
# Tasks and classes of models that write text
_LANGUAGE = frozenset(
    {"text-generation", "text2text-generation", "image-text-to-text", "conversational"}
)
_WEIGHTS = frozenset({"safetensors", "gguf", "pytorch"})


def of_revision(revision: Revision, *, terms: Terms | None = None) -> Situation:
    """The situation of a revision as things stand, offered to the outside. `terms` are those of the
    revision where they were read already."""
    known = getattr(revision, "duty_situation", None)
    if isinstance(known, Situation):
        return known
    made = _read(revision, terms or terms_of.of_revision(revision.repository, revision))
    revision.duty_situation = made  # type: ignore[attr-defined]
    return made


def of_beginning(repository: Repository, card: dict[str, Any]) -> Situation:
    """The situation of a model of which there is a name and what its card will say, and nothing
    else yet. The repository need not be stored."""
    ancestry = lineage.of(repository, card)
    found = licenses.licenses_of(ancestry, card)
    is_derivative = bool(cards.as_list(card.get("base_model")))
    relation = cards.relation(card, (), {}) if is_derivative else "none"
    return Situation(
        roots=tuple(_root_to_be(one) for one in found.roots),
        relation=relation,
        distributed=True,
        repository_name=repository.name,
        owner=repository.namespace.name,
        files={},
        card_text="",
        front_matter=card | {"gated": _gated(repository, found)},
        declared_licenses=_declared(found),
        ancestor_licenses=_ancestors(ancestry, found),
        parent_licenses=_parents(ancestry, found),
        any_ancestor_gated=_any_gated(ancestry, found),
        trained_on_outputs_of=(),
        is_large_language_model=True,
        is_derivative=is_derivative,
        contains_full_weights=relation != "adapter",
        lineage_is_cut=ancestry.is_cut or found.is_cut,
        texts=_texts(found),
        action="release",
    )


def of_card(revision: Revision, card: dict[str, Any], prose: str) -> Situation:
    """The situation of a revision's files under another card, which is not written yet."""
    begun = of_beginning(revision.repository, card)
    return replace(begun, files=_files(revision), card_text=prose)


def _root_to_be(one: Licensed) -> Root:
    parents = [parent for parent in one.parents if parent.is_root]
    sees = any(modalities.parent_takes_images(parent) for parent in parents)
    version = documents.in_force(one.document)
    return Root(
        license=facts_of.id_of(one.document.slug),
        version=version.version if version is not None else "",
        modalities=frozenset({modalities.TEXT} | ({modalities.IMAGE} if sees else set())),
        is_verified=one.is_verified,
        path=tuple(dict.fromkeys(parent.shown or parent.name for parent in parents)),
    )


def _read(revision: Revision, terms: Terms) -> Situation:
    ancestry, found = terms.ancestry, terms.licenses
    versions = {item.version.document_id: item.version for item in terms.items}
    held = _files(revision)
    relation = _relation(revision, held)
    trained = _trained_on(revision)
    return Situation(
        roots=tuple(_root(one, revision, versions) for one in found.roots),
        relation=relation,
        distributed=True,
        repository_name=revision.repository.name,
        owner=revision.repository.namespace.name,
        files=held,
        card_text=_prose(held),
        front_matter=revision.card | {"gated": _gated(revision.repository, found)},
        declared_licenses=_declared(found),
        ancestor_licenses=_ancestors(ancestry, found),
        parent_licenses=_parents(ancestry, found),
        any_ancestor_gated=_any_gated(ancestry, found),
        trained_on_outputs_of=trained,
        is_large_language_model=_is_language_model(revision),
        is_derivative=bool(cards.as_list(revision.card.get("base_model"))) or relation == "adapter",
        contains_full_weights=relation != "adapter" and bool(_WEIGHTS & set(revision.tags)),
        lineage_is_cut=ancestry.is_cut or found.is_cut,
        fields={"quantization.scheme": _scheme(revision)},
        texts=_texts(found),
        action="release",
        recorded={"steward_review_recorded": False},
    )


def _root(one: Licensed, revision: Revision, versions: dict[int, DocumentVersion]) -> Root:
    """What the model itself takes in counts like what the official one does: a text model that
    learns to see is multimodal."""
    parents = [parent for parent in one.parents if parent.is_root]
    sees = modalities.takes_images(revision) or any(
        modalities.parent_takes_images(parent) for parent in parents
    )
    known = {modalities.TEXT} | ({modalities.IMAGE} if sees else set())
    return Root(
        license=facts_of.id_of(one.document.slug),
        version=(versions.get(one.document.pk) or documents.current(one.document)).version,
        modalities=frozenset(known),
        is_verified=one.is_verified,
        path=tuple(dict.fromkeys(parent.shown or parent.name for parent in parents)),
    )


def _relation(revision: Revision, held: dict[str, File]) -> str:
    """How the model was made from others; `none` for one that declares no base."""
    if cards.as_list(revision.card.get("base_model")):
        said = str(revision.facts.get("relation") or "")
        return said or cards.relation(revision.card, held, revision.facts.get("config") or {})
    return "adapter" if "adapter_config.json" in held else "none"


def _files(revision: Revision) -> dict[str, File]:
    """The names in the root and in LICENSES/, with the words of the texts among them."""
    entries = _listed(revision, "") + _listed(revision, "LICENSES")
    held = {entry.path: File() for entry in entries}
    copies = named(held, _COPIES)
    # What duties ask for first, so that other texts take none of its room
    first = [*named(held, (CARD, *NOTICE_NAMES)), *copies, *named(held, _READ)]
    to_read = list(dict.fromkeys(first))[:MAX_TEXTS]
    by_path, left = {entry.path: entry for entry in entries}, MOST_BYTES
    for entry in (by_path[path] for path in to_read):
        if entry.path == CARD and entry.size <= MAX_CARD:
            held[CARD] = _file(entry, is_copy=False)
        elif entry.path != CARD and entry.size <= min(left, MAX_TEXT):
            left -= entry.size
            held[entry.path] = _file(entry, is_copy=entry.path in copies)
    return held


def _listed(revision: Revision, folder: str) -> list[FileEntry]:
    try:
        found = files.page(revision, folder, size=MAX_NAMES)
    except EntryMissing:
        return []
    return [entry for entry in found if isinstance(entry, FileEntry)]


def _file(entry: FileEntry, *, is_copy: bool) -> File:
    """A text; of one that may be a copy of a license also which words it has."""
    raw = blobs.read(entry.sha256, limit=MAX_CARD)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return File()
    return File(text=text, normalised=wording.hash_of(text) if is_copy else "")


def _prose(held: dict[str, File]) -> str:
    card = held.get(CARD)
    return cards.split(card.text)[1] if card is not None and card.text is not None else ""


def _declared(found: Licenses) -> tuple[str, ...]:
    known = [facts_of.id_of(one.document.slug) for one in found.known if one.is_declared]
    return (*known, *(source.tag for source in found.unknown if source.parent is None))


def _of_parent(parent: Parent, found: Licenses) -> list[str]:
    """The licenses that a model is under by its own account; `unknown` where there is none."""
    own = [facts_of.id_of(one.document.slug) for one in found.known if parent in one.parents]
    if parent in found.silent or any(source.parent == parent for source in found.unknown):
        own.append(UNKNOWN_LICENSE)
    return own


def _ancestors(ancestry: Ancestry, found: Licenses) -> tuple[str, ...]:
    """The license of each model above. Of a base that is not here, the model's own tag tells."""
    names = [one for parent in ancestry.ancestors for one in _of_parent(parent, found)]
    if ancestry.own_unknown:
        names += _declared(found) or (UNKNOWN_LICENSE,)
    return tuple(dict.fromkeys(names))


def _parents(ancestry: Ancestry, found: Licenses) -> tuple[str, ...]:
    names = [one for parent in ancestry.parents for one in _of_parent(parent, found)]
    if ancestry.own_unknown:
        names.append(UNKNOWN_LICENSE)
    return tuple(dict.fromkeys(names))


def _gated(repository: Repository, found: Licenses) -> str | bool:
    """What the wire calls gated of this model."""
    if repository.gated == Gated.MANUAL:
        return "manual"
    policy = documents.site_policy()
    asks = policy is not None and policy.needs_acceptance
    asks = asks or any(one.document.needs_acceptance for one in found.known)
    return "auto" if asks or repository.gated else False


def _any_gated(ancestry: Ancestry, found: Licenses) -> bool:
    locked = any(one.repository and one.repository.gated for one in ancestry.ancestors)
    return locked or any(one.parents and one.document.needs_acceptance for one in found.known)


def _trained_on(revision: Revision) -> tuple[str, ...] | None:
    """The licenses of the models whose output this one learned from, as its card declares them;
    None where it names what nobody knows."""
    if not cards.as_list(revision.card.get(lineage.OUTPUTS)):
        return ()
    found = licenses.outputs_of(revision.repository, revision.card)
    known = tuple(facts_of.id_of(one.document.slug) for one in found.known)
    return known if known or not (found.unknown or found.silent) else None


def _is_language_model(revision: Revision) -> bool | None:
    """Whether it writes text, by its task or its architecture; None where neither says."""
    if task := revision.card.get("pipeline_tag"):
        return task in _LANGUAGE
    config = revision.facts.get("config") or {}
    if names := config.get("architectures"):
        return any("LM" in name or "ConditionalGeneration" in name for name in names)
    return True if "gguf" in revision.facts else None


def _scheme(revision: Revision) -> str:
    """How the weights were quantized, as the configuration, the card or the file header says it."""
    config = revision.facts.get("config") or {}
    said = (config.get("quantization_config") or {}).get("quant_method")
    card = revision.card.get("quantization")
    card = card.get("scheme") if isinstance(card, dict) else card
    architecture = (revision.facts.get("gguf") or {}).get("architecture")
    return str(said or card or (f"GGUF, {architecture}" if architecture else ""))


def _texts(found: Licenses) -> dict[str, frozenset[str]]:
    """The hashes of the words of every stored text that a copy may be of."""
    wanted: dict[int, str] = {}
    for one in found.known:
        for document in filter(None, (one.document, one.document.policy)):
            wanted[document.pk] = facts_of.id_of(document.slug)
    rows: Iterable[tuple[int, str]] = (
        DocumentVersion.objects.filter(document__in=wanted)
        .exclude(normalised="")
        .values_list("document_id", "normalised")
    )
    held: dict[str, set[str]] = {}
    for key, normalised in rows:
        held.setdefault(wanted[key], set()).add(normalised)
    return {name: frozenset(hashes) for name, hashes in held.items()}
