"""What a model takes in besides text, by its configuration, its task and published facts."""

from typing import Any

from registry.catalog.lineage import Parent
from registry.catalog.models import Revision, Variant

IMAGE, TEXT = "image", "text"
# What a card's `pipeline_tag` says of the input
_TASKS = frozenset(
    {
        "any-to-any",
        "depth-estimation",
        "document-question-answering",
        "image-classification",
        "image-feature-extraction",
        "image-segmentation",
        "image-text-to-image",
        "image-text-to-text",
        "image-text-to-video",
        "image-to-3d",
        "image-to-image",
        "image-to-text",
        "image-to-video",
        "keypoint-detection",
        "mask-generation",
        "object-detection",
        "video-classification",
        "video-text-to-text",
        "visual-document-retrieval",
        "visual-question-answering",
        "zero-shot-image-classification",
        "zero-shot-object-detection",
    }
)
# Configurations of models that see, beside those with a part for it of their own
_TYPES = frozenset({"mllama", "llama4"})


def takes_images(revision: Revision) -> bool:
    """Whether the files or the card of a revision say that it takes images."""
    config = revision.facts.get("config") or {}
    return (
        IMAGE in (revision.facts.get("inputs") or ())
        or config.get("model_type") in _TYPES
        or _task(revision.card) in _TASKS
    )


def inputs_of(variant: Variant) -> frozenset[str] | None:
    """What a published model takes in; None where the facts do not say."""
    said = (variant.facts.get("modalities") or {}).get("input")
    return frozenset(map(str, said)) if said else None


def parent_takes_images(parent: Parent) -> bool:
    """Whether a model that another comes from takes images: by either account of it."""
    by_facts = parent.variant is not None and IMAGE in (inputs_of(parent.variant) or ())
    return by_facts or (parent.revision is not None and takes_images(parent.revision))


def _task(card: dict[str, Any]) -> str:
    return str(card.get("pipeline_tag") or "").strip().lower()
