"""Checkpoints: plain weights pass; whatever would act, lie or hide when opened is blocked."""

import collections
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from registry.checks.findings import Finding, ModelFile
from registry.checks.scanners import container, pickles
from registry.checks.scanners.folder import Problem
from tests.checks import models

NAME = "pytorch_model.bin"


class Acts:
    """What a hostile checkpoint carries: a call that happens while it is opened."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("echo opened >&2",)


def saved(path: Path, value: Any, **how: Any) -> ModelFile:
    torch.save(value, path, **how)
    return ModelFile(NAME, path.stat().st_size, "", path)


def state() -> collections.OrderedDict[str, torch.Tensor]:
    layer = torch.nn.Linear(4, 3)
    found = layer.state_dict()
    found["half"] = torch.ones(5, dtype=torch.bfloat16)
    found["view"] = found["weight"].t()
    found["empty"] = torch.zeros(0, 3)
    return found


def finding(file: ModelFile) -> Finding:
    found = container.finding_of(file)
    assert found is not None
    return found


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_weights_pass(tmp_path: Path, protocol: int) -> None:
    file = saved(tmp_path / NAME, state(), pickle_protocol=protocol)

    assert container.finding_of(file) is None


def test_plain_weights_in_the_legacy_format_pass(tmp_path: Path) -> None:
    file = saved(tmp_path / NAME, state(), _use_new_zipfile_serialization=False)

    assert container.finding_of(file) is None


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("shape", ["zip", "bare"])
def test_a_pickle_that_imports_os_is_named(tmp_path: Path, protocol: int, shape: str) -> None:
    path = tmp_path / NAME
    if shape == "zip":
        file = saved(path, {"a": Acts()}, pickle_protocol=protocol)
    else:
        path.write_bytes(pickle.dumps({"a": Acts()}, protocol=protocol))
        file = ModelFile(NAME, 0, "", path)

    found = finding(file)

    assert found.check == "SEC-PICKLE"
    assert found.message == (
        f"{NAME} calls {os.system.__module__}.system when opened. "
        "Only plain weight files are accepted; save with safetensors."
    )


def test_a_legacy_file_that_imports_os_is_blocked(tmp_path: Path) -> None:
    file = saved(tmp_path / NAME, {"a": Acts()}, _use_new_zipfile_serialization=False)

    assert finding(file).check == "SEC-PICKLE"


def test_a_whole_module_is_not_a_weight_file(tmp_path: Path) -> None:
    assert finding(saved(tmp_path / NAME, torch.nn.Linear(2, 2))).check == "SEC-PICKLE"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93X\x01\x00\x00\x001\x85R.",
        b"(ios\nsystem\n.",
        b"\x80\x02ccollections\nOrderedDict\n)\x81.",
        b"\x80\x02(ccollections\nOrderedDict\no.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb.",
        b"\x80\x02}}b.",
        b"Pkey\n.",
    ],
    ids=["eval", "stack-global", "inst", "newobj", "obj", "ext", "storage", "build", "dict", "id"],
)
def test_every_way_to_call_something_is_blocked(stream: bytes) -> None:
    with pytest.raises(pickles.PickleCalls):
        pickles.walk(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\x80\x02}",
        b"\x80\x02}.more",
        b"\x80\x02}}.",
        b"\x80\x02h\x07.",
        b"\x80\x02}q\x05.",
        b"\x80\x02X\xff\xff\xff\xffa.",
        b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00}.",
        b"\x80\x02\x8b\x01\x00\x00\x00\x01.",
        b"\x80\x02K\x012.",
        b"\x80\x09}.",
    ],
    ids=[
        "empty",
        "cut",
        "trailing",
        "left",
        "memo",
        "order",
        "length",
        "frame",
        "long",
        "dup",
        "protocol",
    ],
)
def test_a_stream_that_lies_is_blocked(stream: bytes) -> None:
    with pytest.raises(pickles.PickleBroken):
        pickles.walk(stream)


def test_a_tensor_that_reaches_beyond_its_storage_is_blocked(tmp_path: Path) -> None:
    path = tmp_path / NAME
    saved(path, {"a": torch.zeros(4)})
    raw = _pickle_of(path)
    # The storage has 4 values; a view of 9 would read other memory.
    longer = raw.replace(b"K\x00K\x04\x85", b"K\x00K\x09\x85")
    assert longer != raw

    with pytest.raises(pickles.PickleBroken, match="beyond its storage"):
        pickles.walk(longer)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"#" + raw,
        lambda raw: raw + b"#",
        lambda raw: raw[:-5],
        lambda raw: raw.replace(b"\x08\x08\x00\x00", b"\x08\x08\x08\x00", 1),
        lambda raw: raw.replace(b"/version", b"/odd_one"),
        lambda raw: raw[:64] + bytes([raw[64] ^ 1]) + raw[65:],
    ],
    ids=["prefix", "suffix", "cut", "method", "member", "checksum"],
)
def test_zip_tricks_are_blocked(tmp_path: Path, change: Any) -> None:
    path = tmp_path / NAME
    saved(path, state())
    path.write_bytes(change(path.read_bytes()))

    assert finding(ModelFile(NAME, 0, "", path)).severity == "block"


def test_a_zip_written_by_another_program_is_blocked(tmp_path: Path) -> None:
    path = tmp_path / NAME
    saved(tmp_path / "good", state())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", _pickle_of(tmp_path / "good"))

    found = finding(ModelFile(NAME, 0, "", path))

    assert found.check == "SEC-CONTAINER"
    assert "is not a normal PyTorch container" in found.message


def test_a_legacy_file_with_bytes_after_its_storages_is_blocked(tmp_path: Path) -> None:
    path = tmp_path / NAME
    saved(path, state(), _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes() + struct.pack("<q", 1))

    assert finding(ModelFile(NAME, 0, "", path)).check == "SEC-PICKLE-PARSE"


def test_a_pickle_under_the_name_of_a_text_is_found(tmp_path: Path) -> None:
    found = models.findings_of(tmp_path, {"notes.txt": b"cos\nsystem\n(S'id'\ntR."})

    assert models.message_of(found, "SEC-MAGIC") == (
        "notes.txt says text but contains a pickle that calls os.system."
    )


@pytest.mark.parametrize(
    "text", ["common words\nand more\n", "cats and dogs\nare here\n.", "(a)\n"]
)
def test_ordinary_prose_is_no_pickle(tmp_path: Path, text: str) -> None:
    assert models.blocks_of(tmp_path, {"notes.txt": text.encode()}) == set()


@given(st.binary(max_size=200))
def test_no_bytes_break_the_walk(data: bytes) -> None:
    try:
        pickles.walk(b"\x80\x02" + data)
    except Problem:
        return


def _pickle_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        return archive.read(name)
