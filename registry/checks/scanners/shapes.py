"""Whether the tensors are those that the configuration needs (CFG-SHAPE, KEY-MISSING, KEY-UNEXPECTED, KEY-TIED).

For text Llamas, whose tensors follow from config.json; the sandboxed program does it for the others.
"""

import re
from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.scanners.config import Model, models_of
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.limits import is_buffer, is_tied, problems_of
from registry.checks.scanners.parameters import heads_of

_LAYER = re.compile(r"model\.layers\.(\d+)\.")
HEAD = "lm_head.weight"
EMBEDDING = "model.embed_tokens.weight"


def expected_of(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a LlamaForCausalLM of this configuration."""
    hidden, inner = config["hidden_size"], config.get("intermediate_size", 11_008)
    heads, kv_heads, head = heads_of(config)
    layer: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
        "self_attn.q_proj.weight": (heads * head, hidden),
        "self_attn.k_proj.weight": (kv_heads * head, hidden),
        "self_attn.v_proj.weight": (kv_heads * head, hidden),
        "self_attn.o_proj.weight": (hidden, heads * head),
        "mlp.gate_proj.weight": (inner, hidden),
        "mlp.up_proj.weight": (inner, hidden),
        "mlp.down_proj.weight": (hidden, inner),
    }
    biased = ["self_attn."] * bool(config.get("attention_bias"))
    biased += ["mlp."] * bool(config.get("mlp_bias"))
    for name, shape in list(layer.items()):
        if name.startswith(tuple(biased)):
            layer[name.removesuffix("weight") + "bias"] = shape[:1]
    found: dict[str, tuple[int, ...]] = {
        f"model.layers.{number}.{name}": shape
        for number in range(config["num_hidden_layers"])
        for name, shape in layer.items()
    }
    found[EMBEDDING] = (config["vocab_size"], hidden)
    found["model.norm.weight"] = (hidden,)
    if not config.get("tie_word_embeddings"):
        found[HEAD] = (config["vocab_size"], hidden)
    return found


def check(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if _is_plain(model):
            yield from _compared(model)


def _is_plain(model: Model) -> bool:
    """Limits hold, so that the expected list is bounded; quantized layouts have other tensors."""
    return (
        model.is_plain_llama
        and model.tensors is not None
        and model.config is not None
        and not model.config.get("quantization_config")
        and model.config.get("architectures") == ["LlamaForCausalLM"]
        and not problems_of(model.config)
    )


def _compared(model: Model) -> Iterator[Finding]:
    tensors, config = model.tensors or {}, model.config or {}
    expected = expected_of(config)
    for name in sorted(expected.keys() & tensors.keys()):
        path, tensor = tensors[name]
        if tensor.shape != expected[name]:
            yield block(
                "CFG-SHAPE",
                f"{show(name)}: file {list(tensor.shape)}, config needs {list(expected[name])}.",
                file=path,
                where=name,
            )
    if is_tied(config) and (finding := _head_finding(model)):
        yield finding
    if missing := sorted(expected.keys() - tensors.keys()):
        yield block(
            "KEY-MISSING",
            f"{len(missing)} tensors are missing, e.g. {show(missing[0])}.",
            file=model.config_path,
            where=missing[0],
            value=len(missing),
            evidence={"tensors": missing[:20]},
        )
    surplus = sorted(name for name in tensors.keys() - expected.keys() if not is_buffer(name))
    if config.get("tie_word_embeddings") and HEAD in surplus:
        surplus.remove(HEAD)
    if surplus:
        layers = config["num_hidden_layers"]
        numbers = [int(match[1]) for name in surplus if (match := _LAYER.match(name))]
        find = block if any(number >= layers for number in numbers) else warn
        yield find(
            "KEY-UNEXPECTED",
            f"{len(surplus)} tensors are not used, e.g. {show(surplus[0])}.",
            file=model.config_path,
            where=surplus[0],
            value=len(surplus),
            evidence={"tensors": surplus[:20]},
        )


def _head_finding(model: Model) -> Finding | None:
    """What the headers can say of a head that should be the embedding; the numbers are compared
    where the weights are read."""
    tensors = model.tensors or {}
    if HEAD not in tensors or EMBEDDING not in tensors:
        return None
    (path, head), (_, embedding) = tensors[HEAD], tensors[EMBEDDING]
    if head.shape == embedding.shape:
        return None
    return block(
        "KEY-TIED",
        "The head differs from the embedding although the config ties them: "
        f"{list(head.shape)} and {list(embedding.shape)}.",
        file=path,
        where=HEAD,
    )
