"""A model that is known to be good, made here: where it ends the program as well, the machine is to blame."""

import hashlib
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from registry.checks.findings import Finding, ModelFile
from registry.checks.scanners.shapes import expected_of

REPOSITORY = "control/tiny"
SECONDS = 100
# How a program ends that was not let to its end.
ENDED = ("RUN-CRASH", "RUN-OOM", "RUN-TIMEOUT")

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 258,
    "max_position_embeddings": 256,
    "hidden_act": "silu",
    "bos_token_id": 256,
    "eos_token_id": 257,
    "tie_word_embeddings": False,
    "dtype": "float32",
}
_SPECIAL = {"<s>": 256, "</s>": 257}


def was_ended(found: list[Finding]) -> Finding | None:
    return next((finding for finding in found if finding.check in ENDED), None)


def files_in(folder: Path) -> list[ModelFile]:
    """Write the model and say what it consists of."""
    folder.mkdir()
    return [_put(folder / name, make()) for name, make in _FILES.items()]


def _put(path: Path, data: bytes) -> ModelFile:
    path.write_bytes(data)
    return ModelFile(path.name, len(data), hashlib.sha256(data).hexdigest(), path)


def _weights() -> bytes:
    """Random ones; norms are ones, as in a fresh model."""
    chance = random.Random(0)  # noqa: S311 - nothing secret
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, shape in expected_of(dict(CONFIG)).items():
        count = 1
        for size in shape:
            count *= size
        values = [1.0 if "norm" in name else chance.gauss(0, 0.05) for _ in range(count)]
        raw = struct.pack(f"<{count}f", *values)
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": offsets}
        data += raw
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + data


def _tokenizer() -> bytes:
    """Bytes as tokens, and two special ones."""
    split = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    value = {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": text, "special": True, **plain}
            for text, number in _SPECIAL.items()
        ],
        "pre_tokenizer": {**split, "trim_offsets": True},
        "decoder": {**split, "trim_offsets": True},
        "model": {"type": "BPE", "vocab": _bytes() | _SPECIAL, "merges": []},
    }
    return json.dumps(value).encode()


def _bytes() -> dict[str, int]:
    """Each byte as the sign that byte-level tokenizers write for it."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    signs = {byte: chr(byte) for byte in shown}
    signs |= {byte: chr(256 + number) for number, byte in enumerate(hidden)}
    return {signs[byte]: byte for byte in range(256)}


_FILES: dict[str, Callable[[], bytes]] = {
    "config.json": lambda: json.dumps(CONFIG).encode(),
    "model.safetensors": _weights,
    "tokenizer.json": _tokenizer,
    "tokenizer_config.json": lambda: (
        b'{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}'
    ),
}
