"""How many numbers a model of a configuration has, counted before any class of it is built."""

from collections.abc import Mapping
from typing import Any

from registry.checks.scanners.families import MLLAMA_ROWS, Parts, parts_of


def parameters_of(config: Mapping[str, Any]) -> int:
    """How many numbers a model of this configuration has, whose limits hold."""
    parts = parts_of(config)
    if parts is None:
        raise ValueError("a family without a count")
    text = {"llama": _llama, "mllama": _mllama, "llama4": _llama4}[_family(parts)](parts.text)
    if parts.vision is None:
        return text
    hidden = int(parts.text["hidden_size"])
    output = int(parts.vision["vision_output_dim"])
    if parts.kind == "mllama":
        return text + _mllama_vision(parts.vision) + output * hidden + hidden
    return text + _llama4_vision(parts.vision) + output * hidden


def heads_of(config: Mapping[str, Any]) -> tuple[int, int, int]:
    """Heads, key-value heads and the size of a head, with the defaults that loaders fill in."""
    heads = config["num_attention_heads"]
    return (
        heads,
        config.get("num_key_value_heads") or heads,
        config.get("head_dim") or config["hidden_size"] // heads,
    )


def experts_in(text: Mapping[str, Any]) -> list[int]:
    """The layers of a Llama 4 that have experts."""
    said = text.get("moe_layers")
    if said is not None:
        return list(said)
    step = text["interleave_moe_layer_step"]
    return list(range(step - 1, text["num_hidden_layers"], step))


def _family(parts: Parts) -> str:
    return parts.kind.split("_")[0]


def _attention(text: Mapping[str, Any]) -> int:
    heads, kv_heads, head = heads_of(text)
    hidden = text["hidden_size"]
    total = hidden * head * (heads + 2 * kv_heads) + heads * head * hidden
    if text.get("attention_bias"):
        total += head * (heads + 2 * kv_heads) + hidden
    return int(total)


def _llama(text: Mapping[str, Any]) -> int:
    hidden, inner = text["hidden_size"], text["intermediate_size"]
    mlp = 3 * hidden * inner + ((2 * inner + hidden) if text.get("mlp_bias") else 0)
    layers = text["num_hidden_layers"] * (_attention(text) + mlp + 2 * hidden)
    return int(layers + hidden + _vocabulary(text))


def _mllama(text: Mapping[str, Any]) -> int:
    """Layers with and without a view of the picture; the embedding has eight rows besides."""
    hidden, layers = text["hidden_size"], text["num_hidden_layers"]
    plain = {**text, "head_dim": None, "attention_bias": False}
    _, _, head = heads_of(plain)
    layer = _attention(plain) + 3 * hidden * text["intermediate_size"] + 2 * hidden
    crossed = len(set(text["cross_attention_layers"]) & set(range(layers)))
    return int(
        layers * layer
        + crossed * (2 * head + 2)
        + hidden
        + (text["vocab_size"] + MLLAMA_ROWS) * hidden
        + text["vocab_size"] * hidden
    )


def _llama4(text: Mapping[str, Any]) -> int:
    hidden, inner = text["hidden_size"], text["intermediate_size"]
    experts, sparse = text["num_local_experts"], len(set(experts_in(text)))
    dense = text["num_hidden_layers"] - sparse
    return int(
        text["num_hidden_layers"] * (_attention(text) + 2 * hidden)
        + sparse * (experts * 3 * hidden * inner + experts * hidden + 3 * hidden * inner)
        + dense * 3 * hidden * text["intermediate_size_mlp"]
        + hidden
        + _vocabulary(text)
    )


def _vocabulary(text: Mapping[str, Any]) -> int:
    rows = 1 if text.get("tie_word_embeddings") else 2
    return int(rows * text["vocab_size"] * text["hidden_size"])


def _encoder(vision: Mapping[str, Any], *, bias: bool) -> int:
    """One layer that looks at the picture."""
    hidden, inner = vision["hidden_size"], vision["intermediate_size"]
    total = 4 * hidden * hidden + 2 * hidden * inner + hidden + inner + 4 * hidden
    return int(total + (4 * hidden if bias else 0))


def _patches(vision: Mapping[str, Any]) -> int:
    return int((vision["image_size"] // vision["patch_size"]) ** 2 + 1)


def _mllama_vision(vision: Mapping[str, Any]) -> int:
    hidden, tiles, patches = vision["hidden_size"], vision["max_num_tiles"], _patches(vision)
    ratios = len(vision["supported_aspect_ratios"]) + 1
    return int(
        vision["num_channels"] * vision["patch_size"] ** 2 * hidden
        + hidden
        + (1 + patches * hidden + ratios * tiles * patches * hidden)
        + 2 * (ratios * tiles * hidden + 1)
        + 4 * hidden
        + vision["num_hidden_layers"] * _encoder(vision, bias=False)
        + vision["num_global_layers"] * (_encoder(vision, bias=False) + 2)
    )


def _llama4_vision(vision: Mapping[str, Any]) -> int:
    hidden = vision["hidden_size"]
    return int(
        vision["num_channels"] * vision["patch_size"] ** 2 * hidden
        + hidden
        + _patches(vision) * hidden
        + 4 * hidden
        + vision["num_hidden_layers"] * _encoder(vision, bias=True)
        + vision["intermediate_size"] * vision["projector_input_dim"]
        + vision["projector_output_dim"] ** 2
    )
