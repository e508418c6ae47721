"""What a tensor is for, as far as its name tells."""

import re

_LAYER = re.compile(r"(?:^|\.)(?:layers|blk|h|blocks|global_transformer)\.(\d+)\.")
_PROJECTION = re.compile(r".*(?:_proj|\.fc[12]|\.w[123]|\.w[qkvo]|ffn_\w+|attn_\w+)(?:\.weight)?")
_WEIGHT = re.compile(r".*(?:\.weight|_proj|\.qweight|\.weight_packed)")
_SCALE = re.compile(r".*(?:\.scales|\.(?:weight|input|output|k|v|kv|q)_scale(?:_inv)?|\.SCB)")
EMBEDDINGS = ("embed_tokens.weight", "tok_embeddings.weight")
_OF_TOKENS = re.compile(r"(?:.*\.)?(?:embed_tokens|tok_embeddings|lm_head)\.weight|output\.weight")


def layer_of(name: str) -> str | None:
    """The layer that holds the tensor, as the beginning of its name; None outside of layers."""
    match = _LAYER.search(name)
    return name[: match.end(1)] if match else None


def is_adapter(name: str) -> bool:
    return "lora_" in name


def is_norm(name: str) -> bool:
    return "norm" in name and name.endswith(".weight")


def is_of_tokens(name: str) -> bool:
    """Whether each row belongs to a token: the embedding and the head."""
    return _OF_TOKENS.fullmatch(name) is not None


def is_projection(name: str) -> bool:
    return not is_adapter(name) and _PROJECTION.fullmatch(name) is not None


def is_weight(name: str) -> bool:
    """Whether training sets every number of it; scales, zero points and buffers are not such."""
    return not is_adapter(name) and _WEIGHT.fullmatch(name) is not None


def is_scale(name: str) -> bool:
    """Whether quantized numbers are multiplied by it."""
    return _SCALE.fullmatch(name) is not None
