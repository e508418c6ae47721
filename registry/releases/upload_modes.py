"""How a file travels into a commit: inside it, or by its hash as a large file."""

from collections.abc import Collection
from typing import TypeGuard

from django.conf import settings

from registry.accounts.callers import Caller
from registry.catalog import files, patterns
from registry.catalog.files import Entry, FileEntry
from registry.catalog.models import Repository, Revision
from registry.catalog.patterns import Pattern
from registry.releases import gate
from registry.storage import blobs

ATTRIBUTES = ".gitattributes"
MAX_PATTERN_FILE = 256 * 1024


def lfs_patterns_at(repository: Repository, head: Revision, *, caller: Caller) -> list[Pattern]:
    """What the `.gitattributes` of a revision says of large files, as far as the caller may read
    it."""
    answer = gate.decide(repository, head, caller=caller)
    shown = gate.hashes_shown(repository, head, answer, caller=caller)
    return patterns.lfs_patterns(text_of(files.at(head, [ATTRIBUTES]).get(ATTRIBUTES), shown))


def is_large(path: str, size: int, sample: bytes, to_lfs: list[Pattern]) -> bool:
    """Whether a file is kept by its hash, given its first bytes."""
    if size == 0:
        return False
    return size > settings.LFS_THRESHOLD or patterns.is_lfs(to_lfs, path) or is_binary(sample)


def is_binary(sample: bytes) -> bool:
    """Text has no zero byte and is UTF-8; the sample may cut a character at its end."""
    if b"\0" in sample:
        return True
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start < len(sample) - 3
    return False


def text_of(file: Entry | None, shown: Collection[str] | None) -> str:
    """What a file of patterns says. To who could not download it, it is not there: by asking about
    one path after the other they would read it."""
    if not is_shown(file, shown) or file.size > MAX_PATTERN_FILE:
        return ""
    return blobs.read(file.sha256, limit=MAX_PATTERN_FILE).decode(errors="replace")


def is_shown(file: Entry | None, shown: Collection[str] | None) -> TypeGuard[FileEntry]:
    return isinstance(file, FileEntry) and (shown is None or file.sha256 in shown)
