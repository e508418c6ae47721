"""Whether a .model file is one of the two that are known: SentencePiece, or a list of ranks."""

import re
from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024

# The fields of a SentencePiece model: pieces, how it was trained, two normalizers, samples. All
# have a length; those of a piece are its text, its score and its type.
_PIECES, _FIELDS = 0x0A, {0x0A, 0x12, 0x1A, 0x22, 0x2A}
_TEXT, _SCORE, _TYPE = 0x0A, 0x15, 0x18
_RANK = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]{1,9}\r?\n?")


class _Broken(Exception):
    """The bytes are no SentencePiece model."""


def fault_of(path: Path) -> str | None:
    """What the file contains where it is neither of the two, else None."""
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        return f"more than {MAX_BYTES // 1024**2} MiB"
    if _is_pieces(data) or _is_ranks(data):
        return None
    return "neither a SentencePiece model nor a list of token ranks"


def _is_ranks(data: bytes) -> bool:
    """A token in base64 and its rank on each line, as tiktoken reads them."""
    lines = data.splitlines(keepends=True)
    return bool(lines) and all(_RANK.fullmatch(line) for line in lines)


def _is_pieces(data: bytes) -> bool:
    """Every byte belongs to a known field, and every piece is one."""
    at, pieces = 0, 0
    try:
        while at < len(data):
            tag = data[at]
            if tag not in _FIELDS:
                return False
            begin, end = _body(data, at + 1, len(data))
            if tag == _PIECES:
                _check_piece(data, begin, end)
                pieces += 1
            at = end
    except (_Broken, UnicodeDecodeError):
        return False
    return pieces > 0


def _check_piece(data: bytes, at: int, end: int) -> None:
    while at < end:
        tag, at = data[at], at + 1
        if tag == _TEXT:
            begin, at = _body(data, at, end)
            data[begin:at].decode()
        elif tag == _SCORE:
            at += 4
        elif tag == _TYPE:
            _, at = _number(data, at, end)
        else:
            raise _Broken
    if at != end:
        raise _Broken


def _body(data: bytes, at: int, end: int) -> tuple[int, int]:
    length, begin = _number(data, at, end)
    if begin + length > end:
        raise _Broken
    return begin, begin + length


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number in groups of seven bits, and the place after it."""
    value = 0
    for count in range(5):
        if at + count >= end:
            break
        value |= (data[at + count] & 0x7F) << (7 * count)
        if data[at + count] < 0x80:
            return value, at + count + 1
    raise _Broken
