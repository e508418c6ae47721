"""Files built to exhaust a reader are refused inside of the limits that a worker has."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checks import models

MIB = 1024 * 1024
PROGRAM = """
import resource, sys
from pathlib import Path
from registry.checks.findings import ModelFile
from registry.checks.scanners import gguf_meta, safetensors, scan, shapes, shards, splits
from registry.checks.scanners.folder import Folder
resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
root = Path(sys.argv[1])
files = [ModelFile(p.name, p.stat().st_size, "", p) for p in root.iterdir()]
if sys.argv[2] == "all":
    found = scan(files, repository="lab/tiny").findings
else:  # what reads every byte is not asked of a file without end
    folder = Folder(files, repository="lab/tiny")
    checks = (safetensors.check, splits.check, gguf_meta.check, shapes.check, shards.check)
    found = [finding for check in checks for finding in check(folder)]
print(*(f"{finding.check}: {finding.message}" for finding in found), sep="\\n")
"""


def sparse(path: Path, head: bytes, size: int) -> None:
    path.write_bytes(head)
    with path.open("r+b") as file:
        file.truncate(size)


def header(path: Path, raw: bytes) -> None:
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)


def of_100_gb(folder: Path) -> None:
    sparse(folder / "model.safetensors", struct.pack("<Q", 100 * 10**9) + b"{", 101 * 10**9)


def of_many_tensors(folder: Path) -> None:
    entry = '"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header(
        folder / "model.safetensors",
        ("{" + ",".join(entry % number for number in range(300_000)) + "}").encode(),
    )


def of_many_lists(folder: Path) -> None:
    header(folder / "model.safetensors", b'{"a":[' + b"[]," * 10_000_000 + b"[]]}")


def of_wide_metadata(folder: Path) -> None:
    text = "\N{GRINNING FACE}".encode() * (30 * MIB // 4)
    header(folder / "model.safetensors", b'{"__metadata__":{"a":"' + text + b'","b":5}}')


def of_one_wide_character(folder: Path) -> None:
    """Python keeps four bytes for each character of a text that has one such."""
    wide = "\N{GRINNING FACE}".encode()
    header(folder / "model.safetensors", b'{"__metadata__":{"a":"' + wide + b"a" * 99 * 10**6)


def of_small_mappings(folder: Path) -> None:
    for name, data in models.llama().items():
        (folder / name).write_bytes(data)
    wide = '["\N{GRINNING FACE}",'.encode()
    rest = b'{"a":1},' * 1_990_000 + b'"' + b"a" * 40 * MIB + b'"]'
    (folder / "tokenizer.json").write_bytes(wide + rest)


def of_pickled_mappings(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02" + b"}" * 4_990_000 + b".")


def text(raw: bytes) -> bytes:
    return struct.pack("<Q", len(raw)) + raw


def gguf_of(path: Path, keys: int, head: bytes, size: int = 0) -> None:
    raw = b"GGUF" + struct.pack("<IQQ", 3, 1, keys) + head
    sparse(path, raw, max(size, len(raw)))


def of_many_texts(folder: Path) -> None:
    """Lists of empty texts cost eight bytes each, and zeros cost nothing at all."""
    head = text(b"a") + struct.pack("<IIQ", 9, 8, 4_000_000)
    gguf_of(folder / "m.gguf", 4096, head, 10**11)


def of_long_texts(folder: Path) -> None:
    head = b"".join(
        text(f"k{number}".encode()) + struct.pack("<I", 8) + text(bytes(MIB))
        for number in range(300)
    )
    gguf_of(folder / "m.gguf", 4096, head)


def of_large_numbers(folder: Path) -> None:
    head = text(b"a") + struct.pack("<IIQ", 9, 10, 2**60)
    gguf_of(folder / "m.gguf", 1, head, 10**11)


def of_50_mb(folder: Path) -> None:
    for name, data in models.llama().items():
        (folder / name).write_bytes(data)
    (folder / "config.json").write_bytes(json.dumps({"a": "x" * 50 * 10**6}).encode())


def of_endless_layers(folder: Path) -> None:
    for name, data in models.llama(
        config=models.config(num_hidden_layers=512, max_position_embeddings=10**12)
    ).items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize(
    ("make", "which", "said"),
    [
        (of_100_gb, "own", "ST-HEADER: model.safetensors: its header claims 100000000000 bytes"),
        (of_many_tensors, "own", "its header holds more than 65536 tensors would need"),
        (of_many_lists, "own", "its header holds more than 65536 tensors would need"),
        (of_wide_metadata, "own", "its metadata is not text to text"),
        (of_one_wide_character, "own", "bytes, not all of them ASCII"),
        (of_small_mappings, "all", "SEC-JSON: tokenizer.json: it holds too many lists and objects"),
        (of_pickled_mappings, "all", "it makes more than 500000 mappings"),
        (of_many_texts, "own", "GG-HEADER: m.gguf: the key "),
        (of_long_texts, "own", "GG-HEADER: m.gguf: its header is larger than 256 MiB"),
        (of_large_numbers, "own", "the list a claims 1152921504606846976 entries"),
        (of_50_mb, "all", "SEC-JSON: config.json: it is larger than 1 MiB"),
        (of_endless_layers, "all", "max_position_embeddings is 1000000000000, but must be"),
    ],
)
def test_bombs_are_refused_in_half_a_gigabyte(
    tmp_path: Path, make: Callable[[Path], None], which: str, said: str
) -> None:
    make(tmp_path)

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), which],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode == 0, ended.stderr[-2000:]
    assert said in ended.stdout
