"""Builders of tiny models, made byte by byte: no library decides what a test uploads."""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy

from registry.checks.findings import Finding, ModelFile, Severity
from registry.checks.scanners import scan
from registry.checks.scanners.shapes import expected_of

CARD = b"---\nlicense: apache-2.0\ntags:\n- text-generation\n---\n# A tiny model\n"
TEMPLATE = "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"

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
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "bos_token_id": 256,
    "eos_token_id": 257,
    "tie_word_embeddings": False,
    "dtype": "float32",
}

Tensors = dict[str, numpy.ndarray]


def tensors_of(config: Mapping[str, Any] = CONFIG, *, seed: int = 0) -> Tensors:
    """Random weights of the right names and shapes; norms are ones, as in a fresh model."""
    random = numpy.random.default_rng(seed)
    return {
        name: numpy.ones(shape, "float32")
        if "norm" in name
        else random.normal(0, 0.05, shape).astype("float32")
        for name, shape in expected_of(dict(config)).items()
    }


def safetensors(tensors: Tensors) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, tensor in tensors.items():
        raw = tensor.astype("<f4").tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    return with_header(json.dumps(header).encode(), bytes(data))


def with_header(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def tokenizer(*, extra: Mapping[str, int] | None = None) -> bytes:
    """Bytes as tokens, and two special ones."""
    vocabulary = {character: number for number, character in enumerate(_byte_characters())}
    special = {"<s>": 256, "</s>": 257}
    added = [
        {
            "id": number,
            "content": text,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for text, number in special.items()
    ]
    splitter = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    value = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {**splitter, "trim_offsets": True},
        "decoder": {**splitter, "trim_offsets": True},
        "model": {
            "type": "BPE",
            "vocab": {**vocabulary, **special, **(extra or {})},
            "merges": [],
        },
    }
    return json.dumps(value).encode()


def llama(**changes: bytes | None) -> dict[str, bytes]:
    """The files of a sound random Llama. Changes name files by their stem; None leaves one out."""
    files: dict[str, bytes | None] = {
        "README.md": CARD,
        "config.json": json.dumps(CONFIG).encode(),
        "generation_config.json": b'{"bos_token_id": 256, "eos_token_id": 257}',
        "model.safetensors": safetensors(tensors_of()),
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<s>",
                "eos_token": "</s>",
                "model_max_length": int(1e30),
            }
        ).encode(),
        "chat_template.jinja": TEMPLATE.encode(),
    }
    stems = {name.split(".")[0].lower(): name for name in files}
    files |= {stems[stem]: data for stem, data in changes.items()}
    return {name: data for name, data in files.items() if data is not None}


def config(**changes: Any) -> bytes:
    return json.dumps({**CONFIG, **changes}).encode()


def sharded() -> dict[str, bytes]:
    """The same Llama in two shards with their index."""
    files = llama(model=None)
    tensors = tensors_of()
    names = list(tensors)
    halves = (names[: len(names) // 2], names[len(names) // 2 :])
    weight_map: dict[str, str] = {}
    for number, half in enumerate(halves, 1):
        shard = f"model-{number:05}-of-00002.safetensors"
        files[shard] = safetensors({name: tensors[name] for name in half})
        weight_map |= dict.fromkeys(half, shard)
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    return files


def gguf(**changes: Any) -> bytes:
    """A GGUF file of a random Llama: version 3, 32-bit floats. Changes are of keys or of `tensors`."""
    tensors = changes.pop("tensors", None) or gguf_tensors()
    tokens = [*_byte_characters(), "<s>", "</s>", "ab"]
    keys: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.block_count": 2,
        "llama.context_length": 256,
        "llama.embedding_length": 32,
        "llama.feed_forward_length": 64,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": 8,
        "llama.vocab_size": 259,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * 256 + [3, 3, 1],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 256,
        "tokenizer.ggml.eos_token_id": 257,
        **changes,
    }
    keys = {key: value for key, value in keys.items() if value is not None}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    head += b"".join(_gguf_text(key) + _gguf_value(value) for key, value in keys.items())
    data = b""
    for name, tensor in tensors.items():
        shape = tensor.shape[::-1]
        head += _gguf_text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", 0, len(data))
        data += _padded(tensor.astype("<f4").tobytes())
    return _padded(head) + data


def put(folder: Path, files: Mapping[str, bytes]) -> list[ModelFile]:
    """The files on disk, as blobs under their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    found: list[ModelFile] = []
    for path, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        place = folder / digest
        place.write_bytes(data)
        found.append(ModelFile(path, len(data), digest, place))
    return found


def findings_of(folder: Path, files: Mapping[str, bytes]) -> list[Finding]:
    return scan(put(folder, files), repository="lab/tiny").findings


def blocks_of(folder: Path, files: Mapping[str, bytes]) -> set[str]:
    return {f.check for f in findings_of(folder, files) if f.severity is Severity.BLOCK}


def message_of(found: list[Finding], check: str) -> str:
    """The sentence of that check, which must have found something."""
    messages = [finding.message for finding in found if finding.check == check]
    assert messages, f"no {check} in {[(f.check, f.message) for f in found]}"
    return messages[0]


def gguf_tensors() -> Tensors:
    names = {
        "embed_tokens": "token_embd",
        "model.norm": "output_norm",
        "lm_head": "output",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    found: Tensors = {}
    for name, tensor in tensors_of({**CONFIG, "vocab_size": 259}).items():
        short = name.removesuffix(".weight")
        layer = short.split(".")[2] if ".layers." in short else None
        last = next(new for old, new in names.items() if short.endswith(old))
        found[f"blk.{layer}.{last}.weight" if layer else f"{last}.weight"] = tensor
    return found


def _gguf_text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _gguf_value(value: Any) -> bytes:
    match value:
        case str():
            return struct.pack("<I", 8) + _gguf_text(value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case [float(), *_]:
            return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
        case [str(), *_]:
            items = b"".join(map(_gguf_text, value))
            return struct.pack("<IIQ", 9, 8, len(value)) + items
        case _:
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def _padded(raw: bytes) -> bytes:
    return raw + b"\0" * (-len(raw) % 32)


def _byte_characters() -> list[str]:
    """The letter that byte-level tokenizers write for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]
