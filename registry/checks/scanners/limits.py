"""Whether a configuration is of a size that can be, and that of the files (CFG-LIMITS), before anything is built."""

from collections.abc import Iterator, Mapping
from typing import Any

from registry.checks.findings import Finding, block, show
from registry.checks.scanners import families, parameters
from registry.checks.scanners.config import Model, models_of
from registry.checks.scanners.folder import Folder

PARAMETER_TOLERANCE = 0.01
MAX_LAYERS = 512

_RANGES = {
    "num_hidden_layers": (1, MAX_LAYERS),
    "num_global_layers": (0, MAX_LAYERS),
    "hidden_size": (1, 65_536),
    "intermediate_size": (1, 1_048_576),
    "intermediate_size_mlp": (1, 1_048_576),
    "num_attention_heads": (1, 1024),
    "num_key_value_heads": (1, 1024),
    "head_dim": (1, 65_536),
    "vocab_size": (1, 2_000_000),
    "max_position_embeddings": (1, 2**25),
    "attention_chunk_size": (1, 2**25),
    "num_local_experts": (1, 1024),
    "num_experts_per_tok": (1, 1024),
    "interleave_moe_layer_step": (1, MAX_LAYERS),
    "no_rope_layer_interval": (1, MAX_LAYERS),
    "num_channels": (1, 64),
    "image_size": (1, 16_384),
    "patch_size": (1, 1024),
    "vision_output_dim": (1, 1_048_576),
    "max_num_tiles": (1, 64),
    "projector_input_dim": (1, 65_536),
    "projector_output_dim": (1, 65_536),
}
_YES_OR_NO = ("tie_word_embeddings", "attention_bias", "mlp_bias")
_LAYER_LISTS = ("cross_attention_layers", "moe_layers", "intermediate_layers_indices")
# What every configuration of a plain Llama says; without it, loaders would guess.
_SAID = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")


def check(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config is None or not families.is_known(model.config):
            continue  # CFG-PARSE and CFG-ARCH have said so
        if model.is_family_alone:
            continue
        problems = problems_of(model.config)
        for where, why in problems:
            yield block(
                "CFG-LIMITS",
                f"{show(model.config_path)}: {show(where)} {why}.",
                file=model.config_path,
                where=where,
            )
        if not problems and (finding := parameter_finding(model)):
            yield finding


def problems_of(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Keys whose values no real model has, each with the reason. Nothing may be built unless empty."""
    parts = families.parts_of(config)
    if parts is None:
        return [("text_config", "and vision_config are not what its model_type needs")]
    if parts.kind == "llama":
        missing = [(key, "is missing") for key in _SAID if config.get(key) is None]
        if missing:
            return missing
    text_defaults, vision_defaults = families.DEFAULTS[parts.kind]
    found = list(_out_of_range(parts.text, text_defaults))
    if parts.vision is not None:
        found += [
            (f"vision_config.{key}", why)
            for key, why in _out_of_range(parts.vision, vision_defaults or {})
        ]
    # What fits together is asked of numbers alone.
    return found or [*_of_text(parts.text), *_of_vision(parts)]


def _out_of_range(
    part: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for key, (least, most) in _RANGES.items():
        value = part.get(key)
        if value is None and type(defaults.get(key)) is int:
            yield key, "is missing"
        elif value is not None and (type(value) is not int or not least <= value <= most):
            yield key, f"is {show(value)}, but must be a whole number from {least} to {most}"
    for key in _YES_OR_NO:
        if not isinstance(part.get(key), bool | None):
            yield key, f"is {show(part[key])}, but must be true or false"
    for key in _LAYER_LISTS:
        value = part.get(key)
        if value is not None and not _is_list_of_counts(value, MAX_LAYERS):
            yield key, "is not a list of layers"
        elif value is None and isinstance(defaults.get(key), list):
            yield key, "is missing"


def _of_text(text: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    heads, kv_heads, _ = parameters.heads_of(text)
    layers = text["num_hidden_layers"]
    if text["hidden_size"] % heads:
        yield "hidden_size", f"does not divide into {heads} heads"
    if heads % kv_heads:
        yield "num_key_value_heads", f"is {kv_heads}, which does not divide {heads} heads"
    for key in ("cross_attention_layers", "moe_layers"):
        if any(number >= layers for number in text.get(key) or []):
            yield key, f"names a layer that is not among the {layers}"
    experts, chosen = text.get("num_local_experts"), text.get("num_experts_per_tok")
    if experts is not None and chosen is not None and chosen > experts:
        yield "num_experts_per_tok", f"is {chosen}, but there are {experts} experts"


def _of_vision(parts: families.Parts) -> Iterator[tuple[str, str]]:
    vision = parts.vision
    if vision is None:
        return
    if vision["patch_size"] > vision["image_size"]:
        yield "vision_config.patch_size", "is larger than the picture"
    if vision["hidden_size"] % vision["num_attention_heads"]:
        heads = vision["num_attention_heads"]
        yield "vision_config.hidden_size", f"does not divide into {heads} heads"
    if parts.kind != "mllama":
        return
    if not _are_ratios(vision["supported_aspect_ratios"], vision["max_num_tiles"]):
        yield "vision_config.supported_aspect_ratios", "is not a list of pairs that the tiles fit"
    layers = vision["num_hidden_layers"]
    seen = vision["intermediate_layers_indices"]
    if any(number >= layers for number in seen):
        yield "vision_config.intermediate_layers_indices", "names a layer that is not there"
    needed = vision["hidden_size"] * (1 + len(seen))
    if vision["vision_output_dim"] != needed:
        said = vision["vision_output_dim"]
        yield "vision_config.vision_output_dim", f"is {said}, but the layers give {needed}"


def _is_list_of_counts(value: Any, most: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(type(item) is int and 0 <= item < most for item in value)
    )


def _are_ratios(value: Any, tiles: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 1024
        and all(
            _is_list_of_counts(pair, tiles + 1)
            and len(pair) == 2
            and 0 < pair[0] * pair[1] <= tiles
            for pair in value
        )
    )


def parameter_finding(model: Model) -> Finding | None:
    if model.tensors is None or model.config is None or model.config.get("quantization_config"):
        return None
    said = parameters.parameters_of(model.config)
    held = sum(
        tensor.elements
        for name, (_, tensor) in model.tensors.items()
        if not is_buffer(name) and not (is_tied(model.config) and name.endswith("lm_head.weight"))
    )
    if abs(held - said) <= PARAMETER_TOLERANCE * said:
        return None
    return block(
        "CFG-LIMITS",
        f"config says {said} parameters, the files hold {held}.",
        file=model.config_path,
        value=held,
        threshold=said,
    )


def is_tied(config: Mapping[str, Any]) -> bool:
    """Whether the head is the embedding once more; Mllama always has a head of its own."""
    parts = families.parts_of(config)
    return (
        parts is not None
        and not parts.kind.startswith("mllama")
        and parts.text.get("tie_word_embeddings") is True
    )


def is_buffer(name: str) -> bool:
    """Values that old versions of the library saved and new ones compute."""
    return name.endswith("rotary_emb.inv_freq")
