"""What a model is, as lists and info answers say it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.accounts.callers import NOBODY, Caller
from registry.catalog import cards, files, lineage
from registry.catalog.files import FileEntry
from registry.catalog.models import Repository, RepositoryType, Revision, Visibility
from registry.errors import Invalid
from registry.hub import lookup, safety, wire
from registry.hub.tree import pointer_size
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.releases.evidence import MASK

# The last part of an architecture's name, and the task of what loads with it
AUTO_CLASSES = {
    "ForCausalLM": "text-generation",
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMaskedLM": "fill-mask",
    "ForConditionalGeneration": "",
    "Model": "feature-extraction",
}


@dataclass(frozen=True)
class Model:
    """A repository as it stands for the caller at one revision."""

    repository: Repository
    revision: Revision
    gated: str | bool
    is_disabled: bool = False
    hashes: Collection[str] | None = frozenset()  # those that are shown; None for all
    files: tuple[FileEntry, ...] | None = None
    with_blobs: bool = False
    caller: Caller = NOBODY

    @property
    def card(self) -> dict[str, Any]:
        return self.revision.card


def _text(key: str) -> Callable[[Model], Any]:
    def read(model: Model) -> Any:
        value = model.card.get(key)
        return value if isinstance(value, str) else None

    return read


def _siblings(model: Model) -> list[dict[str, Any]] | None:
    if model.files is None:
        return None
    return [_sibling(file, model) for file in model.files]


def _sibling(file: FileEntry, model: Model) -> dict[str, Any]:
    item: dict[str, Any] = {"rfilename": file.path}
    if model.with_blobs:
        item |= {"size": file.size, "blobId": file.oid}
        if file.is_lfs:
            item["lfs"] = {
                "sha256": file.sha256
                if model.hashes is None or file.sha256 in model.hashes
                else MASK,
                "size": file.size,
                "pointerSize": pointer_size(file),
            }
    return item


def _base_models(model: Model) -> dict[str, Any] | None:
    bases = cards.as_list(model.card.get("base_model"))
    relation = model.revision.facts.get("relation")
    if not bases or not relation:
        return None
    return {"relation": relation, "models": [{"id": str(base)} for base in bases]}


def _transformers(model: Model) -> dict[str, Any] | None:
    """Which class of transformers loads it, as the name of the architecture says it."""
    facts = model.revision.facts
    for name in facts.get("config", {}).get("architectures", []):
        head = next((head for head in AUTO_CLASSES if name.endswith(head)), None)
        if head is not None:
            said = {
                "auto_model": "AutoModel" if head == "Model" else f"AutoModel{head}",
                "pipeline_tag": _text("pipeline_tag")(model) or AUTO_CLASSES[head],
                "processor": facts.get("processor"),
            }
            return {key: value for key, value in said.items() if value}
    return None


def _fact(name: str) -> Callable[[Model], Any]:
    return lambda model: model.revision.facts.get(name)


# A field without data is left out of the answer.
FIELDS: dict[str, Callable[[Model], Any]] = {
    "author": lambda m: m.repository.namespace.name,
    "baseModels": _base_models,
    "cardData": lambda m: m.card,
    "childrenModelCount": lambda m: lineage.children_count(m.repository, caller=m.caller),
    "config": _fact("config"),
    "createdAt": lambda m: wire.time(m.repository.created_at),
    "disabled": lambda m: m.is_disabled,
    "downloads": lambda m: m.repository.downloads,
    "downloadsAllTime": lambda m: m.repository.downloads,
    "evalResults": lambda m: None,
    "gated": lambda m: m.gated,
    "gguf": _fact("gguf"),
    "inference": lambda m: None,
    "inferenceProviderMapping": lambda m: None,
    "lastModified": lambda m: wire.time(m.revision.committed_at),
    "library_name": _text("library_name"),
    "likes": lambda m: m.repository.likes,
    "mask_token": lambda m: None,
    "model-index": lambda m: m.card.get("model-index"),
    "pipeline_tag": _text("pipeline_tag"),
    "private": lambda m: m.repository.visibility == Visibility.PRIVATE,
    "resourceGroup": lambda m: None,
    "safetensors": _fact("safetensors"),
    "sha": lambda m: m.revision.oid,
    "siblings": _siblings,
    "spaces": lambda m: [],
    "tags": lambda m: m.revision.tags,
    "transformersInfo": _transformers,
    "trendingScore": lambda m: m.repository.trending,
    "usedStorage": lambda m: m.revision.total_size,
    "widgetData": lambda m: None,
    "xetEnabled": lambda m: False,
}
# What clients may ask of datasets, and nothing is known of
OF_DATASETS = ("citation", "description", "mainSize", "paperswithcode_id")
IN_INFO = [
    "author",
    "sha",
    "lastModified",
    "createdAt",
    "private",
    "gated",
    "disabled",
    "downloads",
    "likes",
    "tags",
    "pipeline_tag",
    "library_name",
    "cardData",
    "config",
    "transformersInfo",
    "safetensors",
    "gguf",
    "model-index",
    "usedStorage",
    "spaces",
    "siblings",
]
NEEDS_FILES = {"siblings"}


@wire.endpoint("GET")
def info(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}: what is known of a repository"""
    return _answer(request, lookup.for_api(request, repo_id, kind))


@wire.endpoint("GET")
def revision_info(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """GET /api/{type}s/{id}/revision/{rev}: what is known of a revision"""
    return _answer(request, lookup.revision(request, repo_id, kind, revision))


def _answer(request: WireRequest, found: lookup.Found) -> HttpResponse:
    chosen = wanted_fields(request, found.repository.type)
    names = IN_INFO if chosen is None else chosen
    model = Model(
        found.repository,
        found.revision,
        gated=gated(found),
        hashes=found.hashes,
        files=tuple(files.files_of(found.revision)) if NEEDS_FILES.intersection(names) else None,
        with_blobs=wire.flag(request, "blobs"),
        caller=request.caller,
    )
    answer = described(model, names)
    if chosen is None:
        answer["modelId"] = found.repository.full_name
    if wire.flag(request, "securityStatus"):
        answer["securityRepoStatus"] = safety.of_repository(found.revision)
    return wire.json_answer(answer)


def described(model: Model, names: list[str]) -> dict[str, Any]:
    """The named fields of a model, with its id."""
    values = {name: FIELDS[name](model) for name in names if name in FIELDS}
    return {"_id": model.repository.public_id, "id": model.repository.full_name} | {
        name: value for name, value in values.items() if value is not None
    }


def wanted_fields(request: HttpRequest, kind: str) -> list[str] | None:
    """The fields that `expand` asks for, None where it is not used."""
    names = wire.values(request, "expand")
    known = [*FIELDS, *(OF_DATASETS if kind == RepositoryType.DATASET else ())]
    if any(name not in known for name in names):
        raise Invalid(f'"expand" must be one of [{", ".join(known)}]')
    if names and any(wire.flag(request, name) for name in ("full", "cardData", "config")):
        raise Invalid('"expand" cannot be used together with full, cardData or config.')
    return names or None


def gated(found: lookup.Found) -> str | bool:
    """What the terms and the publisher ask of readers."""
    asks = gate.asks_acceptance(found.revision, found.answer.release)
    return gate.gated(found.repository, asks=asks)
