"""Whether the bytes of a file are what its name says (SEC-MAGIC, SEC-NATIVE, SEC-ARCHIVE)."""

import codecs
import re
import struct
from collections.abc import Iterator

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import container, disguises, tables, token_files
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.types import Kind, kind_of

HEAD = 64 * 1024
CHUNK = 1024 * 1024

_ARCHIVES = {
    b"PK\x03\x04": "zip archive",
    b"PK\x05\x06": "zip archive",
    b"\x1f\x8b": "gzip archive",
    b"!<arch>\n": "library archive",
    b"hsqs": "disk image",
    b"\x04\x22\x4d\x18": "lz4 archive",
    b"LZIP\x01": "lzip archive",
    b"\x5d\x00\x00": "lzma archive",
    b"\x1f\x9d": "compress archive",
    b"\x89LZO\x00\r\n\x1a\n": "lzop archive",
    b"xar!\x00": "xar archive",
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
    b"GGUF\x01\0\0\0": "GGUF model",
    b"GGUF\x02\0\0\0": "GGUF model",
    b"GGUF\x03\0\0\0": "GGUF model",
    b"ggjt": "old GGML model",
    b"\x89HDF\r\n\x1a\n": "HDF5 file",
    b"\x93NUMPY": "numpy array",
    b"%PDF-": "PDF document",
}
# These begin as words do, and go on as no text does.
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
_CPIO = re.compile(rb"07070[127][0-9A-Fa-f]{104}")
_ISO, _ISO_AT = b"\x01CD001", 0x8000
_CARRIES = {Kind.CHECKPOINT: "zip archive", Kind.COMPRESSED: "zstandard archive"}
_PICTURES = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    **dict.fromkeys(("jpg", "jpeg"), (b"\xff\xd8\xff",)),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
}
_SVG = re.compile(
    rb"(\xef\xbb\xbf)?+\s*+(?>(<\?xml\b.{0,200}?\?>\s*+)?)"
    rb"((?><!--.{0,4000}?-->|<!DOCTYPE\s+svg\b[^>\[]{0,500}>)\s*+){0,8}+<svg\b",
    re.DOTALL,
)
_ZIP_END = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP_LISTED = b"PK\x01\x02"


def check(folder: Folder) -> Iterator[Finding]:
    def judge(file: ModelFile) -> Iterator[Finding]:
        head, tail = _ends(file)
        kind = kind_of(file.path, in_dataset=folder.is_dataset)
        if (finding := _known(file, kind, head)) or (finding := _mismatch(file, kind, head, tail)):
            yield finding

    yield from folder.contents("SEC-MAGIC", judge)


def _known(file: ModelFile, kind: Kind, head: bytes) -> Finding | None:
    """Programs and archives, under whatever name."""
    if program := _program(head):
        return block("SEC-NATIVE", f"{show(file.path)} is a program ({program}).", file=file.path)
    archive = _begins(head, _ARCHIVES) or _archive_by_structure(head)
    if archive == "zip archive" and file.path.lower().endswith(container.ENDINGS):
        return None  # what torch saves is one, which SEC-CONTAINER judges
    if archive and _CARRIES.get(kind) != archive:
        return block(
            "SEC-ARCHIVE",
            f"{show(file.path)} is a {archive}. Archives are not accepted; upload the files themselves.",
            file=file.path,
        )
    return None


def _mismatch(file: ModelFile, kind: Kind, head: bytes, tail: bytes) -> Finding | None:
    if kind is Kind.CHECKPOINT:
        return None  # SEC-CONTAINER and SEC-PICKLE account for each of its bytes
    contains = _begins(head, _OTHERS) if kind in (Kind.TEXT, Kind.OTHER) else None
    contains = contains or disguises.pickle_in(file) or _not_what_it_says(file, kind, head)
    # What torch saves is one under any name, which SEC-CONTAINER judges
    is_container = head.startswith(b"PK") and file.path.lower().endswith(container.ENDINGS)
    if not contains and not is_container and _ends_as_zip(file, tail):
        contains = "a zip archive at its end"
    if not contains:
        return None
    says = kind.value if kind is not Kind.OTHER else file.path.rsplit(".", 1)[-1]
    return block(
        "SEC-MAGIC", f"{show(file.path)} says {show(says)} but contains {contains}.", file=file.path
    )


def _not_what_it_says(file: ModelFile, kind: Kind, head: bytes) -> str | None:
    """What the file contains instead. Weights have parsers of their own, of every byte."""
    ending = file.path.rsplit(".", 1)[-1].lower()
    match kind:
        case Kind.TEXT:
            return _not_text(file)
        case Kind.TOKENIZER:
            return token_files.fault_of(file.local)
        case Kind.TABLE | Kind.COMPRESSED:
            return tables.fault_of(file.local, ending)
        case Kind.PICTURE if not _is_picture(ending, head):
            return "something else"
        case Kind.DOCUMENT if ending == "pdf" and not head.startswith(b"%PDF-"):
            return "something else"
        case Kind.DOCUMENT if ending == "svg":
            return _not_text(file) or (None if _SVG.match(head) else "something else")
    return None


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


def _is_picture(ending: str, head: bytes) -> bool:
    if ending == "webp" and head[8:12] != b"WEBP":
        return False
    return head.startswith(_PICTURES[ending])


def _archive_by_structure(head: bytes) -> str | None:
    if _is_tar(head):
        return "tar archive"
    if _BZIP2.match(head):
        return "bzip2 archive"
    if _CPIO.match(head):
        return "cpio archive"
    return "disk image" if head.startswith(_ISO, _ISO_AT) else None


def _is_tar(head: bytes) -> bool:
    """Old tar archives have no signature, and a name of the author's choice comes first."""
    if head[257:262] == b"ustar":
        return True
    if len(head) < 512:
        return False
    try:
        said = int(head[148:156].strip(b"\0 "), 8)
    except ValueError:
        return False
    return said == sum(head[:148]) + 8 * ord(" ") + sum(head[156:512])


def _ends_as_zip(file: ModelFile, tail: bytes) -> bool:
    """Readers of zip archives look for the end first, and some take more bytes after it."""
    size = file.local.stat().st_size
    at = tail.find(_ZIP_END)
    while at >= 0:
        if len(tail) - at >= 22:
            listed, _, comment = struct.unpack_from("<IIH", tail, at + 12)
            begin = size - len(tail) + at - listed
            if at + 22 + comment == len(tail) or _lists_files(file, begin, tail[:at]):
                return True
        at = tail.find(_ZIP_END, at + 1)
    return False


def _lists_files(file: ModelFile, begin: int, before: bytes) -> bool:
    """Whether the list of files is where the end of a zip archive says, or a longer end precedes it."""
    if before[-20:].startswith(_ZIP64_LOCATOR):
        return True
    if begin < 0:
        return False
    with file.local.open("rb") as stream:
        stream.seek(begin)
        return stream.read(4) == _ZIP_LISTED
