"""How a file is shown on its page: as text with line numbers, as a rendered card, as the header of
weights, or not at all. Nothing of an upload is ever run or fetched by the page that shows it.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.utils.safestring import SafeString

from registry.catalog import cards, markdown
from registry.catalog.files import FileEntry
from registry.checks.findings import escaped
from registry.checks.scanners.folder import Problem
from registry.releases import line_diff
from registry.releases.line_diff import readable
from registry.storage import blobs
from registry.web import headers
from registry.web.headers import FileHeader, Index, TensorRow

PREVIEW_MAX = 256_000
MAX_LINES = 5_000
PER_PAGE = 100
MAX_SHARDS = 64
MAX_SHARD_HEADERS = 32 * 1024 * 1024
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico", ".avif", ".tiff")


@dataclass(frozen=True)
class TextView:
    """`html` is there where the text is markdown and was not asked for as it is. `at` is the line
    of what was looked for."""

    lines: list[str] = field(default_factory=list)
    left_out: int = 0
    at: int = 0
    is_markdown: bool = False
    html: SafeString | None = None
    front_matter: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TensorsView:
    """The tensors of a file or of all shards, those asked for on one page. `problems` says what of
    it could not be read, `at` the row on the page of the one that was looked for."""

    header: FileHeader | None = None
    total: int = 0
    values: int = 0
    by_dtype: list[dict[str, Any]] = field(default_factory=list)
    page: Page[TensorRow] | None = None
    query: str = ""
    dtype: str = ""
    problems: list[str] = field(default_factory=list)
    at: int = 0

    @property
    def metadata(self) -> Sequence[tuple[str, str, str]]:
        return self.header.metadata if self.header else ()


def is_picture(path: str) -> bool:
    return path.lower().endswith(PICTURES)


def text_of(file: FileEntry, *, as_source: bool, files_url: str, at: str = "") -> TextView | None:
    """The text of a small file, or None where it is large or no text."""
    if file.size > PREVIEW_MAX:
        return None
    content = blobs.read(file.sha256, limit=PREVIEW_MAX)
    if b"\0" in content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    is_markdown = file.path.lower().endswith((".md", ".markdown"))
    if is_markdown and not as_source:
        front, prose = cards.split(text)
        folder = posixpath.dirname(file.path)
        html = markdown.render(prose, files_url=f"{files_url}/{folder}" if folder else files_url)
        shown = line_diff.lines_of(front) if front else []
        return TextView(is_markdown=True, html=html, front_matter=shown)
    lines = line_diff.lines_of(text)
    shown = lines[:MAX_LINES]
    return TextView(shown, max(len(lines) - MAX_LINES, 0), _line_of(shown, at), is_markdown)


def _line_of(lines: list[str], key: str) -> int:
    """The line of JSON or YAML where this key stands, counted from 1; 0 where none does."""
    if not key:
        return 0
    # Blanks are never given back: a key of blanks would share out those of a line in every way
    begins = re.compile(rf'\s*+(?:-\s++)?["\']?{re.escape(key)}["\']?\s*:')
    within = re.compile(rf'"{re.escape(key)}"\s*:')
    for rule in (begins.match, within.search):
        for number, line in enumerate(lines, start=1):
            if rule(line):
                return number
    return 0


def header_of(file: FileEntry, *, query: str, dtype: str, number: str, at: str = "") -> TensorsView:
    """The header of one file of weights."""
    try:
        header = headers.read(file)
    except Problem as problem:
        return TensorsView(problems=[readable(str(problem))])
    return _view(header.tensors, header, query=query, dtype=dtype, number=number, at=at)


def index_of(file: FileEntry) -> Index | str:
    """What an index says, or why it cannot be read."""
    try:
        limit = headers.MAX_INDEX
        if file.size > limit:
            raise Problem("it is too large to be shown here")
        return headers.index_of(file.path, blobs.read(file.sha256, limit=limit))
    except Problem as problem:
        return readable(str(problem))


def shards_of(
    files: list[FileEntry], *, query: str, dtype: str, number: str, at: str = ""
) -> tuple[TensorsView, list[tuple[FileEntry, int]]]:
    """The tensors of shards, and how much of which file was read for it."""
    found: list[TensorRow] = []
    problems: list[str] = []
    opened: list[tuple[FileEntry, int]] = []
    left = MAX_SHARD_HEADERS
    for file in files[:MAX_SHARDS]:
        try:
            header = headers.read(file) if left > 0 else None
        except Problem as problem:
            problems.append(f"{file.path}: {readable(str(problem))}")
            continue
        if header is None:
            break
        left -= header.length
        opened.append((file, header.length))
        found += header.tensors
    view = _view(
        tuple(found), None, query=query, dtype=dtype, number=number, at=at, problems=problems
    )
    return view, opened


def _view(
    tensors: tuple[TensorRow, ...],
    header: FileHeader | None,
    *,
    query: str,
    dtype: str,
    number: str,
    at: str,
    problems: list[str] | None = None,
) -> TensorsView:
    wanted = query.casefold()
    rows = [
        tensor
        for tensor in tensors
        if wanted in tensor.name.casefold() and dtype in ("", tensor.dtype)
    ]
    place = _place_of(rows, at)
    page = Paginator(rows, PER_PAGE).get_page(number or max(place - 1, 0) // PER_PAGE + 1)
    return TensorsView(
        header=header,
        total=len(tensors),
        values=sum(tensor.elements for tensor in tensors),
        by_dtype=headers.by_dtype(tensors),
        page=page,
        query=query,
        dtype=dtype,
        problems=problems or [],
        at=place - page.start_index() + 1 if place >= page.start_index() > 0 else 0,
    )


def _place_of(rows: Sequence[TensorRow], at: str) -> int:
    """Which of the rows has the name, as a finding writes it, counted from 1; 0 where none has."""
    if not at:
        return 0
    found = (i for i, row in enumerate(rows, start=1) if escaped(row.name, limit=512) == at)
    return next(found, 0)
