"""What is measured of weights is what they hold, in every format, and in little memory."""

import base64
import hashlib
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy
import pytest
from gguf import quants
from gguf.constants import GGMLQuantizationType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.checks.lineage import fingerprints
from registry.checks.positions import grid
from registry.checks.smoke.weights import figures, formats, prints, tensors
from tests.checks import models
from tests.checks.smoke import weights
from tests.checks.smoke.weights import figures_of, gguf, gguf_of, model, raw, stage

# What the files after the first leave out.
OF_FIRST_FILE = {"general.architecture": None, "llama.embedding_length": None}
UP = "model.layers.0.mlp.up_proj.weight"
PLACES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def at_grid(values: numpy.ndarray, name: str) -> numpy.ndarray:
    rows, columns = grid(name, values.shape)
    return values.reshape(-1, values.shape[-1])[numpy.ix_(rows, columns)].reshape(-1)


def recorded(folder: Path, files: dict[str, bytes]) -> fingerprints.Prints:
    """The fingerprint that the registry makes of what the stage tells."""
    records: dict[str, list[dict[str, Any]]] = {}

    def send(kind: str, data: dict[str, Any]) -> None:
        records.setdefault(kind, []).append(data)

    stage(folder, files, send=send)
    found = fingerprints.read(records)
    assert found is not None
    return found


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16", "F8_E5M2"])
def test_figures_are_those_of_the_numbers(
    tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "SLICE", 4096)
    values = numpy.random.default_rng(1).normal(0, 0.5, (300, 70)).astype("float32")
    values[7] = 0
    content = raw({UP: values}, dtype)
    found = figures_of(tmp_path, content)[UP]

    held = {
        "F64": values,
        "F32": values,
        "F16": values.astype("f2"),
        "BF16": (values.view("u4") & 0xFFFF0000).view("f4"),
        "F8_E5M2": (values.astype("f2").view("u2") & 0xFF00).view("f2"),
    }[dtype].astype("f8")
    assert found.sha256 == hashlib.sha256(content[UP][2]).hexdigest()
    assert found.highest == pytest.approx(abs(held).max())
    assert found.norm == pytest.approx(numpy.linalg.norm(held), rel=1e-5)
    assert found.std == pytest.approx(held.std(), rel=1e-2)
    assert (found.zero_rows, found.broken, found.is_constant) == (1, 0, False)
    assert found.samples is not None
    assert found.samples.tolist() == at_grid(held, UP).astype("f4").tolist()


def test_small_and_large_numbers_are_told_apart(tmp_path: Path) -> None:
    for scale in (1e-30, 1e-20, 1e20, 1e30):
        values = numpy.random.default_rng(2).normal(0, scale, (64, 64)).astype("float32")
        found = figures_of(tmp_path, raw({UP: values}))[UP]
        assert found.norm == pytest.approx(numpy.linalg.norm(values.astype("f8")), rel=1e-5)
    every = numpy.arange(65_536, dtype="<u2").reshape(256, 256)
    halves = formats.decode("F16", every.view("u1").reshape(-1, 2))[:, 0]
    sound = numpy.isfinite(every.view("f2").reshape(-1))
    assert (halves[sound] == every.view("f2").reshape(-1)[sound].astype("f4")).all()


def test_small_floats_are_read_as_torch_reads_them() -> None:
    import torch

    every = torch.arange(256, dtype=torch.uint8)
    for dtype, kind in {
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
        "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
        "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    }.items():
        wanted = every.view(kind).to(torch.float32).numpy()
        found = formats.decode(dtype, every.numpy().reshape(-1, 1))[:, 0]
        sound = numpy.isfinite(wanted)
        assert (found[sound] == wanted[sound]).all(), dtype
    pairs = formats.decode("F4", numpy.array([[0x21], [0xF7]], "u1"))
    assert pairs.tolist() == [[0.5, 1.0], [6.0, -6.0]]


@PLACES
@given(
    kind=st.sampled_from(sorted(formats.SCALES)),
    rows=st.integers(1, 70),
    blocks=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_samples_of_blocks_are_those_of_the_whole_dequantized(
    tmp_path: Path, kind: str, rows: int, blocks: int, seed: int
) -> None:
    numbers, taken = formats.block_of(kind) or (0, 0)
    random = numpy.random.default_rng(seed)
    content = random.integers(0, 256, (rows * blocks, taken), "uint8")
    for place, _ in formats.SCALES[kind]:
        scales = random.normal(0, 0.01, rows * blocks).astype("<f2")
        content[:, place : place + 2] = scales.view("u1").reshape(-1, 2)
    number = GGMLQuantizationType[kind]
    shape = (rows, blocks * numbers)
    whole = quants.dequantize(content, number).reshape(shape)
    file = gguf({"blk.3.ffn_up.weight": (int(number), shape, content.tobytes())})

    [(name, found)] = gguf_of(tmp_path, file).items()

    assert name == "model.layers.3.mlp.up_proj.weight"
    assert found.tensor.shape == shape
    assert found.samples is not None
    assert found.samples.tolist() == at_grid(whole, name).tolist()
    assert found.highest >= abs(whole).max() * 0.999
    assert found.sha256 == hashlib.sha256(content.tobytes()).hexdigest()


def as_gguf(hf: models.Tensors, names: Iterable[str], *, kind: str, **keys: Any) -> bytes:
    """As converters write it: other names, and the rows of each head interleaved."""
    held: dict[str, tuple[int, tuple[int, ...], bytes]] = {}
    for name in names:
        values = hf[tensors.hf_name(name)]
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            values = values.reshape(-1, 2, 4, 32).swapaxes(1, 2).reshape(values.shape)
        if kind == "F16" or values.ndim == 1:
            held[name] = (1, values.shape, values.astype("<f2").tobytes())
        else:
            number = GGMLQuantizationType[kind]
            held[name] = (int(number), values.shape, quants.quantize(values, number).tobytes())
    return gguf(held, **keys)


def test_the_same_model_has_the_same_fingerprint_in_every_format(tmp_path: Path) -> None:
    hf = models.tensors_of({**models.CONFIG, "vocab_size": 259})
    one = recorded(tmp_path / "hf", {"model.safetensors": weights.safetensors(raw(hf, "F16"))})
    names = list(models.gguf_tensors())
    split = {
        "a-00001-of-00002.gguf": as_gguf(hf, names[:3], kind="F16"),
        "a-00002-of-00002.gguf": as_gguf(hf, names[3:], kind="F16", **OF_FIRST_FILE),
    }
    two = recorded(tmp_path / "half", split)
    three = recorded(tmp_path / "quantized", {"a.gguf": as_gguf(hf, names, kind="Q8_0")})

    assert {name: it.sha256 for name, it in one.tensors.items()} == {
        name: it.sha256 for name, it in two.tensors.items()
    }
    for name, it in one.tensors.items():
        assert it.shape == two.tensors[name].shape == three.tensors[name].shape
        assert (it.samples == two.tensors[name].samples).all()
        if it.is_matrix:
            off = abs(it.samples - three.tensors[name].samples).max()
            assert 0 < off < 0.002, name
    assert one.gram is not None
    assert two.gram is not None
    assert three.gram is not None
    assert one.gram.rows == two.gram.rows == tuple(range(259))
    assert (one.gram.values == two.gram.values).all()
    assert abs(one.gram.values - three.gram.values).max() < 0.01
    assert set(one.units) == {UP, UP.replace("up", "gate")} == set(three.units)
    assert one.units[UP].shape == (64, 32)


def test_the_gram_is_of_rows_that_a_few_more_tokens_do_not_move() -> None:
    rows = prints.gram_rows(32_000)
    assert len(set(rows.tolist())) == 512
    assert rows.tolist() == prints.gram_rows(32_007).tolist() == sorted(rows.tolist())
    assert rows.max() < 16_384


def test_cosines_are_those_of_the_rows(tmp_path: Path) -> None:
    values = numpy.random.default_rng(4).normal(0, 1, (600, 16)).astype("float32")
    values[0] = 0
    name = "model.embed_tokens.weight"
    found = recorded(tmp_path, {"model.safetensors": weights.safetensors(raw({name: values}))})

    assert found.gram is not None
    rows = values[list(found.gram.rows)]
    lengths = numpy.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / numpy.where(lengths, lengths, 1)
    wanted = (rows @ rows.T)[numpy.triu_indices(512, 1)]
    assert abs(found.gram.values - wanted).max() < 1e-3


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_are_measured_as_safetensors_are(tmp_path: Path, zipped: bool) -> None:
    import torch

    hf = model()
    state = {name: torch.from_numpy(tensor) for name, tensor in hf.items()}
    state[UP] = torch.from_numpy(numpy.ascontiguousarray(hf[UP].T)).T
    state["lm_head.weight"] = state["lm_head.weight"].bfloat16()
    torch.save(state, tmp_path / "saved", _use_new_zipfile_serialization=zipped)
    one = recorded(tmp_path / "a", {"model.safetensors": weights.safetensors(raw(hf))})
    two = recorded(tmp_path / "b", {"pytorch_model.bin": (tmp_path / "saved").read_bytes()})

    del one.tensors["lm_head.weight"]
    assert two.tensors.pop("lm_head.weight").dtype == "BF16"
    assert one.weights_digest == two.weights_digest
    assert (one.tensors[UP].samples == two.tensors[UP].samples).all()


def test_packed_integers_are_hashed_and_not_sampled(tmp_path: Path) -> None:
    name = "model.layers.0.mlp.up_proj.qweight"
    content = numpy.arange(256, dtype="<i4").tobytes()
    packed = {name: ("I32", (4, 64), content)}
    found = recorded(tmp_path, {"model.safetensors": weights.safetensors(packed)})

    assert found.tensors[name].sha256 == hashlib.sha256(content).hexdigest()
    assert found.tensors[name].samples.size == 0


def test_a_tensor_of_any_size_takes_a_few_slices_of_memory(tmp_path: Path) -> None:
    values = numpy.random.default_rng(0).integers(0, 0x3F80, (4096, 4096), "uint16")
    name = "model.embed_tokens.weight"
    path = tmp_path / "measured.safetensors"
    path.write_bytes(weights.safetensors({name: ("BF16", values.shape, values.tobytes())}))
    del values
    [tensor] = tensors.tensors_of([path])
    figures.measure(tensor)

    tracemalloc.start()
    try:
        figures.measure(tensor)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    gram = 512 * 4096 * (2 + 4 + 8 + 8) + 3 * 512 * 512 * 8
    assert peak < 8 * tensors.SLICE + gram


def test_what_is_told_stays_within_what_may_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prints, "MOST_BYTES", 10_000)
    monkeypatch.setattr(prints, "MOST_RECORDS", 8)

    found = recorded(tmp_path, {"model.safetensors": weights.safetensors(raw(model()))})

    assert len(found.tensors) == 8
    assert sum(it.samples.nbytes for it in found.tensors.values()) < 10_000


def test_lines_are_short_enough_to_be_heard(tmp_path: Path) -> None:
    values = numpy.random.default_rng(4).normal(0, 1, (40_000, 32)).astype("float32")
    shapes = {"model.embed_tokens.weight": values, UP: values, UP.replace("up", "gate"): values}
    sent: list[dict[str, Any]] = []

    def send(kind: str, data: dict[str, Any]) -> None:
        sent.append(data)

    stage(tmp_path, {"model.safetensors": weights.safetensors(raw(shapes))}, send=send)

    assert max(len(data.get("values") or "") for data in sent) < 200_000
    units = b"".join(base64.b64decode(data["values"]) for data in sent if data.get("width"))
    assert len(units) == 2 * 40_000 * 32
