"""Whether the metadata of a GGUF file makes up a model that can be, with all of its tensors (GG-META)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import gguf, splits
from registry.checks.scanners.folder import Folder

ARCHITECTURES = ("llama", "llama4")
TOKENS = "tokenizer.ggml.tokens"
BYTE_TOKEN = 6

_NO_MODEL = f"which is not a whole model; accepted are whole models of {', '.join(ARCHITECTURES)}"
# What GGUF also is made for
_PARTS = {
    "adapter": "it holds an adapter, which is accepted as adapter_model.safetensors with its "
    "adapter_config.json and not as GGUF",
    "mmproj": "it holds the part of a model that sees pictures, which is not accepted as GGUF: "
    "upload the whole model as safetensors",
    "imatrix": "it holds an importance matrix, which is not needed to run the model: delete it",
}

_RANGES = {
    "block_count": (1, 512),
    "embedding_length": (1, 65_536),
    "feed_forward_length": (1, 1_048_576),
    "expert_feed_forward_length": (1, 1_048_576),
    "context_length": (1, 2**25),
    "attention.head_count": (1, 1024),
    "attention.head_count_kv": (1, 1024),
    "attention.key_length": (1, 65_536),
    "attention.value_length": (1, 65_536),
    "rope.dimension_count": (1, 65_536),
    "vocab_size": (1, 2_000_000),
    "expert_count": (0, 1024),
    "expert_used_count": (0, 1024),
}
_NEEDED = ("block_count", "embedding_length", "context_length", "attention.head_count")
_BYTE = re.compile(rb"<0x[0-9A-F]{2}>")
_LAYER = re.compile(r"blk\.(\d{1,9})\.")
_SPECIAL = re.compile(r"tokenizer\.ggml\.[a-z_]+_token_id")
_OF_LAYER = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm")
# A layer has one of these sets; those of experts come packed, or in old files one by one.
_DENSE = ("ffn_gate", "ffn_up", "ffn_down")
_EXPERTS = ("ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")
_EXPERTS_APART = ("ffn_gate_inp", "ffn_gate.0", "ffn_up.0", "ffn_down.0")


def check(folder: Folder) -> Iterator[Finding]:
    for group in splits.groups_of(folder):
        headers = splits.headers_of(folder, group)
        if not headers or not splits.is_whole(folder, group):
            continue
        tensors = {name: tensor for each in headers for name, tensor in each.tensors.items()}
        folder.reading = group.path
        for where, why in _problems(group.files[0], headers[0], tensors):
            yield block("GG-META", f"{show(group.path)}: {why}.", file=group.path, where=where)


def _problems(
    file: ModelFile, header: gguf.Header, tensors: Mapping[str, gguf.Tensor]
) -> Iterator[tuple[str, str]]:
    kind = header.values.get("general.type", "model")
    architecture = header.values.get("general.architecture")
    if architecture == "clip":  # as older programs write it
        kind = "mmproj"
    if kind != "model":
        yield "general.type", _PARTS.get(str(kind), f"it holds {show(kind)}, {_NO_MODEL}")
        return
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        yield "general.architecture", f"its architecture {show(architecture)} is not one of {known}"
        return
    sizes = {key: header.values.get(f"{architecture}.{key}") for key in _RANGES}
    wrong = [
        (f"{architecture}.{key}", why)
        for key, why in _out_of_range(sizes, f"{architecture}.", header)
    ]
    yield from wrong
    yield from _of_tokens(file, header, tensors)
    if not wrong:
        yield from _of_layers(sizes, tensors)


def _out_of_range(
    sizes: Mapping[str, Any], prefix: str, header: gguf.Header
) -> Iterator[tuple[str, str]]:
    for key, (least, most) in _RANGES.items():
        value = sizes[key]
        if prefix + key in header.arrays:
            yield key, f"{prefix}{key} is a list, but must be one number for all layers"
        elif value is None and key in _NEEDED:
            yield key, f"{prefix}{key} is missing"
        elif value is not None and (type(value) is not int or not least <= value <= most):
            yield key, f"{prefix}{key} is {show(value)}, but must be from {least} to {most}"


def _of_tokens(
    file: ModelFile, header: gguf.Header, tensors: Mapping[str, gguf.Tensor]
) -> Iterator[tuple[str, str]]:
    tokens = header.arrays.get(TOKENS)
    if tokens is None or tokens.kind != gguf.TEXT or not tokens.length:
        yield TOKENS, "it holds no vocabulary"
        return
    for name, kind, called in (
        ("token_type", gguf.INT32, "32-bit whole numbers"),
        ("scores", gguf.FLOAT32, "32-bit fractions"),
    ):
        key = f"tokenizer.ggml.{name}"
        array = header.arrays.get(key)
        if array is None:
            if key in header.values:
                yield key, f"{key} is not a list"
        elif array.kind != kind:
            yield key, f"{key} does not hold {called}"
        elif array.length != tokens.length:
            yield key, f"{key} has {array.length} entries, but there are {tokens.length} tokens"
        elif kind == gguf.INT32:
            yield from _of_types(file, key, tokens, array)
    ids = {key: value for key, value in header.values.items() if _SPECIAL.fullmatch(key)}
    for key, value in ids.items():
        # Converters write the largest number for a token that there is not.
        if type(value) is not int or not (0 <= value < tokens.length or value == 2**32 - 1):
            yield key, f"{key} is {show(value)}, but there are {tokens.length} tokens"
    embedding = tensors.get("token_embd.weight")
    # More tokens than rows are TOK-VOCAB's to say.
    if embedding is not None and tokens.length < embedding.shape[-1]:
        rows = embedding.shape[-1]
        yield TOKENS, f"it holds {tokens.length} tokens, but the embedding has {rows} rows"


def _of_types(
    file: ModelFile, key: str, tokens: gguf.Array, types: gguf.Array
) -> Iterator[tuple[str, str]]:
    pairs = zip(gguf.entries_of(file, tokens), gguf.entries_of(file, types), strict=True)
    for number, (text, kind) in enumerate(pairs):
        if not 0 <= kind <= BYTE_TOKEN:
            yield key, f"the token {number} is of the unknown type {kind}"
            return
        if kind == BYTE_TOKEN and not _BYTE.fullmatch(text):
            yield key, f"the token {number} stands for a byte, but is {show(text)}"
            return


def _of_layers(
    sizes: Mapping[str, Any], tensors: Mapping[str, gguf.Tensor]
) -> Iterator[tuple[str, str]]:
    layers = sizes["block_count"]
    missing = [name for name in ("token_embd", "output_norm") if f"{name}.weight" not in tensors]
    for number in range(layers):
        held = {name for name in (*_OF_LAYER, *_DENSE, *_EXPERTS, *_EXPERTS_APART)
                if f"blk.{number}.{name}.weight" in tensors}  # fmt: skip
        missing += [f"blk.{number}.{name}" for name in _OF_LAYER if name not in held]
        if not any(held.issuperset(names) for names in (_DENSE, _EXPERTS, _EXPERTS_APART)):
            wanted = _EXPERTS if "ffn_gate_inp" in held else _DENSE
            missing += [f"blk.{number}.{name}" for name in wanted if name not in held]
    if missing:
        first = f"{missing[0]}.weight"
        yield first, f"{len(missing)} tensors are missing, e.g. {first}"
    beyond = [name for name in tensors if (found := _LAYER.match(name)) and int(found[1]) >= layers]
    if beyond:
        yield beyond[0], f"it has {layers} layers, but holds {show(beyond[0])}"
    yield from _of_shapes(sizes, tensors)


def _of_shapes(
    sizes: Mapping[str, Any], tensors: Mapping[str, gguf.Tensor]
) -> Iterator[tuple[str, str]]:
    """The first tensor that is not of the shape that the sizes give; rows come last in this format."""
    hidden, heads = sizes["embedding_length"], sizes["attention.head_count"]
    kv_heads = sizes["attention.head_count_kv"] or heads
    if heads % kv_heads:
        yield "attention.head_count_kv", f"{kv_heads} does not divide {heads} heads"
        return
    if hidden % heads and not sizes["attention.key_length"]:
        yield "embedding_length", f"{hidden} does not divide into {heads} heads"
        return
    key = sizes["attention.key_length"] or hidden // heads
    value = sizes["attention.value_length"] or hidden // heads
    wanted: dict[str, tuple[int, ...]] = {
        "attn_norm": (hidden,),
        "ffn_norm": (hidden,),
        "output_norm": (hidden,),
        "attn_q": (hidden, heads * key),
        "attn_k": (hidden, kv_heads * key),
        "attn_v": (hidden, kv_heads * value),
        "attn_output": (heads * value, hidden),
    }
    if inner := sizes["feed_forward_length"]:
        wanted |= {
            "ffn_gate": (hidden, inner),
            "ffn_up": (hidden, inner),
            "ffn_down": (inner, hidden),
        }
    if (embedding := tensors.get("token_embd.weight")) is not None:
        wanted |= {"token_embd": (hidden, embedding.shape[-1])}
        wanted |= {"output": (hidden, embedding.shape[-1])}
    for name, tensor in tensors.items():
        role = _LAYER.sub("", name).removesuffix(".weight")
        if role in wanted and tensor.shape != wanted[role]:
            found, needed = list(tensor.shape), list(wanted[role])
            yield name, f"{show(name)} is {found}, but the metadata needs {needed}"
            return
