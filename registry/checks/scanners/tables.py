"""Whether the data files of a dataset are whole: Parquet, Arrow, and text compressed with Zstandard.

Only their frames are walked. Nothing is decompressed, and no library that reads tables is asked.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

PARQUET, ARROW, STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
ZSTD, SKIPPABLE = 0xFD2FB528, range(0x184D2A50, 0x184D2A60)
RAW, RLE, COMPRESSED = range(3)
# Programs fill their blocks; very many small ones would only keep the scan busy
FREE_BLOCKS, LEAST_BLOCK = 10_000, 1024


class _Broken(Exception):
    """The bytes are no whole file of this kind."""


def fault_of(path: Path, ending: str) -> str | None:
    """What the file contains instead of what its ending says, else None."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        if ending == "zst":
            return _fault_of_frames(stream, size)
        if ending == "parquet":
            is_whole = _has_footer(stream, size, PARQUET)
        else:
            is_whole = _has_footer(stream, size, ARROW) or _is_stream(stream, size)
    return None if is_whole else "something else, or only a part of it"


def _has_footer(stream: BinaryIO, size: int, mark: bytes) -> bool:
    """The mark at both ends, and before the last the length of a description that fits between."""
    least = 2 * len(mark) + 4
    if size < least:
        return False
    stream.seek(0)
    begins = stream.read(len(mark)) == mark
    stream.seek(size - len(mark) - 4)
    (length,) = struct.unpack("<I", stream.read(4))
    return begins and stream.read() == mark and 0 < length <= size - least


def _is_stream(stream: BinaryIO, size: int) -> bool:
    """The first message of an Arrow stream, which is how datasets keep their tables."""
    stream.seek(0)
    head = stream.read(8)
    return (
        head.startswith(STREAM) and len(head) == 8 and 0 < int.from_bytes(head[4:], "little") < size
    )


def _fault_of_frames(stream: BinaryIO, size: int) -> str | None:
    blocks = frames = 0
    try:
        while stream.tell() < size:
            mark = _number(stream, 4)
            if mark in SKIPPABLE:
                _skip(stream, _number(stream, 4), size)
                blocks += 1
            elif mark == ZSTD:
                frames += 1
                blocks += _pass_frame(stream, size, most=_most(size) - blocks)
            else:
                raise _Broken
            if blocks > _most(size):
                raise _Broken
    except _Broken:
        return "more than whole Zstandard frames"
    return None if frames else "nothing"


def _pass_frame(stream: BinaryIO, size: int, *, most: int) -> int:
    """Go to the end of a frame. Returns how many blocks it has."""
    described = _number(stream, 1)
    is_single = described & 0x20
    if described & 0x08:
        raise _Broken
    of_content = (1 if is_single else 0, 2, 4, 8)[described >> 6]
    _skip(stream, (not is_single) + (0, 1, 2, 4)[described & 3] + of_content, size)
    blocks, is_last = 0, False
    while not is_last:
        header = _number(stream, 3)
        is_last, kind, length = bool(header & 1), header >> 1 & 3, header >> 3
        if kind not in (RAW, RLE, COMPRESSED) or blocks > most:
            raise _Broken
        _skip(stream, 1 if kind == RLE else length, size)
        blocks += 1
    _skip(stream, 4 if described & 0x04 else 0, size)
    return blocks


def _most(size: int) -> int:
    return FREE_BLOCKS + size // LEAST_BLOCK


def _number(stream: BinaryIO, count: int) -> int:
    data = stream.read(count)
    if len(data) < count:
        raise _Broken
    return int.from_bytes(data, "little")


def _skip(stream: BinaryIO, count: int, size: int) -> None:
    if stream.tell() + count > size:
        raise _Broken
    stream.seek(count, os.SEEK_CUR)
