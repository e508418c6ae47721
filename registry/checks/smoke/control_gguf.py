"""A GGUF file that is known to be good, made here: an engine that does not run it does not work on this machine."""

import random
import struct

HIDDEN, INNER, HEADS, WORDS = 32, 64, 4, 258
_TEXT, _UINT32, _INT32, _FLOAT32, _ARRAY = 8, 4, 5, 6, 9
_F32 = 0


def made() -> bytes:
    """A Llama of one layer with random weights whose tokens are numbers."""
    tensors = _tensors()
    keys = [
        _text("general.architecture") + _kind(_TEXT) + _text("llama"),
        *(
            _text(f"llama.{key}") + struct.pack("<II", _UINT32, size)
            for key, size in _SIZES.items()
        ),
        _text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", _FLOAT32, 1e-5),
        _text("tokenizer.ggml.model") + _kind(_TEXT) + _text("gpt2"),
        _text("tokenizer.ggml.tokens")
        + _list(_TEXT)
        + b"".join(_text(f"w{n}") for n in range(WORDS)),
        _text("tokenizer.ggml.token_type") + _list(_INT32) + struct.pack("<i", 1) * WORDS,
        _text("tokenizer.ggml.merges") + struct.pack("<IIQ", _ARRAY, _TEXT, 1) + _text("w 1"),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys)
    data = b""
    for name, (shape, values) in tensors.items():
        head += _text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", _F32, len(data))
        data += _padded(struct.pack(f"<{len(values)}f", *values))
    return _padded(head) + data


_SIZES = {
    "block_count": 1,
    "context_length": 256,
    "embedding_length": HIDDEN,
    "feed_forward_length": INNER,
    "attention.head_count": HEADS,
    "attention.head_count_kv": HEADS,
    "rope.dimension_count": HIDDEN // HEADS,
    "vocab_size": WORDS,
}


def _tensors() -> dict[str, tuple[tuple[int, ...], list[float]]]:
    """By name: the shape, the shortest way of memory first, and the values."""
    chance = random.Random(0)  # noqa: S311 - nothing secret
    square, up, down = (HIDDEN, HIDDEN), (HIDDEN, INNER), (INNER, HIDDEN)
    matrices = {"token_embd": (HIDDEN, WORDS), "output": (HIDDEN, WORDS)}
    matrices |= {f"blk.0.attn_{part}": square for part in ("q", "k", "v", "output")}
    matrices |= {"blk.0.ffn_gate": up, "blk.0.ffn_up": up, "blk.0.ffn_down": down}
    found: dict[str, tuple[tuple[int, ...], list[float]]] = {
        f"{name}.weight": (shape, [chance.gauss(0, 0.05) for _ in range(shape[0] * shape[1])])
        for name, shape in matrices.items()
    }
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        found[f"{name}.weight"] = ((HIDDEN,), [1.0] * HIDDEN)
    return found


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _kind(number: int) -> bytes:
    return struct.pack("<I", number)


def _list(kind: int) -> bytes:
    return struct.pack("<IIQ", _ARRAY, kind, WORDS)


def _padded(raw: bytes) -> bytes:
    return raw + b"\0" * (-len(raw) % 32)
