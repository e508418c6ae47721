"""Whether config.json is of a family we know and of a size that can be (CFG-PARSE, CFG-ARCH, CFG-LIMITS)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import dirname
from typing import Any

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder, Problem, joined
from registry.checks.scanners.stored import Stored, Tensors, weights_in

FAMILIES = ("Llama", "Llama 3.2 Vision (Mllama)", "Llama 4")
MODEL_TYPES = ("llama", "mllama", "mllama_text_model", "llama4", "llama4_text")
ARCHITECTURES = (
    "LlamaForCausalLM",
    "MllamaForConditionalGeneration",
    "MllamaForCausalLM",
    "Llama4ForConditionalGeneration",
    "Llama4ForCausalLM",
)
PARAMETER_TOLERANCE = 0.01

_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors|pytorch_model(-.*)?\.bin")
_LIMITS = {
    "num_hidden_layers": (1, 512),
    "hidden_size": (1, 65_536),
    "intermediate_size": (1, 1_048_576),
    "num_attention_heads": (1, 1024),
    "num_key_value_heads": (1, 1024),
    "head_dim": (1, 65_536),
    "vocab_size": (1, 2_000_000),
    "max_position_embeddings": (1, 2**25),
    "num_local_experts": (1, 1024),
    "num_experts_per_tok": (1, 1024),
}
_NEEDED = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")


@dataclass(frozen=True)
class Model:
    """A folder with weights for transformers, or a configuration of such."""

    folder: str
    config: dict[str, Any] | None
    stored: Stored

    @property
    def tensors(self) -> Tensors | None:
        """None unless every header could be read."""
        return self.stored.tensors

    @property
    def config_path(self) -> str:
        return joined(self.folder, "config.json")

    @property
    def is_plain_llama(self) -> bool:
        return self.config is not None and self.config.get("model_type") == "llama"


def models_of(folder: Folder) -> list[Model]:
    """Every folder that holds the weights of a model; a dataset needs none and has none."""
    if folder.is_dataset:
        return []
    places = {
        dirname(file.path)
        for file in folder.files
        if _WEIGHTS.fullmatch(file.path.rsplit("/", 1)[-1])
    }
    places |= {
        dirname(file.path) for file in folder.files if file.path.rsplit("/", 1)[-1] == "config.json"
    }
    return [
        Model(place, _config(folder, place), weights_in(folder, place)) for place in sorted(places)
    ]


def check_parse(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config_path not in folder.by_path:
            yield block(
                "CFG-PARSE",
                f"There are weights but no {show(model.config_path)}.",
                file=model.config_path,
            )
        elif model.config is None:
            yield block(
                "CFG-PARSE", f"{show(model.config_path)} cannot be read.", file=model.config_path
            )


def check_arch(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config is None:
            continue
        kind, names = model.config.get("model_type"), model.config.get("architectures")
        foreign = []
        if kind not in MODEL_TYPES:
            foreign.append(kind)
        if not isinstance(names, list) or not names:
            foreign.append("a model without architectures")
        else:
            foreign += [name for name in names if name not in ARCHITECTURES]
        for item in foreign:
            yield block(
                "CFG-ARCH",
                f"{show(item)} is not one of {', '.join(FAMILIES)}.",
                file=model.config_path,
            )


def check_limits(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config is None:
            continue
        problems = limit_problems(model)
        for where, why in problems:
            yield block(
                "CFG-LIMITS",
                f"{show(model.config_path)}: {show(where)} {why}.",
                file=model.config_path,
                where=where,
            )
        if not problems and model.is_plain_llama and (finding := _parameter_finding(model)):
            yield finding


def parameters_of(config: dict[str, Any]) -> int:
    """How many numbers a text Llama of this configuration has."""
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    heads, kv_heads, head = heads_of(config)
    inner, vocabulary = config.get("intermediate_size", 11_008), config["vocab_size"]
    attention = hidden * head * (heads + 2 * kv_heads) + heads * head * hidden
    if config.get("attention_bias"):
        attention += head * (heads + 2 * kv_heads) + hidden
    mlp = 3 * hidden * inner + ((2 * inner + hidden) if config.get("mlp_bias") else 0)
    total = layers * (attention + mlp + 2 * hidden) + hidden + vocabulary * hidden
    return int(total if config.get("tie_word_embeddings") else total + vocabulary * hidden)


def heads_of(config: dict[str, Any]) -> tuple[int, int, int]:
    """Heads, key-value heads and the size of a head, with the defaults that loaders fill in."""
    heads = config["num_attention_heads"]
    return (
        heads,
        config.get("num_key_value_heads") or heads,
        config.get("head_dim") or config["hidden_size"] // heads,
    )


def limit_problems(model: Model) -> list[tuple[str, str]]:
    """Keys whose values no real model has, each with the reason."""
    return list(_limit_problems(model))


def _limit_problems(model: Model) -> Iterator[tuple[str, str]]:
    config = model.config or {}
    parts = [config] if model.is_plain_llama else [config.get("text_config", config)]
    for part in [*parts, config.get("vision_config", {})]:
        if not isinstance(part, dict):
            yield "text_config", "is not an object"
            return
        for key, (least, most) in _LIMITS.items():
            value = part.get(key)
            if value is not None and (type(value) is not int or not least <= value <= most):
                yield key, f"is {show(value)}, but must be a whole number from {least} to {most}"
    if not model.is_plain_llama:
        return
    missing = [key for key in _NEEDED if type(config.get(key)) is not int]
    for key in missing:
        yield key, "is missing"
    if missing or any(config[key] < 1 for key in _NEEDED):
        return
    heads, kv_heads, _ = heads_of(config)
    if not config.get("head_dim") and config["hidden_size"] % heads:
        yield "hidden_size", f"does not divide into {heads} heads"
    if type(kv_heads) is int and kv_heads > 0 and heads % kv_heads:
        yield "num_key_value_heads", f"is {kv_heads}, which does not divide {heads} heads"


def _parameter_finding(model: Model) -> Finding | None:
    if not model.tensors or model.config is None or model.config.get("quantization_config"):
        return None
    said = parameters_of(model.config)
    held = sum(
        tensor.elements for name, (_, tensor) in model.tensors.items() if not is_buffer(name)
    )
    if model.config.get("tie_word_embeddings") and "lm_head.weight" in model.tensors:
        held -= model.tensors["lm_head.weight"][1].elements
    if abs(held - said) <= PARAMETER_TOLERANCE * said:
        return None
    return block(
        "CFG-LIMITS",
        f"config says {said} parameters, the files hold {held}.",
        file=model.config_path,
        value=held,
        threshold=said,
    )


def is_buffer(name: str) -> bool:
    """Values that old versions of the library saved and new ones compute."""
    return name.endswith("rotary_emb.inv_freq")


def _config(folder: Folder, place: str) -> dict[str, Any] | None:
    path = joined(place, "config.json")
    if path not in folder.by_path:
        return None
    try:
        value = folder.json(path)
    except Problem:
        return None
    return value if isinstance(value, dict) else None
