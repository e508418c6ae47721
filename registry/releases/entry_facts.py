"""What the list of models says of a revision that is out: its facets, and the facts of its row.

Read from what everybody may read: the card, the facts of the files, the terms and the verdict.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry.catalog import cards, modalities
from registry.catalog.lineage import Ancestry
from registry.catalog.models import Gated, Repository, Revision, Variant
from registry.catalog.wanted import MAX_VALUE
from registry.checks.models import CheckRun
from registry.releases.models import Release

__all__ = ["Grounds", "facets", "facts", "licenses"]

MAX_OF_A_KEY = 40
# What people call a field of work, by the words that cards use for it
DOMAINS = {
    "biology": ("biology", "bio", "genomics", "protein", "dna"),
    "chemistry": ("chemistry", "molecules"),
    "climate": ("climate", "weather"),
    "code": ("code", "coding", "programming", "code-generation", "sql"),
    "education": ("education", "teaching"),
    "finance": ("finance", "financial", "economics"),
    "law": ("law", "legal"),
    "mathematics": ("math", "maths", "mathematics", "reasoning-math"),
    "medicine": ("medicine", "medical", "clinical", "healthcare", "health", "biomedical"),
    "role-play": ("roleplay", "role-play", "creative-writing", "storytelling"),
    "safety": ("safety", "moderation", "guard", "content-moderation"),
    "science": ("science", "scientific", "physics"),
    "security": ("security", "cybersecurity"),
    "agents": ("agent", "agents", "function-calling", "tool-use", "tools"),
}
# What a model was trained by, by the words that cards and published facts use for it
METHODS = {
    "distillation": ("distillation", "distilled"),
    "dpo": ("dpo",),
    "grpo": ("grpo",),
    "kto": ("kto",),
    "lora": ("lora",),
    "merge": ("merge", "mergekit"),
    "orpo": ("orpo",),
    "ppo": ("ppo",),
    "pretraining": ("pretraining", "continued-pretraining", "pretrained"),
    "pruning": ("pruning",),
    "qat": ("qat", "quantization-aware"),
    "qlora": ("qlora",),
    "rlhf": ("rlhf",),
    "sft": ("sft", "instruction-tuning"),
}
_DOMAIN_OF = {word: name for name, words in DOMAINS.items() for word in words}
_METHOD_OF = {word: name for name, words in METHODS.items() for word in words}
_FORMATS = ("safetensors", "gguf", "pytorch", "onnx", "mlx", "openvino")
_GGUF = re.compile(r"(?:^|[-_.])((?:IQ|Q|TQ)\d[0-9A-Z_]*|BF16|F16|F32)(?=[-_.])", re.IGNORECASE)
_KINDS = ("text", "image", "audio", "video", "speech")
_OF_KIND = {"speech": "audio"}


@dataclass(frozen=True)
class Grounds:
    """All that an entry is read from. `own` is the published model that bears the name; `smoke` is
    the verdict of the smoke test alone, "" where none belongs to the run."""

    repository: Repository
    revision: Revision
    ancestry: Ancestry = field(default_factory=Ancestry)
    own: Variant | None = None
    run: CheckRun | None = None
    smoke: str = ""
    release: Release | None = None
    needs_acceptance: bool = False
    released_at: datetime | None = None
    names: tuple[str, ...] = ()

    @property
    def card(self) -> dict[str, Any]:
        return self.revision.card

    @property
    def variants(self) -> list[Variant]:
        above = [one.variant for one in self.ancestry.ancestors if one.variant is not None]
        return [self.own, *above] if self.own is not None else above


def facets(of: Grounds) -> list[str]:
    """`key:value`, each once, in small letters."""
    said = {
        "family": _family(of),
        "generation": [variant.family.slug for variant in of.variants],
        "task": [of.card.get("pipeline_tag")],
        "modality": _modalities(of),
        "language": _languages(of),
        "domain": [_DOMAIN_OF.get(word) for word in _tags(of)],
        "relation": [relation(of)],
        "format": [name for name in _FORMATS if name in of.revision.tags],
        "quantization": _quantization(of),
        "license": licenses(of.card),
        "access": [access(of)],
        "verdict": [of.run.verdict if of.run is not None else ""],
        "smoke": [of.smoke],
        "method": _methods(of),
        "base": _texts(of.card.get("base_model")),
        "dataset": _texts(of.card.get("datasets")),
    }
    return [f"{key}:{value}" for key, values in said.items() for value in _values(values)]


def facts(of: Grounds) -> dict[str, Any]:
    """What a row of the list says beside names and numbers that are columns."""
    said: dict[str, Any] = {
        "task": str(of.card.get("pipeline_tag") or "")[:MAX_VALUE],
        "licenses": [name[:MAX_VALUE] for name in licenses(of.card)][:5],
        "bases": [name[:MAX_VALUE] for name in _texts(of.card.get("base_model"))][:5],
        "relation": relation(of),
        "access": access(of),
        "verdict": str(of.run.verdict) if of.run is not None else "",
        "version": of.release.version if of.release is not None else "",
        "revision": of.revision.oid,
        "size": of.revision.total_size,
        "dtypes": list(((of.revision.facts.get("safetensors") or {}).get("parameters")) or {})[:8],
        "formats": [name for name in _FORMATS if name in of.revision.tags],
    }
    return {key: value for key, value in said.items() if value}


def licenses(card: dict[str, Any]) -> list[str]:
    """The names of the licenses that a card declares, its own name for `other`."""
    names = _texts(card.get("license"))
    return [str(card.get("license_name") or name) if name == "other" else name for name in names]


def context_length(of: Grounds, config: dict[str, Any]) -> int | None:
    """How many tokens the model reads at once, where its files or published facts say it."""
    of_text = config.get("text_config")
    said = [
        config.get("max_position_embeddings"),
        of_text.get("max_position_embeddings") if isinstance(of_text, dict) else None,
        (of.revision.facts.get("gguf") or {}).get("context_length"),
        of.own.facts.get("context_length") if of.own is not None else None,
    ]
    found = [one for one in said if type(one) is int and 0 < one < 2**40]
    return found[0] if found else None


def relation(of: Grounds) -> str:
    """How the model relates to others; `base` where it comes from none that it names."""
    if not of.card.get("base_model"):
        return "base"
    said = str(of.revision.facts.get("relation") or "")
    return said or cards.relation(of.card, (), of.revision.facts.get("config") or {})


def access(of: Grounds) -> str:
    """What stands between a reader and the files."""
    if of.repository.gated == Gated.MANUAL:
        return "manual"
    if of.repository.gated == Gated.AUTO:
        return "ask"
    return "terms" if of.needs_acceptance else "open"


def _family(of: Grounds) -> list[Any]:
    if of.variants:
        return ["llama"]
    config = of.revision.facts.get("config") or {}
    gguf = of.revision.facts.get("gguf") or {}
    return [config.get("model_type") or gguf.get("architecture")]


def _modalities(of: Grounds) -> set[str]:
    task = str(of.card.get("pipeline_tag") or "").lower()
    found = {_OF_KIND.get(kind, kind) for kind in _KINDS if kind in task}
    if of.own is not None:
        said = of.own.facts.get("modalities") or {}
        found |= {str(one) for side in ("input", "output") for one in said.get(side) or ()}
    if modalities.takes_images(of.revision):
        found.add("image")
    return found or {"text"}


def _languages(of: Grounds) -> list[Any]:
    said = cards.as_list(of.card.get("language"))
    return said or ((of.own.facts.get("languages") or []) if of.own is not None else [])


def _quantization(of: Grounds) -> list[Any]:
    config = of.revision.facts.get("config") or {}
    method = (config.get("quantization_config") or {}).get("quant_method")
    of_files = [
        found.group(1)
        for name in of.names
        if name.lower().endswith(".gguf") and (found := _GGUF.search(name.rsplit("/", 1)[-1]))
    ]
    return [method, *of_files]


def _methods(of: Grounds) -> set[str | None]:
    said = [*_tags(of)]
    if of.own is not None:
        for text in of.own.facts.get("training_methods") or ():
            said += re.findall(r"[\w-]+", str(text).lower())
    found = {_METHOD_OF.get(word) for word in said}
    is_peft = str(of.card.get("library_name") or "").lower() == "peft"
    return found | {"lora"} if is_peft and not found & {"lora", "qlora"} else found


def _tags(of: Grounds) -> list[str]:
    return [text.lower() for text in _texts(of.card.get("tags"))]


def _texts(value: Any) -> list[str]:
    return [one.strip() for one in cards.as_list(value) if isinstance(one, str) and one.strip()]


def _values(said: Iterable[Any]) -> list[str]:
    """As a facet holds them: cards may say anything."""
    cleaned = (str(one).strip().lower() for one in said if isinstance(one, str | int) and one)
    return sorted({one for one in cleaned if 0 < len(one) <= MAX_VALUE})[:MAX_OF_A_KEY]
