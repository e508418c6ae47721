"""Which bytes of a file a request asks for."""

import re
from dataclasses import dataclass

from django.http import HttpRequest

RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range begins at or after the end of the file."""


@dataclass(frozen=True)
class Part:
    """`length` bytes from `first` on; `is_range` says whether a part was asked for."""

    first: int
    length: int
    is_range: bool

    @property
    def last(self) -> int:
        return self.first + self.length - 1


def wanted(request: HttpRequest, *, size: int, etag: str) -> Part:
    """The part that the request asks for. Only GET has ranges; what is malformed asks for all."""
    header = request.headers.get("Range", "")
    if request.method != "GET" or not header:
        return Part(0, size, is_range=False)
    condition = request.headers.get("If-Range", "")
    if condition and condition != f'"{etag}"':
        return Part(0, size, is_range=False)
    return parse(header, size)


def parse(header: str, size: int) -> Part:
    """`bytes=a-b`, `bytes=a-` or `bytes=-n`. Several ranges in one are answered with the whole."""
    whole = Part(0, size, is_range=False)
    match = RANGE.fullmatch(header)
    if match is None or match.group(1) == match.group(2) == "" or len(header) > 100:
        return whole
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise Unsatisfiable
        return Part(size - length, length, is_range=True)
    if last and int(last) < int(first):
        return whole
    if int(first) >= size:
        raise Unsatisfiable
    end = min(int(last), size - 1) if last else size - 1
    return Part(int(first), end - int(first) + 1, is_range=True)
