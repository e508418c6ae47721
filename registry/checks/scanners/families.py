"""The parts of a configuration, with the values that loaders fill in where it says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# What the classes of the library start from; tests hold these against them.
_LLAMA = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 11_008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "head_dim": None,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "mlp_bias": False,
}
_MLLAMA_TEXT = {
    "vocab_size": 128_256,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38],
    "tie_word_embeddings": False,
}
_MLLAMA_VISION = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_global_layers": 8,
    "attention_heads": 16,
    "num_channels": 3,
    "image_size": 448,
    "patch_size": 14,
    "vision_output_dim": 7680,
    "max_num_tiles": 4,
    "intermediate_layers_indices": [3, 7, 15, 23, 30],
    "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]],
}
_LLAMA4_TEXT = {
    "vocab_size": 202_048,
    "hidden_size": 5120,
    "intermediate_size": 8192,
    "intermediate_size_mlp": 16_384,
    "num_hidden_layers": 48,
    "num_attention_heads": 40,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_local_experts": 16,
    "num_experts_per_tok": 1,
    "interleave_moe_layer_step": 1,
    "moe_layers": None,
    "tie_word_embeddings": False,
    "attention_bias": False,
}
_LLAMA4_VISION = {
    "hidden_size": 768,
    "intermediate_size": 5632,
    "num_hidden_layers": 34,
    "num_attention_heads": 16,
    "num_channels": 3,
    "image_size": 448,
    "patch_size": 14,
    "vision_output_dim": 7680,
    "projector_input_dim": 4096,
    "projector_output_dim": 4096,
}
DEFAULTS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "llama": (_LLAMA, None),
    "mllama": (_MLLAMA_TEXT, _MLLAMA_VISION),
    "mllama_text_model": (_MLLAMA_TEXT, None),
    "llama4": (_LLAMA4_TEXT, _LLAMA4_VISION),
    "llama4_text": (_LLAMA4_TEXT, None),
}
# Which class each family may be loaded by; the first part of a picture model may stand alone.
CLASSES = {
    "llama": ("LlamaForCausalLM",),
    "mllama": ("MllamaForConditionalGeneration", "MllamaForCausalLM"),
    "mllama_text_model": ("MllamaForCausalLM",),
    "llama4": ("Llama4ForConditionalGeneration", "Llama4ForCausalLM"),
    "llama4_text": ("Llama4ForCausalLM",),
}

# The embedding of this family has rows for pictures, beyond the vocabulary.
MLLAMA_ROWS = 8


@dataclass(frozen=True)
class Parts:
    """`text` and `vision` are the settings of each part, complete; `vision` is None without one."""

    kind: str
    text: Mapping[str, Any]
    vision: Mapping[str, Any] | None


def parts_of(config: Mapping[str, Any]) -> Parts | None:
    """The parts, or None where the family is unknown or a part is no object."""
    if not is_known(config):
        return None
    kind = config["model_type"]
    text_defaults, vision_defaults = DEFAULTS[kind]
    if kind in ("mllama", "llama4"):
        text, vision = config.get("text_config"), config.get("vision_config")
        text, vision = {} if text is None else text, {} if vision is None else vision
    else:
        text, vision = config, {}
    if not isinstance(text, Mapping) or not isinstance(vision, Mapping):
        return None
    if is_text_alone(config):
        vision_defaults = None
    return Parts(
        kind,
        {**text_defaults, **text},
        None if vision_defaults is None else _renamed({**vision_defaults, **vision}),
    )


def is_known(config: Mapping[str, Any]) -> bool:
    kind = config.get("model_type")
    return isinstance(kind, str) and kind in DEFAULTS


def is_text_alone(config: Mapping[str, Any]) -> bool:
    names = config.get("architectures")
    return isinstance(names, list) and names in (["MllamaForCausalLM"], ["Llama4ForCausalLM"])


def _renamed(vision: dict[str, Any]) -> dict[str, Any]:
    """One part calls its heads by another name, which loaders take for the same."""
    heads = vision.pop("attention_heads", None)
    return vision if heads is None else {"num_attention_heads": heads, **vision}
