"""GGUF headers: sound files pass; every lie has its sentence."""

import struct
from pathlib import Path

import gguf as library
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.checks.findings import ModelFile
from registry.checks.scanners import gguf
from tests.checks import models

SOUND = models.gguf()
COUNT_AT, KEYS_AT = 8, 16


def parsed(path: Path, raw: bytes) -> gguf.Header:
    path.write_bytes(raw)
    return gguf.header_of(ModelFile(path.name, len(raw), "", path))


def patched(at: int, form: str, value: int) -> bytes:
    raw = bytearray(SOUND)
    struct.pack_into(form, raw, at, value)
    return bytes(raw)


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    header = parsed(tmp_path / "m.gguf", SOUND)

    assert header.values["general.architecture"] == "llama"
    assert header.lengths["tokenizer.ggml.tokens"] == 259
    assert header.tensors["token_embd.weight"].shape == (32, 259)


def test_block_sizes_are_those_of_the_format() -> None:
    sizes = {int(kind): size for kind, size in library.constants.GGML_QUANT_SIZES.items()}

    assert {kind: sizes[kind] for kind in gguf.BLOCKS} == gguf.BLOCKS


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"GGU", "it is cut off"),
        (b"XXXX" + SOUND[4:], "does not start as a GGUF file"),
        (patched(4, "<I", 1), "its version 1 is not 2 or 3"),
        (patched(4, ">I", 3), "is not 2 or 3"),
        (patched(KEYS_AT, "<Q", 2**60), "it claims 1152921504606846976 keys"),
        (patched(COUNT_AT, "<Q", 2**60), "it claims 1152921504606846976 tensors"),
        (patched(24, "<Q", 2**62), "claims 4611686018427387904 bytes"),
        (SOUND[:-64], "it is cut off: "),
        (SOUND[:500], "it is cut off: its header ends at byte 500"),
        (SOUND + b"\0" * 64, "64 bytes after its last tensor belong to none"),
        (models.gguf(**{"general.alignment": 24}), "not a power of two"),
        (models.gguf(**{"Bad Key": 1}), "the key Bad Key is not allowed"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, raw: bytes, why: str) -> None:
    with pytest.raises(gguf.HeaderProblem, match=why):
        parsed(tmp_path / "m.gguf", raw)


@pytest.mark.parametrize(("length", "passes"), [(4_000_000, True), (4_000_001, False)])
def test_a_list_has_at_most_four_million_entries(tmp_path: Path, length: int, passes: bool) -> None:
    key = b"general.file_type"
    listed = struct.pack(f"<Q{len(key)}sIIQ", len(key), key, 9, 0, length) + bytes(length)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + listed
    tensor = struct.pack("<Q1sIQIQ", 1, b"a", 1, 1, 0, 0)
    raw = head + tensor + bytes(-len(head + tensor) % 32) + bytes(4)

    if passes:
        assert parsed(tmp_path / "m.gguf", raw).lengths == {key.decode(): length}
    else:
        with pytest.raises(gguf.HeaderProblem, match="claims 4000001 entries"):
            parsed(tmp_path / "m.gguf", raw)


def test_a_truncated_file_is_blocked_with_its_sentence(tmp_path: Path) -> None:
    found = models.findings_of(tmp_path, {"m.gguf": SOUND[:-64]})

    assert models.message_of(found, "GG-HEADER") == (
        "m.gguf: it is cut off: 64 bytes of its tensors are missing."
    )


def test_more_tokens_than_rows_are_blocked(tmp_path: Path) -> None:
    tokens = [f"t{number}" for number in range(300)]

    found = models.findings_of(
        tmp_path, {"m.gguf": models.gguf(**{"tokenizer.ggml.tokens": tokens})}
    )

    assert models.message_of(found, "TOK-VOCAB") == (
        "m.gguf: token id 299, but the embedding has 259 rows."
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 3000), value=st.integers(0, 255), cut=st.integers(0, len(SOUND)))
def test_any_mutation_is_read_or_refused(tmp_path: Path, place: int, value: int, cut: int) -> None:
    raw = bytearray(SOUND)
    raw[place] = value
    for shown in (bytes(raw), bytes(raw[:cut])):
        try:
            parsed(tmp_path / "m.gguf", shown)
        except gguf.HeaderProblem:
            continue


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (40, "has the type NVFP4, which these checks cannot read yet"),
        (41, "has the type Q1_0, which these checks cannot read yet"),
        (36, "has the type 36, which was given up"),
        (99, "has the unknown type 99"),
    ],
)
def test_a_type_that_nothing_here_can_read_is_named(kind: int, why: str, tmp_path: Path) -> None:
    name = b"token_embd.weight"
    at = SOUND.index(name) + len(name) + 4 + 2 * 8

    with pytest.raises(gguf.HeaderProblem, match=f"token_embd.weight {why}"):
        parsed(tmp_path / "m.gguf", patched(at, "<I", kind))
