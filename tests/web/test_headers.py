"""Headers of stored weights: read by ranges, bounded, and never believed."""

import json
import struct

import numpy
import pytest

from registry.catalog.files import FileEntry
from registry.checks.scanners.folder import Problem
from registry.storage import many
from registry.web import headers
from tests.checks import models

pytestmark = pytest.mark.django_db


def stored(path: str, raw: bytes) -> FileEntry:
    (blob,) = many.store_all([raw])
    return FileEntry(path, blob.size, "0" * 40, blob.sha256, True)


def test_a_safetensors_header_is_read_with_its_metadata() -> None:
    raw = models.safetensors({"a": numpy.ones((2, 3), "f4"), "b": numpy.ones(4, "f4")})
    (length,) = struct.unpack("<Q", raw[:8])

    found = headers.read(stored("model.safetensors", raw))

    assert [(one.name, one.form, one.bytes) for one in found.tensors] == [
        ("a", "F32 [2, 3]", 24),
        ("b", "F32 [4]", 16),
    ]
    assert (found.values, found.length) == (10, 8 + length)
    assert found.by_dtype[0] == {"dtype": "F32", "tensors": 2, "values": 10, "bytes": 40}


def test_a_gguf_header_is_read_where_it_lies_however_small_the_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(headers, "PIECE", 512)
    raw = models.gguf(**{"general.name": "a\u202eb<script>", "tokenizer.chat_template": "t" * 900})

    found = headers.read(stored("model.gguf", raw))

    said = {key: (kind, value) for key, kind, value in found.metadata}
    assert said["general.architecture"] == ("text", "llama")
    assert said["tokenizer.ggml.tokens"] == ("list of text", "259")
    assert said["general.name"] == ("text", "a\\u{202e}b<script>")
    assert said["tokenizer.chat_template"][1] == "t" * headers.MAX_VALUE + "…"
    assert {one.dtype for one in found.tensors} == {"F32"}
    assert found.length < len(raw)


@pytest.mark.parametrize(
    ("path", "raw", "why"),
    [
        ("a.safetensors", b"", "too short"),
        ("a.safetensors", struct.pack("<Q", 2**63), "claims"),
        ("a.safetensors", models.with_header(b'{"a": 1, "a": 2}'), "twice"),
        ("a.gguf", b"GGUF\x03\0\0\0" + b"\xff" * 16, "claims"),
        ("a.gguf", models.gguf()[:300], "cut off"),
        ("a.GGUF", b"MZ", "cut off"),
    ],
)
def test_a_header_that_lies_is_refused_with_its_reason(path: str, raw: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why):
        headers.read(stored(path, raw))


def test_headers_larger_than_a_page_has_time_for_are_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(headers, "MAX_SAFETENSORS", 64)
    monkeypatch.setattr(headers, "MAX_GGUF", 64)
    raw = models.safetensors({"a": numpy.ones((2, 3), "f4"), "b": numpy.ones(4, "f4")})

    for path, content in (("m.safetensors", raw), ("m.gguf", models.gguf())):
        with pytest.raises(Problem, match="large"):
            headers.read(stored(path, content))


def test_an_index_says_how_many_tensors_are_in_each_shard() -> None:
    weight_map = {"a": "x-1.safetensors", "b": "x-1.safetensors", "c": "x-2.safetensors"}
    raw = json.dumps({"metadata": {"total_size": 9}, "weight_map": weight_map}).encode()

    found = headers.index_of("sub/model.safetensors.index.json", raw)

    assert found.shards == {"sub/x-1.safetensors": 2, "sub/x-2.safetensors": 1}
    assert found.metadata == (("total_size", "", "9"),)
    for wrong in (b"[]", b'{"weight_map": {"a": 1}}', b"{"):
        with pytest.raises(Problem):
            headers.index_of("model.safetensors.index.json", wrong)
