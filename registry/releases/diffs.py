"""What a pull request changes, as text, for those who may have the bytes of both sides."""

import re
from collections.abc import Iterator

from registry.accounts.callers import Caller
from registry.catalog import files
from registry.catalog.files import FileEntry
from registry.catalog.models import Repository
from registry.discussions.pull_requests import Sides
from registry.releases import gate, line_diff
from registry.releases.line_diff import Effort
from registry.storage import blobs

MAX_FILE = 64 * 1024
MAX_FILES = 300
MAX_TEXT = 512 * 1024
MAX_LINES = 4_000
MAX_LINES_OF_ALL = 40_000


def text(repository: Repository, sides: Sides, *, caller: Caller) -> str | None:
    """The change as git shows it, from where the two parted to the head of the pull request. Large
    and binary files are named only, and a very long text ends early. None for who may not have the
    bytes of both sides; for who may, the access log says which files were opened for it."""
    answers = [gate.decide(repository, side, caller=caller) for side in (sides.start, sides.head)]
    if not all(answer.is_open for answer in answers):
        return None
    told, opened = _compared(sides)
    for revision, answer, shown in zip((sides.start, sides.head), answers, opened, strict=True):
        gate.note_whole(shown, answer, repository=repository, revision=revision, caller=caller)
    return told


def _compared(sides: Sides) -> tuple[str, tuple[list[FileEntry], list[FileEntry]]]:
    """The text, and of each side the files whose content went into it."""
    found = files.files_of_many([sides.start, sides.head])
    before, after = (
        {file.path: file for file in found[revision.pk]} for revision in (sides.start, sides.head)
    )
    changed = [
        path
        for path in sorted(before.keys() | after.keys())
        if _id(before.get(path)) != _id(after.get(path))
    ]
    parts: list[str] = []
    opened: tuple[list[FileEntry], list[FileEntry]] = [], []
    left, effort = MAX_LINES_OF_ALL, Effort()
    for path in changed[:MAX_FILES]:
        old, new = _lines(before.get(path)), _lines(after.get(path))
        if old is not None and new is not None and (left := left - len(old) - len(new)) < 0:
            break
        if old is not None and new is not None:
            for shown, file in zip(opened, (before.get(path), after.get(path)), strict=True):
                shown += [file] if file else []
        parts += _of_file(path, before.get(path), after.get(path), old, new, effort)
        if sum(map(len, parts)) > MAX_TEXT:
            break
    return "".join(parts)[:MAX_TEXT], opened


def _of_file(
    path: str,
    before: FileEntry | None,
    after: FileEntry | None,
    old: list[str] | None,
    new: list[str] | None,
    effort: Effort,
) -> Iterator[str]:
    yield f"diff --git a/{path} b/{path}\n"
    if before is None:
        yield "new file mode 100644\n"
    if after is None:
        yield "deleted file mode 100644\n"
    if old is None or new is None:
        yield f"Binary files {_side('a', path, before)} and {_side('b', path, after)} differ\n"
        return
    names = (_side("a", path, before), _side("b", path, after))
    yield from line_diff.unified(old, new, names, effort)


def _side(letter: str, path: str, file: FileEntry | None) -> str:
    return f"{letter}/{path}" if file else "/dev/null"


def _lines(file: FileEntry | None) -> list[str] | None:
    """The lines of a small text; None for what is no text, too large, or has too many lines."""
    if file is None:
        return []
    if file.is_lfs or file.size > MAX_FILE:
        return None
    content = blobs.read(file.sha256, limit=MAX_FILE)
    if b"\0" in content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    # As git and `patch` have it: a line ends where its "\n" is, and nowhere else
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    return lines if len(lines) <= MAX_LINES else None


def _id(file: FileEntry | None) -> tuple[str, bool] | None:
    return (file.oid, file.is_lfs) if file else None
