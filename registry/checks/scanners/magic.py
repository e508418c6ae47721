"""Whether the bytes of a file are what its name says (SEC-MAGIC, SEC-NATIVE, SEC-ARCHIVE)."""

import codecs
import struct
from collections.abc import Iterator

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import hidden_pickles
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.types import Kind, kind_of

HEAD = 64 * 1024
CHUNK = 1024 * 1024

_ARCHIVES = {
    b"PK\x03\x04": "zip archive",
    b"PK\x05\x06": "zip archive",
    b"\x1f\x8b": "gzip archive",
    b"BZh": "bzip2 archive",
    b"\xfd7zXZ\x00": "xz archive",
    b"7z\xbc\xaf\x27\x1c": "7z archive",
    b"\x28\xb5\x2f\xfd": "zstandard archive",
    b"Rar!\x1a\x07": "rar archive",
    b"MSCF\x00\x00\x00\x00": "cabinet archive",
}
_PROGRAMS = {
    b"\x7fELF": "ELF program",
    b"\xfe\xed\xfa\xce": "Mach-O program",
    b"\xfe\xed\xfa\xcf": "Mach-O program",
    b"\xce\xfa\xed\xfe": "Mach-O program",
    b"\xcf\xfa\xed\xfe": "Mach-O program",
    b"\xca\xfe\xba\xbe": "program",
    b"\x00asm": "WebAssembly program",
    b"#!": "script",
}
_OTHERS = {
    b"GGUF": "GGUF model",
    b"ggjt": "old GGML model",
    b"\x89HDF\r\n\x1a\n": "HDF5 file",
    b"\x93NUMPY": "numpy array",
    b"%PDF-": "PDF document",
}
_PICTURES = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
}


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.files:
        folder.reading = file.path
        head, tail = _ends(file)
        kind = kind_of(file.path)
        if (finding := _known(file, kind, head)) or (finding := _mismatch(file, kind, head, tail)):
            yield finding


def _known(file: ModelFile, kind: Kind, head: bytes) -> Finding | None:
    """Programs and archives, under whatever name."""
    if program := _program(head):
        return block("SEC-NATIVE", f"{show(file.path)} is a program ({program}).", file=file.path)
    archive = _begins(head, _ARCHIVES) or ("tar archive" if head[257:262] == b"ustar" else None)
    if archive and not (kind is Kind.CHECKPOINT and archive == "zip archive"):
        return block(
            "SEC-ARCHIVE",
            f"{show(file.path)} is a {archive}. Archives are not accepted; upload the files themselves.",
            file=file.path,
        )
    return None


def _mismatch(file: ModelFile, kind: Kind, head: bytes, tail: bytes) -> Finding | None:
    contains = None
    if kind in (Kind.TEXT, Kind.OTHER):
        contains = _begins(head, _OTHERS)
        if not contains and (what := hidden_pickles.hidden_call(head)):
            contains = f"a pickle that calls {show(what)}"
    if not contains and kind is Kind.TEXT:
        contains = _not_text(file)
    if kind is Kind.PICTURE and not _is_picture(file.path, head):
        contains = "something else"
    if kind is Kind.DOCUMENT and file.path.lower().endswith(".pdf") and head[:5] != b"%PDF-":
        contains = "something else"
    if not contains and kind is not Kind.CHECKPOINT and _ends_as_zip(tail):
        contains = "a zip archive at its end"
    if not contains:
        return None
    says = kind.value if kind is not Kind.OTHER else file.path.rsplit(".", 1)[-1]
    return block(
        "SEC-MAGIC", f"{show(file.path)} says {show(says)} but contains {contains}.", file=file.path
    )


def _ends(file: ModelFile) -> tuple[bytes, bytes]:
    size = file.local.stat().st_size
    with file.local.open("rb") as stream:
        head = stream.read(HEAD)
        stream.seek(max(0, size - HEAD - 22))
        return head, stream.read(HEAD + 22)


def _begins(head: bytes, table: dict[bytes, str]) -> str | None:
    return next((name for start, name in table.items() if head.startswith(start)), None)


def _program(head: bytes) -> str | None:
    if found := _begins(head, _PROGRAMS):
        return found
    if head.startswith(b"MZ") and len(head) >= 64:
        (at,) = struct.unpack_from("<I", head, 60)
        # Text may begin with MZ; a program goes on with a second signature.
        if head[at : at + 4] == b"PE\0\0" or b"\0" in head[:64]:
            return "Windows program"
    return None


def _not_text(file: ModelFile) -> str | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with file.local.open("rb") as stream:
        while data := stream.read(CHUNK):
            if b"\0" in data:
                return "binary data"
            try:
                decoder.decode(data)
            except UnicodeDecodeError:
                return "bytes that are not UTF-8"
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "bytes that are not UTF-8"
    return None


def _is_picture(path: str, head: bytes) -> bool:
    ending = path.rsplit(".", 1)[-1].lower()
    if ending == "webp" and head[8:12] != b"WEBP":
        return False
    return head.startswith(_PICTURES[ending])


def _ends_as_zip(tail: bytes) -> bool:
    at = tail.find(b"PK\x05\x06")
    while at >= 0:
        if len(tail) - at >= 22:
            (comment,) = struct.unpack_from("<H", tail, at + 20)
            if at + 22 + comment == len(tail):
                return True
        at = tail.find(b"PK\x05\x06", at + 1)
    return False
