"""Files that confuse their readers: headers, archives, two formats at once, bombs, names."""

import gzip
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

from tests.checks import models
from tests.checks.corpus.acting import container
from tests.checks.corpus.case import Case, Files, beside, hostile

PNG = b"\x89PNG\r\n\x1a\n"
ZIP = container(b"\x80\x02}.")
GIB = 1024**3


def cases() -> list[Case]:
    return [*_headers(), *_archives(), *_polyglots(), *_json(), *_cards(), *_sizes(), *_names()]


def entry(begin: int, end: int, **changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [(end - begin) // 4], "data_offsets": [begin, end], **changes}


def tensors(header: dict[str, Any] | bytes, data: bytes = b"") -> Callable[[], Files]:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return lambda: models.llama(model=models.with_header(raw, data))


def gguf(head: bytes) -> Callable[[], Files]:
    return lambda: {"README.md": models.CARD, "model.gguf": b"GGUF" + head}


def _headers() -> list[Case]:
    twice = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},' * 1
    twice += b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    key = struct.pack("<Q", 1) + b"k" + struct.pack("<I", 9)
    return hostile(
        "safetensors header",
        "ST-HEADER",
        hundred_gigabytes=lambda: models.llama(model=struct.pack("<Q", 100 * GIB) + b"{}"),
        duplicate=tensors(twice, b"\0" * 4),
        overlap=tensors({"a": entry(0, 8), "b": entry(4, 12)}, b"\0" * 12),
        hole=tensors({"a": entry(0, 4), "b": entry(8, 12)}, b"\0" * 12),
        tail=tensors({"a": entry(0, 4)}, b"\0" * 8),
        cut=tensors({"a": entry(0, 8)}, b"\0" * 4),
        overflow=tensors({"a": entry(0, 0, shape=[2**40, 2**40])}),
        negative=tensors({"a": entry(0, 4, shape=[-1])}, b"\0" * 4),
        name=tensors({"a\x1b[0m": entry(0, 4)}, b"\0" * 4),
        dtype=tensors({"a": entry(0, 4, dtype="PICKLE")}, b"\0" * 4),
        deep=tensors(b'{"a":' * 90_000),
        metadata=tensors({"__metadata__": {"a": {"b": 1}}, "a": entry(0, 4)}, b"\0" * 4),
        polyglot=tensors({"a": entry(0, 4)}, b"\0" * 4 + ZIP),
    ) + hostile(
        "GGUF header",
        "GG-HEADER",
        version=gguf(struct.pack("<IQQ", 9, 0, 0)),
        many_keys=gguf(struct.pack("<IQQ", 3, 0, 2**60)),
        many_tensors=gguf(struct.pack("<IQQ", 3, 2**60, 0)),
        long_text=gguf(struct.pack("<IQQQ", 3, 0, 1, 2**62)),
        long_list=gguf(struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<IQ", 0, 2**62)),
        nested=gguf(struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<IQ", 9, 5)),
        cut=lambda: {"README.md": models.CARD, "m.gguf": models.gguf()[:-9]},
        after=lambda: {"README.md": models.CARD, "m.gguf": models.gguf() + b"\1" * 40},
    )


def _archives() -> list[Case]:
    bomb = gzip.compress(b"\0" * 1024 * 1024)
    data = {
        "zip": ZIP,
        "gzip bomb": bomb,
        "bzip2": b"BZh91AY&SY" + b"\0" * 40,
        "xz": b"\xfd7zXZ\x00" + b"\0" * 40,
        "7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 40,
        "zstd": b"\x28\xb5\x2f\xfd" + b"\0" * 40,
        "rar": b"Rar!\x1a\x07\x01\x00" + b"\0" * 40,
        "lz4": b"\x04\x22\x4d\x18" + b"\0" * 40,
        "ar": b"!<arch>\ndebian-binary",
        "cpio": b"070701" + b"0" * 104 + b"TRAILER!!!\0",
        "iso": b"\0" * 0x8000 + b"\x01CD001\x01" + b"\0" * 99,
    }
    places = ("notes.txt", "a.png", "a.pdf", "tokenizer.model", "model.safetensors", "data.csv")
    return [
        case
        for name, raw in data.items()
        for place in places
        for case in hostile(
            "archive",
            "SEC-ARCHIVE",
            **{f"{name} as {place}": lambda p=place, r=raw: models.llama() | {p: r}},
        )
    ] + hostile(
        "archive",
        "SEC-MAGIC SEC-CONTAINER SEC-PICKLE-PARSE",
        zlib_stream=lambda: models.llama() | {"pytorch_model.bin": zlib.compress(b"text" * 99)},
    )


def _polyglots() -> list[Case]:
    return hostile(
        "two formats at once",
        "SEC-MAGIC",
        picture_and_zip=lambda: beside(a__png=PNG + ZIP),
        document_and_zip=lambda: beside(a__pdf=b"%PDF-1.7\n" + ZIP),
        text_and_zip=lambda: beside(a__txt=b"text\n" + ZIP + b"\0" * 30),
        page_as_picture=lambda: beside(a__jpg=b"<html><script>alert(1)</script>"),
        page_as_drawing=lambda: beside(a__svg=b"<html><script>alert(1)</script></html>"),
        document_as_text=lambda: beside(a__txt=b"%PDF-1.7\n"),
        weights_as_text=lambda: beside(a__txt=models.gguf()),
        nul_in_text=lambda: beside(a__json=b'{"a": "\0"}'),
        wide_text=lambda: beside(a__txt="text".encode("utf-16")),
        words_as_tokenizer=lambda: beside(tokenizer__model=b"just words"),
    )


def _json() -> list[Case]:
    def config(raw: bytes) -> Callable[[], Files]:
        return lambda: models.llama(config=raw)

    return hostile(
        "JSON",
        "SEC-JSON",
        duplicate=config(b'{"model_type": "llama", "model_type": "own"}'),
        duplicate_by_escape=config(b'{"a": 1, "\\u0061": 2}'),
        deep=config(b"[" * 500_000),
        digits=config(b'{"a": ' + b"9" * 21 + b"}"),
        many_digits=config(b'{"a": ' + b"9" * 500_000 + b"}"),
        nan=config(b'{"a": NaN}'),
        infinity=config(b'{"a": -Infinity}'),
        exponent=config(b'{"a": 1e400}'),
        fifty_megabytes=config(b'{"a": "' + b"x" * 50 * 1024 * 1024 + b'"}'),
        half_character=config(b'{"a": "\\ud800"}'),
        cut=config(b'{"a": '),
        after=config(b"{} {}"),
        comment=config(b'{"a": 1} // b'),
    ) + hostile(
        "sizes that no loader survives",
        "CFG-LIMITS",
        layers=lambda: models.llama(config=models.config(num_hidden_layers=10**9)),
        hidden=lambda: models.llama(config=models.config(hidden_size=2**40)),
        vocabulary=lambda: models.llama(config=models.config(vocab_size=10**12)),
        context=lambda: models.llama(config=models.config(max_position_embeddings=2**60)),
    )


def _cards() -> list[Case]:
    def card(front: str) -> Callable[[], Files]:
        return lambda: models.llama(readme=f"---\n{front}\n---\n# A model\n".encode())

    laughs = "a: &a [x, x]\n" + "\n".join(f"a{n}: &a{n} [*a, *a]" for n in range(9))
    return hostile(
        "front matter",
        "CARD-PARSE",
        bomb=card(laughs),
        object=card("license: !!python/object/apply:os.system [id]"),
        duplicate=card("license: mit\nlicense: apache-2.0"),
        large=card("a: " + "x" * 70_000),
        deep=card("a: " + "[" * 40),
        type=card("tags: {a: b}"),
        no_end=lambda: models.llama(readme=b"---\nlicense: mit\n"),
    )


def _sizes() -> list[Case]:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"
    return hostile(
        "amounts", "UPL-SIZE", files=lambda: {f"f/{n}.txt": b"" for n in range(10_001)}
    ) + hostile(
        "amounts",
        "UPL-LFS",
        pointer=lambda: models.llama() | {"notes.txt": pointer.encode()},
        pointer_as_weights=lambda: models.llama(model=pointer.encode()),
    )


def _names() -> list[Case]:
    names = (
        "../config.json",
        "/etc/passwd",
        "a\\b.txt",
        "C:/a.txt",
        "a//b.txt",
        "./a.txt",
        ".git/config",
        ".GIT/hooks/a.txt",
        ".g\u200cit/config",
        "gpj.\u202etxt",
        "a\0.txt",
        "a\n.txt",
        " a.txt",
        "a.txt ",
        "a.txt.",
        "CON.txt",
        "x" * 256,
        "/".join("x" * 33),
        "CONFIG.json",
    )
    outside = {"weight_map": {"a": "../../secret.safetensors"}}
    return [
        case
        for number, name in enumerate(names)
        for case in hostile(
            "path", "UPL-PATH", **{str(number): lambda n=name: models.llama() | {n: b"x"}}
        )
    ] + hostile(
        "files of elsewhere",
        "ST-INDEX",
        index=lambda: beside(model__safetensors__index__json=json.dumps(outside).encode()),
    )
