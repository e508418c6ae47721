"""What a dataset is made of passes in a dataset, and nowhere else; its files are judged whole."""

import json
import struct
from pathlib import Path

import pytest

from registry.checks.findings import Severity
from registry.checks.scanners import scan
from tests.checks import models

TABLE = b"PAR1" + bytes(range(200)) + struct.pack("<I", 100) + b"PAR1"
ARROW = b"ARROW1\0\0" + bytes(100) + struct.pack("<I", 60) + b"ARROW1"
STREAM = b"\xff\xff\xff\xff" + struct.pack("<I", 40) + bytes(100) + b"\xff\xff\xff\xff\0\0\0\0"
LINES = b'{"text": "one", "auto_map": "a word"}\n{"text": "two"}\n'


def frame(content: bytes, *, single: bool = True, checksum: bool = False) -> bytes:
    """A Zstandard frame of one block that is kept as it is."""
    described = (0x20 if single else 0) | (0x04 if checksum else 0)
    size = bytes([len(content)]) if single else b"\x58"
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd" + bytes([described]) + size + block + (b"sum!" if checksum else b"")


NOTE = struct.pack("<II", 0x184D2A50, 5) + b"aside"
FILES = {
    "README.md": b"---\nlicense: apache-2.0\ntask_categories:\n- text-generation\n---\n# Texts\n",
    "data/train-00000-of-00001.parquet": TABLE,
    "data/test.arrow": ARROW,
    "data/stream.arrow": STREAM,
    "data/lines.jsonl": LINES,
    "data/lines.jsonl.zst": frame(LINES[:50]) + NOTE + frame(b"more", checksum=True),
    "data/other.txt.zst": frame(b"text", single=False),
    "data/all.json": b"[" + b'{"a": 1, "a": 2},' * 100_000 + b"{}]",
    "data/rows.csv": b"a,b\n1,2\n",
    "data/rows.tsv": b"a\tb\n",
    "notes.txt": b"notes\n",
    "dataset_infos.json": json.dumps({"default": {"features": {}}}).encode(),
    "figure.png": b"\x89PNG\r\n\x1a\n",
}


def blocks_of(folder: Path, files: dict[str, bytes], *, is_dataset: bool = True) -> set[str]:
    result = scan(models.put(folder, files), repository="lab/texts", is_dataset=is_dataset)
    return {one.check for one in result.findings if one.severity is Severity.BLOCK}


def test_the_files_of_a_dataset_pass_without_a_finding(tmp_path: Path) -> None:
    assert scan(models.put(tmp_path, FILES), repository="a/b", is_dataset=True).findings == []


def test_a_dataset_needs_neither_weights_nor_their_configuration(tmp_path: Path) -> None:
    files = {"README.md": FILES["README.md"], "config.json": b'{"builder": "text"}'}

    assert blocks_of(tmp_path, files) == set()
    assert blocks_of(tmp_path, files, is_dataset=False) == {"CFG-ARCH"}


@pytest.mark.parametrize(
    "name",
    [
        "data/train-00000-of-00001.parquet",
        "data/test.arrow",
        "data/lines.jsonl",
        "data/lines.jsonl.zst",
    ],
)
def test_in_a_model_they_are_of_a_wrong_type(tmp_path: Path, name: str) -> None:
    assert "UPL-TYPE" in blocks_of(tmp_path, {name: FILES[name]}, is_dataset=False)


@pytest.mark.parametrize(
    ("name", "content", "check"),
    [
        ("load.py", b"print()\n", "SEC-CODE"),
        ("data.zip", b"PK\x03\x04", "SEC-ARCHIVE"),
        ("data.tar.zst", frame(b"what"), "UPL-TYPE"),
        ("data.zst", frame(b"what"), "UPL-TYPE"),
        ("data.pkl", b"\x80\x04.", "UPL-TYPE"),
        ("data.parquet", TABLE[:-1], "SEC-MAGIC"),
        ("data.parquet", b"PAR1" + struct.pack("<I", 100) + b"PAR1", "SEC-MAGIC"),
        ("data.parquet", b"PARE" + TABLE[4:], "SEC-MAGIC"),
        ("data.parquet", b"", "SEC-MAGIC"),
        ("data.parquet", b"PK\x03\x04" + TABLE, "SEC-ARCHIVE"),
        ("data.arrow", ARROW[:-3], "SEC-MAGIC"),
        ("data.arrow", STREAM[:8].replace(b"\x28", b"\xff"), "SEC-MAGIC"),
        ("data.jsonl", b"\0binary", "SEC-MAGIC"),
        ("data.jsonl", frame(b"what"), "SEC-ARCHIVE"),
        ("data.json.zst", b"{}", "SEC-MAGIC"),
        ("data.json.zst", b"", "SEC-MAGIC"),
        ("data.json.zst", NOTE, "SEC-MAGIC"),
        ("data.json.zst", frame(b"text")[:-1], "SEC-MAGIC"),
        ("data.json.zst", frame(b"text") + b"#!/bin/sh\n", "SEC-MAGIC"),
        ("data.json.zst", b"\x7fELF" + frame(b"text"), "SEC-NATIVE"),
        ("data.json.zst", frame(b"") * 20_000, "SEC-MAGIC"),
        ("dataset_infos.json", b'{"a": 1, "a": 2}', "SEC-JSON"),
        ("config.json", b'{"auto_map": {"AutoConfig": "x.Y"}}', "SEC-CODE"),
        ("config.json", b'{"trust_remote_code": true}', "SEC-CONFIG"),
        ("README.md", b"---\nlicense: [\n---\n", "CARD-PARSE"),
        ("model.safetensors", b"\xff", "ST-HEADER"),
    ],
)
def test_what_is_no_data_is_blocked_in_a_dataset_too(
    tmp_path: Path, name: str, content: bytes, check: str
) -> None:
    assert check in blocks_of(tmp_path, {name: content})
