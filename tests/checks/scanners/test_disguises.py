"""No accepted suffix carries a pickle, an archive or a program; what each of them means passes."""

import base64
import gzip
import io
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceTrainer

from registry.checks.findings import ModelFile
from registry.checks.scanners import disguises, token_files
from tests import turns
from tests.checks import models

ACCEPTED = [
    "tokenizer.model",
    *(f"notes.{ending}" for ending in ("md", "txt", "jinja", "csv", "tsv", "yaml", "yml", "json")),
    *(f"notes.{ending}" for ending in ("pdf", "svg", "png", "jpg", "webp", "gif")),
    *("LICENSE", ".gitignore", "extra.safetensors", "extra.gguf", "pytorch_model.bin"),
]
ACTS = b"cos\nsystem\n(S'id'\ntR."
SVG = b'<?xml version="1.0"?>\n<!-- drawn --><svg xmlns="http://www.w3.org/2000/svg"/>'
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + b"\0" * 6 + b"\x2c" + b"\0" * 9 + b";"


class Acts:
    """What a hostile file carries: a call that happens while it is opened."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("echo opened >&2",)


def archives() -> dict[str, bytes]:
    zipped, tarred, old = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.txt", "text")
    for target, form in ((tarred, tarfile.USTAR_FORMAT), (old, tarfile.USTAR_FORMAT)):
        with tarfile.open(fileobj=target, mode="w", format=form) as tape:
            tape.addfile(tarfile.TarInfo("a.txt"))
    return {
        "zip": zipped.getvalue(),
        "tar": tarred.getvalue(),
        "gzip": gzip.compress(b"text"),
        "old tar": _without_signature(old.getvalue()),
    }


def _without_signature(tape: bytes) -> bytes:
    head = bytearray(tape[:512])
    head[257:265] = b"\0" * 8
    total = sum(head[:148]) + 8 * ord(" ") + sum(head[156:])
    head[148:156] = f"{total:06o}\0 ".encode()
    return bytes(head) + tape[512:]


def pieces() -> bytes:
    """A model as the stock trainer writes it."""
    target = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a tiny model of a few words", "words and more words"] * 20),
        model_writer=target,
        vocab_size=30,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return target.getvalue()


def ranks() -> bytes:
    lines = (f"{base64.b64encode(bytes([n])).decode()} {n}\n" for n in range(256))
    return "".join(lines).encode()


def file_of(folder: Path, data: bytes) -> ModelFile:
    path = folder / "file"
    path.write_bytes(data)
    return ModelFile("file", len(data), "", path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ACCEPTED)
def test_a_pickle_that_acts_is_blocked_under_every_accepted_name(
    tmp_path: Path, name: str, protocol: int
) -> None:
    data = pickle.dumps({"a": [1, "text"], "b": Acts()}, protocol=protocol)

    found = models.blocks_of(tmp_path, models.llama() | {name: data})

    assert found & {"SEC-MAGIC", "SEC-PICKLE"}


@pytest.mark.parametrize("kind", ["zip", "tar", "gzip", "old tar"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_an_archive_is_blocked_under_every_accepted_name(
    tmp_path: Path, name: str, kind: str
) -> None:
    found = models.blocks_of(tmp_path, {name: archives()[kind]})

    assert found & {"SEC-ARCHIVE", "SEC-CONTAINER"}


@pytest.mark.parametrize("data", [b"\x7fELF" + b"\0" * 99, b"MZ" + b"\0" * 99, b"#!/bin/sh\n"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_a_program_is_blocked_under_every_accepted_name(
    tmp_path: Path, name: str, data: bytes
) -> None:
    assert "SEC-NATIVE" in models.blocks_of(tmp_path, {name: data})


@pytest.mark.parametrize(
    "name", [n for n in ACCEPTED if n.endswith((".gif", ".md", ".pdf", ".svg", ".png"))]
)
@pytest.mark.parametrize("rest", [b"", b"\0" * 40, b"\n"])
def test_a_zip_behind_a_sound_head_is_blocked_whatever_follows_it(
    tmp_path: Path, name: str, rest: bytes
) -> None:
    heads = {"gif": GIF, "md": b"# Text\n", "pdf": b"%PDF-1.7\n", "svg": SVG}
    head = heads.get(name.rsplit(".", 1)[-1], b"\x89PNG\r\n\x1a\n")

    found = models.blocks_of(tmp_path, {name: head + archives()["zip"] + rest})

    assert "SEC-MAGIC" in found


@pytest.mark.parametrize(
    "stream",
    [
        b"I0x1\n0" + ACTS,
        b"L0x1L\n0" + ACTS,
        b"S'\xc3\xa9'\n0" + ACTS,
        b"V" + b"long " * 40_000 + b"\n0" + ACTS,
        b"N." + ACTS,
        b"L119547037146038801333356L\n.I1001\n.(dp0\n." + ACTS,
        b"(ios\nsystem\n.",
        b"(V\xc2\xa0id\nios\nsystem\n.",
        b"N0" * 40_000 + ACTS,
        b"N0" * 80_000 + ACTS,
        b"U\x02osU\x06systemU\x01\xc2\x93U\x02id\x85R.",
    ],
    ids=[
        "hex", "hex-long", "utf-8", "long-line", "second", "legacy", "inst", "inst-argument",
        "padded", "padded-more", "computed",
    ],
)  # fmt: skip
def test_no_stream_hides_behind_a_stricter_decoder(tmp_path: Path, stream: bytes) -> None:
    assert disguises.pickle_in(file_of(tmp_path, stream))


def test_a_picture_that_is_a_pickle_too_is_blocked(tmp_path: Path) -> None:
    """G takes eight bytes for a number, and so takes the signature of a GIF."""
    data = b"GIF89a\x01\x00\x01" + b"0" + ACTS

    found = models.findings_of(tmp_path, {"a.gif": data})

    assert "a pickle that calls os.system" in models.message_of(found, "SEC-MAGIC")


def test_a_whole_pickle_without_a_call_is_no_text(tmp_path: Path) -> None:
    data = pickle.dumps({"a": [1, 2, 3]}, protocol=0)

    assert "SEC-MAGIC" in models.blocks_of(tmp_path, {"notes.txt": data})


def test_the_walk_itself_is_quick_and_small(tmp_path: Path) -> None:
    with turns.at_most(600):
        assert disguises.pickle_in(file_of(tmp_path, b"N0" * 4_000_000))


@pytest.mark.parametrize(
    "text",
    [
        "class\nfoo\nReturn it\n",
        "chat\nmodel\n(to be read)\n",
        "Very short.",
        "N.",
        "",
        "P1,2\nP3,4\n",
        "I\n",
        "Built with care\n",
        "(see below)\n",
        "(into\nthe open air\n",
    ],
)
def test_prose_is_no_pickle(tmp_path: Path, text: str) -> None:
    assert disguises.pickle_in(file_of(tmp_path, text.encode())) is None


@pytest.mark.parametrize("make", [pieces, ranks])
def test_tokenizers_of_both_kinds_pass(tmp_path: Path, make: Any) -> None:
    assert models.findings_of(tmp_path, models.llama() | {"tokenizer.model": make()}) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        b"\x0a",
        b"\x0a\x03abc",
        b"\x12\x03abc",
        b"\x0a\x03\x0a\x01a\x0a\xff\xff\xff\xff\xff\xff",
        b"\x0a\x03\x0a\x01a\x3a\x01a",
        b"\x0a\x04\x0a\x01a\x15",
        b"\x0a\x03\x0a\x01\xff",
        b"IQ== 0\ncos\nsystem\n",
        b"IQ== -1\n",
        b"IQ==  0\n",
    ],
)
def test_any_other_tokenizer_is_blocked(tmp_path: Path, data: bytes) -> None:
    assert "SEC-MAGIC" in models.blocks_of(tmp_path, models.llama() | {"tokenizer.model": data})


def test_bytes_after_the_pieces_are_blocked(tmp_path: Path) -> None:
    for rest in (b"\0", ACTS, archives()["zip"], struct.pack("<q", 1)):
        files = {"tokenizer.model": pieces() + rest}
        assert "SEC-MAGIC" in models.blocks_of(tmp_path, files)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.svg", SVG),
        ("a.svg", b"<svg/>"),
        ("a.svg", b"\xef\xbb\xbf\n<!DOCTYPE svg PUBLIC 'a' 'b'>\n<svg></svg>"),
        ("a.pdf", b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n"),
        ("a.gif", GIF),
        ("a.csv", b"name,score\nP1,2\n"),
        ("a.yaml", b"a: 1\n"),
        ("a.tsv", b"a\tb\n"),
    ],
)
def test_what_a_suffix_means_passes(tmp_path: Path, name: str, data: bytes) -> None:
    assert models.blocks_of(tmp_path, {name: data}) == set()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.svg", b"plain text"),
        ("a.svg", b"<html><svg/></html>"),
        ("a.svg", b"<svg>\0</svg>"),
        ("a.svg", b"<!--" + b"-->  <!--" * 7000),
        ("a.pdf", b" %PDF-1.7"),
        ("a.webp", b"RIFF\0\0\0\0WAVE"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_what_it_does_not_mean_is_blocked(tmp_path: Path, name: str, data: bytes) -> None:
    with turns.at_most(600):
        assert "SEC-MAGIC" in models.blocks_of(tmp_path, {name: data})


@given(st.binary(max_size=300))
def test_no_bytes_break_the_walk_or_the_reader_of_tokenizers(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = file_of(tmp_path_factory.getbasetemp(), data)

    disguises.pickle_in(file)
    token_files.fault_of(file.local)
