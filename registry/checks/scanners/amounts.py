"""Files that are too many or too large (UPL-SIZE), and pointers in place of files (UPL-LFS).

Uploads through the site are refused for these before they are stored. The scan says it of folders
that never passed there.
"""

import re
from collections.abc import Iterator

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder

MAX_FILES = 10_000
# Clients fetch no larger one over HTTP
MAX_BYTES = 50 * 10**9
GIB = 1024**3
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\r?\n(?:[a-z0-9.-]+ .{1,200}\r?\n?)*"
)
_LARGEST_POINTER = 1024


def check_sizes(folder: Folder) -> Iterator[Finding]:
    if len(folder.files) > MAX_FILES:
        yield block(
            "UPL-SIZE",
            f"There are {len(folder.files)} files, limit {MAX_FILES}.",
            value=len(folder.files),
            threshold=MAX_FILES,
        )
    for file in folder.files:
        folder.reading = file.path
        held = file.local.stat().st_size
        if file.size > MAX_BYTES:
            yield block(
                "UPL-SIZE",
                f"{show(file.path)} is {file.size / GIB:.1f} GiB, limit {MAX_BYTES / GIB:.1f} GiB.",
                file=file.path,
                value=file.size,
                threshold=MAX_BYTES,
            )
        elif held != file.size:
            yield block(
                "UPL-SIZE",
                f"{show(file.path)} was announced with {file.size} bytes and has {held}.",
                file=file.path,
                value=held,
                threshold=file.size,
            )


def check_pointers(folder: Folder) -> Iterator[Finding]:
    for file in folder.files:
        folder.reading = file.path
        if file.size > _LARGEST_POINTER:
            continue
        with file.local.open("rb") as stream:
            if _POINTER.fullmatch(stream.read(_LARGEST_POINTER)):
                yield block(
                    "UPL-LFS",
                    f"{show(file.path)} is the pointer to a file that was not uploaded.",
                    file=file.path,
                )
