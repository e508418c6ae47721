"""Git's object ids, computed as git computes them, and the LFS pointer text."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

FILE_MODE = b"100644"
FOLDER_MODE = b"40000"
LONGEST_POINTER = 200
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:[0-9a-f]{64}\nsize [0-9]+\n"
)


def object_id(kind: str, content: bytes) -> str:
    """SHA-1 over git's header and the content, 40 hex digits."""
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def blob_id(content: bytes) -> str:
    return object_id("blob", content)


def pointer(sha256: str, size: int) -> bytes:
    """The text that git holds in place of an LFS file."""
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
    )


def is_pointer(content: bytes) -> bool:
    """Whether the content is such a text, to the byte."""
    return _POINTER.fullmatch(content) is not None


def tree_id(entries: Iterable[tuple[str, str, bool]]) -> str:
    """The id of a folder from (name, id, whether it is a folder). Git sorts folders as `name/`."""

    def order(entry: tuple[str, str, bool]) -> bytes:
        name, _, is_folder = entry
        return name.encode() + (b"/" if is_folder else b"")

    content = b"".join(
        (FOLDER_MODE if is_folder else FILE_MODE)
        + b" "
        + name.encode()
        + b"\0"
        + bytes.fromhex(oid)
        for name, oid, is_folder in sorted(entries, key=order)
    )
    return object_id("tree", content)


def commit_id(*, tree: str, parents: list[str], author: str, at: datetime, message: str) -> str:
    """The id of a commit. `author` is a person's opaque id; the time is taken as UTC seconds."""
    who = f"{author} <{author}@users.invalid> {int(at.timestamp())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {who}", f"committer {who}", "", message]
    return object_id("commit", ("\n".join(lines) + "\n").encode())
