"""Files as they are uploaded, measured as the sandbox measures them, compared as the worker does."""

from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.lineage import kinds, verdicts
from registry.checks.lineage.compare import Comparison, compare
from registry.checks.lineage.fingerprints import Prints, read
from registry.checks.smoke import weights as stage
from tests.checks import prints
from tests.checks.smoke import weights as raw

BASE = prints.weights()
Q8_0 = 8
GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}


def _measured(path: Path) -> Prints:
    records: dict[str, list[dict[str, Any]]] = {}

    def send(kind: str, data: dict[str, Any]) -> None:
        records.setdefault(kind, []).append(data)

    stage.measure([path], send=send, progress=lambda done: None)
    found = read(records)
    assert found is not None
    return found


def _safetensors(folder: Path, model: prints.Weights, dtype: str = "F32") -> Prints:
    path = folder / "model.safetensors"
    path.write_bytes(raw.safetensors(raw.raw(model, dtype)))
    return _measured(path)


def _gguf(folder: Path, model: prints.Weights) -> Prints:
    """The matrices in blocks of eight bits, q and k in the order of rows that GGUF has."""
    tensors = {}
    for name, tensor in model.items():
        short = name.removesuffix(".weight")
        layer = short.split(".")[2] if ".layers." in short else None
        new = next(new for old, new in GGUF_NAMES.items() if short.endswith(old))
        if new in ("attn_q", "attn_k"):
            heads = tensor.reshape(-1, 2, prints.WIDTH // 2, prints.HIDDEN)
            tensor = heads.swapaxes(1, 2).reshape(tensor.shape)
        full = f"blk.{layer}.{new}.weight" if layer else f"{new}.weight"
        tensors[full] = (0, tensor.shape, tensor.tobytes())
        if tensor.ndim == 2:
            tensors[full] = (Q8_0, tensor.shape, _blocks(tensor))
    keys = {
        "llama.block_count": prints.LAYERS,
        "llama.embedding_length": prints.HIDDEN,
        "llama.attention.head_count": prints.HEADS,
        "llama.attention.head_count_kv": prints.HEADS // 2,
        "llama.rope.dimension_count": prints.WIDTH,
    }
    path = folder / "model.gguf"
    path.write_bytes(raw.gguf(tensors, **keys))
    return _measured(path)


def _blocks(tensor: numpy.ndarray) -> bytes:
    blocks = tensor.reshape(-1, 32)
    steps = (numpy.abs(blocks).max(axis=1) / 127).astype("f2")
    values = numpy.rint(blocks / steps[:, None].astype("f4")).astype("i1")
    return b"".join(step.tobytes() + row.tobytes() for step, row in zip(steps, values, strict=True))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Prints:
    return _safetensors(tmp_path_factory.mktemp("base"), BASE)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (BASE, kinds.IDENTICAL),
        (prints.tuned(BASE), kinds.FULL),
        (prints.with_adapter(BASE), kinds.ADAPTER),
        (prints.rounded(BASE, bits=4), kinds.QUANTIZED),
        (prints.pruned(BASE), kinds.PRUNED),
        (prints.tuned(prints.cut(BASE, 2, 3)), kinds.DEPTH_CUT),
    ],
)
def test_what_was_done_is_told_from_the_files(
    base: Prints, tmp_path: Path, model: prints.Weights, kind: str
) -> None:
    one = compare(_safetensors(tmp_path, model), base)

    assert (one.kind, verdicts.verdict_of(one)) == (kind, verdicts.SUPPORTED)


def test_a_shorter_number_format_and_a_gguf_are_the_same_model(
    base: Prints, tmp_path: Path
) -> None:
    short = prints.as_bfloat16(BASE)

    converted = compare(_safetensors(tmp_path, short, "BF16"), base)
    packed = compare(_gguf(tmp_path, prints.tuned(BASE, share=0.02)), base)

    assert converted.kind == kinds.CONVERTED
    assert (packed.kind, verdicts.verdict_of(packed)) == (kinds.QUANTIZED, verdicts.SUPPORTED)
    assert packed.cosine > 0.99
    assert packed.share == 1
    assert packed.gram > 0.99


def _is_seen_through(one: Comparison) -> bool:
    return verdicts.is_disguised(one) and verdicts.verdict_of(one) == verdicts.NOT_SUPPORTED


def test_disguises_are_seen_through_and_strangers_are_strangers(
    base: Prints, tmp_path: Path
) -> None:
    for disguise in (prints.permuted_units, prints.rotated):
        assert _is_seen_through(compare(_safetensors(tmp_path, disguise(BASE)), base))
    for seed in (1, 2, 3):
        for measured in (_safetensors, _gguf):
            one = compare(measured(tmp_path, prints.weights(seed)), base)
            assert (one.kind, verdicts.verdict_of(one)) == ("", verdicts.CONTRADICTED)
            assert not verdicts.is_disguised(one)
