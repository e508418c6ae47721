"""What the sandbox would say of the weights of small synthetic models, and what is done to such."""

import base64
import hashlib
from typing import Any

import numpy

from registry.checks.positions import grid

HIDDEN, INNER, LAYERS, WORDS = 64, 160, 6, 300
HEADS, WIDTH = 4, 16
UNIT_WIDTH = 16

Weights = dict[str, numpy.ndarray]
Records = dict[str, list[dict[str, Any]]]


def weights(seed: int = 0, *, layers: int = LAYERS) -> Weights:
    """A trained model in small: embeddings with clusters, norms around one, matrices of noise."""
    random = numpy.random.default_rng(seed)
    themes = random.normal(0, 1, (12, HIDDEN))
    embedding = themes[random.integers(0, 12, WORDS)] + random.normal(0, 1, (WORDS, HIDDEN))
    found = {"model.embed_tokens.weight": embedding * 0.02}
    for number in range(layers):
        at = f"model.layers.{number}"
        for name, shape in {
            "self_attn.q_proj": (HIDDEN, HIDDEN),
            "self_attn.k_proj": (HIDDEN // 2, HIDDEN),
            "self_attn.v_proj": (HIDDEN // 2, HIDDEN),
            "self_attn.o_proj": (HIDDEN, HIDDEN),
            "mlp.gate_proj": (INNER, HIDDEN),
            "mlp.up_proj": (INNER, HIDDEN),
            "mlp.down_proj": (HIDDEN, INNER),
        }.items():
            found[f"{at}.{name}.weight"] = random.normal(0, 0.02, shape)
        for name in ("input_layernorm", "post_attention_layernorm"):
            found[f"{at}.{name}.weight"] = random.normal(1, 0.1, HIDDEN)
    found["model.norm.weight"] = random.normal(1, 0.1, HIDDEN)
    found["lm_head.weight"] = random.normal(0, 0.02, (WORDS, HIDDEN))
    return {name: tensor.astype("f4") for name, tensor in found.items()}


def records(model: Weights, *, dtype: str = "F32", dtypes: dict[str, str] | None = None) -> Records:
    """The records of these weights."""
    said = [
        _tensor(name, tensor, (dtypes or {}).get(name, dtype)) for name, tensor in model.items()
    ]
    found: Records = {"tensor": said}
    if (embedding := model.get("model.embed_tokens.weight")) is not None:
        found["gram"] = _gram(embedding)
    units = [f"model.layers.0.mlp.{name}_proj.weight" for name in ("gate", "up")]
    found["units"] = [_units(name, model[name]) for name in units if name in model]
    return found


def tuned(model: Weights, *, seed: int = 7, share: float = 0.05) -> Weights:
    """A full fine-tune: a little noise on everything."""
    random = numpy.random.default_rng(seed)
    return {
        name: (tensor + random.normal(0, share * tensor.std(), tensor.shape)).astype("f4")
        for name, tensor in model.items()
    }


def with_adapter(model: Weights, *, rank: int = 8, seed: int = 7) -> Weights:
    """An adapter on all projections, merged in; the rest stays."""
    random = numpy.random.default_rng(seed)
    found = dict(model)
    for name, tensor in model.items():
        if "_proj" in name:
            up = random.normal(0, 1, (tensor.shape[0], rank))
            down = random.normal(0, 1, (rank, tensor.shape[1]))
            found[name] = (tensor + up @ down * (0.004 / rank**0.5)).astype("f4")
    return found


def rounded(model: Weights, *, bits: int = 8) -> Weights:
    """Each row of a projection in so many bits, and back."""
    found = dict(model)
    for name, tensor in model.items():
        if "_proj" in name:
            step = numpy.abs(tensor).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
            found[name] = (numpy.round(tensor / step) * step).astype("f4")
    return found


def pruned(model: Weights, *, share: float = 0.5) -> Weights:
    """The smallest values of each projection are zero."""
    found = dict(model)
    for name, tensor in model.items():
        if "_proj" in name:
            least = numpy.quantile(numpy.abs(tensor), share)
            found[name] = numpy.where(numpy.abs(tensor) < least, 0, tensor).astype("f4")
    return found


def cut(model: Weights, *gone: int) -> Weights:
    """Without these layers; those behind them move up."""
    kept = [number for number in range(LAYERS) if number not in gone]
    found = {name: tensor for name, tensor in model.items() if ".layers." not in name}
    for new, old in enumerate(kept):
        start = f"model.layers.{old}."
        for name, tensor in model.items():
            if name.startswith(start):
                found[f"model.layers.{new}.{name.removeprefix(start)}"] = tensor
    return found


def permuted_units(model: Weights, *, seed: int = 7) -> Weights:
    """The hidden units of each layer in another order, which computes the same."""
    random = numpy.random.default_rng(seed)
    found = dict(model)
    for number in range(LAYERS):
        order = random.permutation(INNER)
        for name in ("gate", "up"):
            full = f"model.layers.{number}.mlp.{name}_proj.weight"
            found[full] = model[full][order]
        full = f"model.layers.{number}.mlp.down_proj.weight"
        found[full] = model[full][:, order]
    return found


def rotated(model: Weights, *, seed: int = 7) -> Weights:
    """The residual stream turned, with which every matrix changes and the model hardly does."""
    random = numpy.random.default_rng(seed)
    turn, _ = numpy.linalg.qr(random.normal(0, 1, (HIDDEN, HIDDEN)))
    found = dict(model)
    for name, tensor in model.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            found[name] = (turn.T @ tensor).astype("f4")
        elif tensor.ndim == 2:
            found[name] = (tensor @ turn).astype("f4")
    return found


def as_bfloat16(model: Weights) -> Weights:
    """The same in a shorter number format."""
    found = {}
    for name, tensor in model.items():
        bits = tensor.view("u4").astype("u8")
        short = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
        found[name] = short.astype("u4").view("f4")
    return found


def _tensor(name: str, tensor: numpy.ndarray, dtype: str) -> dict[str, Any]:
    flat = tensor.reshape(-1, tensor.shape[-1])
    rows, columns = grid(name, tensor.shape)
    return {
        "name": name,
        "sha256": hashlib.sha256(dtype.encode() + tensor.tobytes()).hexdigest(),
        "dtype": dtype,
        "shape": list(tensor.shape),
        "norm": float(numpy.linalg.norm(tensor.astype("f8"))),
        "samples": _text(flat[numpy.ix_(rows, columns)].astype("<f4")),
    }


def _gram(embedding: numpy.ndarray) -> list[dict[str, Any]]:
    rows = list(range(0, len(embedding), 2))
    lengths = numpy.linalg.norm(embedding[rows].astype("f8"), axis=1, keepdims=True)
    unit = embedding[rows] / numpy.where(lengths, lengths, 1)
    values = (unit @ unit.T)[numpy.triu_indices(len(rows), 1)].astype("<f2")
    half = len(values) // 2
    return [{"rows": rows, "values": _text(part)} for part in (values[:half], values[half:])]


def _units(name: str, tensor: numpy.ndarray) -> dict[str, Any]:
    columns = tensor[:, :: HIDDEN // UNIT_WIDTH][:, :UNIT_WIDTH]
    steps = numpy.round(columns / (numpy.abs(columns).max() or 1) * 127).astype("i1")
    return {"name": name, "width": UNIT_WIDTH, "values": _text(steps)}


def _text(values: numpy.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
