"""Torch checkpoints (.bin, .pth): a plain zip or legacy container around an honest pickle."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import hidden_pickles, pickles
from registry.checks.scanners.folder import Folder, Problem

MAX_PICKLE = 64 * 1024 * 1024
MAX_MEMBERS = 100_000
MAX_TAIL = 64 * 1024 * 1024
CHUNK = 1024 * 1024
ENDINGS = (".bin", ".pth", ".pt", ".pkl", ".pickle", ".ckpt", ".joblib")
# Names are UTF-8, and the sizes follow the data; nothing follows where there is no data.
FLAGS, EMPTY_FLAGS = 0x0808, 0x0800

LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_MEMBER = re.compile(
    r"[^/\\\x00-\x1f]{1,200}/(data\.pkl|data/\d{1,9}|version|byteorder"
    r"|\.format_version|\.storage_alignment|\.data/serialization_id)"
)


class ContainerProblem(Problem):
    """Why this is not the container that torch.save writes."""


@dataclass(frozen=True)
class Layout:
    """What a checkpoint holds: its state, and at which byte of the file each storage starts."""

    state: pickles.Mapping
    starts: dict[str, int]


@dataclass(frozen=True)
class Member:
    name: str
    crc: int
    size: int
    header_at: int


def check(folder: Folder) -> Iterator[Finding]:
    def judge(file: ModelFile) -> Iterator[Finding]:
        if not file.path.lower().endswith(ENDINGS):
            return
        if finding := finding_of(file, lambda file: layout_in(folder, file)):
            yield finding

    yield from folder.contents("SEC-PICKLE", judge)


def layout_of(file: ModelFile, *, verify: bool = True) -> Layout:
    """Where the checkpoint keeps what, or a Problem. Without `verify` its checksums are believed,
    and the data is not read."""
    with file.local.open("rb") as stream:
        return _read(stream, file.local.stat().st_size, verify=verify)


def layout_in(folder: Folder, file: ModelFile) -> Layout:
    """The same, read once for all scanners. The checksums of a file that passed before are right."""

    def read(file: ModelFile) -> Layout:
        return layout_of(file, verify=file.path not in folder.known)

    found: Layout = folder.parsed("checkpoint", file.path, read)
    return found


def finding_of(file: ModelFile, read: Callable[[ModelFile], Layout] = layout_of) -> Finding | None:
    """What is wrong with this checkpoint, or None."""
    name = show(file.path)
    try:
        read(file)
    except pickles.PickleCalls as problem:
        return block(
            "SEC-PICKLE",
            f"{name} calls {show(problem.what)} when opened. "
            "Only plain weight files are accepted; save with safetensors.",
            file=file.path,
            where=problem.what,
        )
    except pickles.NotWeights as problem:
        return block(
            "SEC-PICKLE-PARSE",
            f"{name} holds more than weights: {problem.why}. "
            "Only plain weight files are accepted; save with safetensors.",
            file=file.path,
            value=problem.at,
        )
    except pickles.PickleBroken as problem:
        return block(
            "SEC-PICKLE-PARSE",
            f"{name} is damaged or built to confuse scanners at byte {problem.at}: {problem.why}.",
            file=file.path,
            value=problem.at,
        )
    except ContainerProblem as problem:
        return block(
            "SEC-CONTAINER",
            f"{name} is not a normal PyTorch container: {problem}.",
            file=file.path,
        )
    return None


def _read(stream: BinaryIO, size: int, *, verify: bool) -> Layout:
    head = stream.read(len(LEGACY_MAGIC))
    stream.seek(0)
    if head.startswith(b"PK"):
        return _read_zip(stream, size, verify=verify)
    if head == LEGACY_MAGIC:
        return _read_legacy(stream, size)
    return _read_bare(stream, size)


def _read_bare(stream: BinaryIO, size: int) -> NoReturn:
    """No container: say what it would call, since that is what the author has to know."""
    hidden_pickles.walk_or_name(stream.read(min(size, MAX_PICKLE)))
    raise ContainerProblem("it is a bare pickle")


# Zip


def _read_zip(stream: BinaryIO, size: int, *, verify: bool) -> Layout:
    members = _members(stream, size)
    end = 0
    pickled, order = b"", b"little"
    starts: dict[str, int] = {}
    for member in members:
        if member.header_at != end:
            raise ContainerProblem(f"there is a gap or an overlap before {show(member.name)}")
        wanted = member.name.endswith("/data.pkl")
        if wanted and member.size > MAX_PICKLE:
            raise ContainerProblem("its pickle is too large")
        is_order = member.name.endswith("/byteorder") and member.size < 16
        data, begin, end = _member_data(
            stream, member, keep=wanted or is_order, verify=verify or wanted
        )
        starts[member.name.rsplit("/", 1)[1]] = begin
        pickled = data if wanted else pickled
        order = data if is_order else order
    if order != b"little":
        raise ContainerProblem("its numbers are not little-endian")
    walked = hidden_pickles.walk_or_name(pickled)
    if why := pickles.state_problem(walked.value):
        raise pickles.NotWeights(why, walked.end)
    sizes = {
        member.name.rsplit("/", 1)[1]: member.size
        for member in members
        if re.search(r"^[^/]+/data/\d+$", member.name)
    }
    for key, storage in walked.storages.items():
        if sizes.pop(key, None) != storage.items * storage.item_bytes:
            raise pickles.PickleBroken(f"the storage {show(key)} has another size", walked.end)
    if sizes:
        raise ContainerProblem(f"nothing uses data/{min(sizes)}")
    return Layout(walked.value, {key: starts[key] for key in walked.storages})


def _members(stream: BinaryIO, size: int) -> list[Member]:
    """The directory at the end, checked: names, flags, methods, and that it ends the file."""
    count, start, length, end = _directory(stream, size)
    if count > MAX_MEMBERS or length > MAX_TAIL or start + length != end:
        raise ContainerProblem("its directory does not lie before its end")
    stream.seek(start)
    directory = stream.read(length)
    members: list[Member] = []
    at = 0
    for _ in range(count):
        member, at = _entry(directory, at)
        members.append(member)
    if at != length:
        raise ContainerProblem("its directory has bytes that belong to none")
    names = [member.name for member in members]
    if len(set(names)) != len(names):
        raise ContainerProblem("a member appears twice")
    if len({name.split("/", 1)[0] for name in names}) != 1:
        raise ContainerProblem("it has more than one top folder")
    if not any(name.endswith("/data.pkl") for name in names):
        raise ContainerProblem("it has no data.pkl")
    members.sort(key=lambda member: member.header_at)
    last = members[-1]
    _, _, data_end = _member_data(stream, last, keep=False, verify=False)
    if data_end != start:
        raise ContainerProblem("there is a gap before its directory")
    return members


def _directory(stream: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """Number of members, start, length and end of the directory."""
    if size < 22:
        raise ContainerProblem("it is cut off")
    stream.seek(size - 22)
    record = stream.read(22)
    if not record.startswith(b"PK\x05\x06"):
        raise ContainerProblem("it is cut off, or something follows its end")
    _, disk, first, here, count, length, start, comment = struct.unpack("<4s4H2IH", record)
    if disk or first or comment or here != count:
        raise ContainerProblem("its end record is not the usual one")
    end = size - 22
    if end < 20:
        return count, start, length, end
    stream.seek(end - 20)
    locator = stream.read(20)
    if not locator.startswith(b"PK\x06\x07"):
        return count, start, length, end
    _, _, at, disks = struct.unpack("<4sIQI", locator)
    if disks != 1 or at + 56 != end - 20:
        raise ContainerProblem("its long end record is not where it says")
    stream.seek(at)
    long = struct.unpack("<4sQ2H2I4Q", stream.read(56))
    if long[0] != b"PK\x06\x06" or long[1] != 44 or long[4] or long[5] or long[6] != long[7]:
        raise ContainerProblem("its long end record is not the usual one")
    shorts = ((count, long[7], 0xFFFF), (length, long[8], 2**32 - 1), (start, long[9], 2**32 - 1))
    if any(short not in (value, most) for short, value, most in shorts):
        raise ContainerProblem("its two end records disagree")
    return long[7], long[9], long[8], at


def _entry(directory: bytes, at: int) -> tuple[Member, int]:
    if len(directory) - at < 46:
        raise ContainerProblem("its directory is cut off")
    (magic, _, _, flags, method, _, _, crc, packed, size, name_length, extra_length, comment, disk, _, _, header_at) = struct.unpack_from("<4s6H3I5H2I", directory, at)  # fmt: skip
    raw = directory[at + 46 : at + 46 + name_length]
    extra = directory[at + 46 + name_length : at + 46 + name_length + extra_length]
    name = raw.decode("utf-8", "replace")
    if magic != b"PK\x01\x02" or len(raw) != name_length or len(extra) != extra_length:
        raise ContainerProblem("its directory is damaged")
    if not _MEMBER.fullmatch(name):
        raise ContainerProblem(f"it holds {show(name)}")
    if flags not in (FLAGS, EMPTY_FLAGS) or method or comment or disk:
        raise ContainerProblem(f"{show(name)} is compressed, encrypted or marked in an odd way")
    size, packed, header_at = _long_sizes(name, extra, size, packed, header_at)
    if size != packed:
        raise ContainerProblem(f"{show(name)} is compressed")
    return Member(name, crc, size, header_at), at + 46 + name_length + extra_length


def _long_sizes(name: str, extra: bytes, *numbers: int) -> list[int]:
    """The numbers, with those that did not fit into 32 bits taken from the extra field."""
    missing = [place for place, number in enumerate(numbers) if number == 2**32 - 1]
    found = list(numbers)
    if not extra and not missing:
        return found
    if len(extra) < 4 or extra[:2] != b"\x01\x00" or len(extra) != 4 + 8 * len(missing):
        raise ContainerProblem(f"{show(name)} has an odd extra field")
    for place, value in zip(missing, struct.unpack(f"<{len(missing)}Q", extra[4:]), strict=True):
        found[place] = value
    return found


def _member_data(
    stream: BinaryIO, member: Member, *, keep: bool, verify: bool
) -> tuple[bytes, int, int]:
    """Pass one member, checksum included if wanted; returns its bytes if wanted, where its data
    begins, and where the next one starts."""
    stream.seek(member.header_at)
    header = stream.read(30)
    if len(header) != 30:
        raise ContainerProblem("it is cut off")
    magic, _, flags, method, _, _, _, _, _, name_length, extra_length = struct.unpack(
        "<4s5H3I2H", header
    )
    name = stream.read(name_length).decode("utf-8", "replace")
    wanted = FLAGS if member.size else EMPTY_FLAGS
    stream.seek(extra_length, 1)
    if magic != b"PK\x03\x04" or name != member.name or flags != wanted or method:
        raise ContainerProblem(f"{show(member.name)} is described in two ways")
    begin = stream.tell()
    crc, data = member.crc, b""
    if verify or keep:
        crc, data = _summed(stream, member.size, keep=keep)
    else:
        stream.seek(member.size, 1)
    if crc != member.crc:
        raise ContainerProblem(f"the checksum of {show(member.name)} is wrong")
    end = begin + member.size
    if not member.size:
        return b"", begin, end
    for form in ("<4sIII", "<4sIQQ"):
        stream.seek(end)
        raw = stream.read(struct.calcsize(form))
        if len(raw) == struct.calcsize(form) and struct.unpack(form, raw) == (
            b"PK\x07\x08",
            crc,
            member.size,
            member.size,
        ):
            return data, begin, stream.tell()
    raise ContainerProblem(f"{show(member.name)} does not end as it should")


def _summed(stream: BinaryIO, left: int, *, keep: bool) -> tuple[int, bytes]:
    kept: list[bytes] = []
    crc = 0
    while left:
        data = stream.read(min(CHUNK, left))
        if not data:
            raise ContainerProblem("it is cut off")
        crc = zlib.crc32(data, crc)
        left -= len(data)
        if keep:
            kept.append(data)
    return crc, b"".join(kept)


# Legacy


def _read_legacy(stream: BinaryIO, size: int) -> Layout:
    """Magic, version, system, state and keys, each a pickle; then the storages, to the last byte."""
    data = stream.read(min(size, MAX_PICKLE))
    at = len(LEGACY_MAGIC)
    parts: list[pickles.Walked] = []
    for _ in range(4):
        walked = pickles.walk(data, start=at, whole=False)
        parts.append(walked)
        at = walked.end
    version, _, state, keys = parts
    if version.value != 1001:
        raise ContainerProblem("its version is unknown")
    if why := pickles.state_problem(state.value):
        raise pickles.NotWeights(why, state.end)
    if not isinstance(keys.value, list) or sorted(map(str, keys.value)) != sorted(state.storages):
        raise pickles.PickleBroken("its list of storages is not that of its tensors", keys.end)
    starts: dict[str, int] = {}
    for key in keys.value:
        storage = state.storages[key]
        stream.seek(at)
        count = stream.read(8)
        starts[key] = at + 8
        at += 8 + storage.items * storage.item_bytes
        if len(count) < 8 or struct.unpack("<q", count)[0] != storage.items:
            raise pickles.PickleBroken(f"the storage {show(key)} has another size", at)
    if at != size:
        raise pickles.PickleBroken("its storages do not end with the file", min(at, size))
    return Layout(state.value, starts)
