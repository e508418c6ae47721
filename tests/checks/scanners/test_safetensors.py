"""Safetensors headers: sound files pass; every lie has its sentence, and nothing raises anything else."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checks.findings import ModelFile
from registry.checks.scanners import safetensors
from tests.checks import models

ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
SMALL = models.safetensors({"a": models.numpy.ones((2, 3)), "b": models.numpy.ones(4)})


def parsed(tmp_path: Path, raw: bytes) -> safetensors.Header:
    path = tmp_path / "model.safetensors"
    path.write_bytes(raw)
    return safetensors.header_of(ModelFile(path.name, len(raw), "", path))


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    header = parsed(tmp_path, SMALL)

    assert header.tensors["a"].shape == (2, 3)
    assert header.metadata == {"format": "pt"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "too short"),
        (SMALL[:-1], "it is cut off: 1 bytes of its tensors are missing"),
        (SMALL + b"x", "1 bytes after its last tensor belong to none"),
        (struct.pack("<Q", 2**63) + b"{}", "its header claims"),
        (struct.pack("<Q", 99) + b"{}", "but the file has"),
        (models.with_header(b"[]"), "does not start with {"),
        (models.with_header(b'{"a":1}'), "is not dtype, shape and data_offsets"),
        (models.with_header(b"{" * 70), "nested deeper than 64"),
        (models.with_header(b'{"a":' + b"9" * 5000 + b"}"), "more than 20 digits"),
        (models.with_header(b'{"a":NaN}'), "it holds NaN"),
        (models.with_header(b'{"\xff":1}'), "it is not UTF-8"),
    ],
    ids=["empty", "cut", "tail", "bomb", "long", "list", "entry", "deep", "digits", "nan", "utf8"],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, raw: bytes, why: str) -> None:
    with pytest.raises(safetensors.HeaderProblem, match=why):
        parsed(tmp_path, raw)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"a\n": ENTRY}, "is not allowed"),
        ({"a": {**ENTRY, "dtype": "F31"}}, "unknown dtype"),
        ({"a": {**ENTRY, "shape": [-2]}}, "not a list of sizes"),
        ({"a": {**ENTRY, "shape": [True, 2]}}, "not a list of sizes"),
        ({"a": {**ENTRY, "shape": [2**40, 2**40]}}, "overflows"),
        ({"a": {**ENTRY, "shape": [3]}}, "its range is 8 bytes"),
        ({"a": {**ENTRY, "data_offsets": [8, 0]}}, "not a start and an end"),
        ({"a": {**ENTRY, "data_offsets": [4, 12]}}, "4 bytes before a belong to none"),
        ({"a": ENTRY, "b": ENTRY}, "overlaps the tensor before it"),
        ({"a": {**ENTRY, "more": 1}}, "is not dtype, shape and data_offsets"),
        ({"a": ENTRY, "__metadata__": {"x": 1}}, "metadata is not text to text"),
    ],
)
def test_an_entry_that_lies_is_refused(tmp_path: Path, header: dict, why: str) -> None:
    raw = models.with_header(json.dumps(header).encode(), b"\0" * 8)

    with pytest.raises(safetensors.HeaderProblem, match=why):
        parsed(tmp_path, raw)


def test_duplicate_names_which_the_stock_library_takes_are_refused(tmp_path: Path) -> None:
    entry = json.dumps(ENTRY)
    raw = models.with_header(f'{{"a":{entry},"a":{entry}}}'.encode(), b"\0" * 8)

    found = models.findings_of(tmp_path, models.llama(model=raw))

    assert models.message_of(found, "ST-HEADER") == (
        "model.safetensors: in its header, the key a appears twice."
    )


changes = st.lists(
    st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=4
)


@given(changed=changes, cut=st.integers(0, len(SMALL)))
def test_any_mutation_is_read_or_refused(changed: list[tuple[int, int]], cut: int) -> None:
    raw = bytearray(SMALL)
    for place, value in changed:
        raw[place] = value
    (length,) = struct.unpack_from("<Q", raw)
    header = bytes(raw[8 : 8 + min(length, len(raw))])
    try:
        found = safetensors.parse(header, data_bytes=max(0, len(raw) - 8 - len(header)))
        safetensors.parse(bytes(raw[8:cut]), data_bytes=len(raw))
    except safetensors.HeaderProblem:
        return
    assert sum(tensor.end - tensor.begin for tensor in found.tensors.values()) <= len(raw)


names = st.text("abcdefgh._-0123456789", min_size=1, max_size=20)
shapes = st.lists(st.integers(0, 4), max_size=4)


@given(st.dictionaries(names, shapes, max_size=6))
def test_every_valid_file_is_read(wanted: dict[str, list[int]]) -> None:
    tensors = {name: models.numpy.zeros(shape, "float32") for name, shape in wanted.items()}
    raw = models.safetensors(tensors)
    (length,) = struct.unpack_from("<Q", raw)

    header = safetensors.parse(raw[8 : 8 + length], data_bytes=len(raw) - 8 - length)

    assert {name: list(tensor.shape) for name, tensor in header.tensors.items()} == wanted
