"""Which file names a repository may hold (UPL-PATH). Names are judged, never cleaned up."""

import re
import unicodedata
from collections.abc import Iterable

from registry.errors import InvalidPath

MAX_PATH_BYTES = 1024
MAX_PART_BYTES = 255
MAX_PARTS = 32

_DRIVE = re.compile(r"^[A-Za-z]:")
# Windows opens a device under these names, whatever the ending.
_DEVICE = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")
# macOS and some Unicode file systems drop these when they compare names: ".g\u200cit" opens .git.
_BAD_CATEGORIES = {
    "Cc": "it holds a control character",
    "Cf": "it holds an invisible or direction-changing character",
    "Cs": "it is not valid Unicode",
    "Co": "it holds a private-use character",
    "Cn": "it holds an unassigned character",
    "Zl": "it holds a line separator",
    "Zp": "it holds a paragraph separator",
}
# Blank on screen or ignored by file systems, though their category is harmless.
_IGNORABLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {
    chr(code) for code in (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


def path_problem(path: str) -> str | None:
    """Why this name is not allowed, as the end of a sentence, or None. Also tried on its NFKC form."""
    if problem := _problem(path):
        return problem
    if path.isascii():
        return None
    wide = unicodedata.normalize("NFKC", path)
    if wide != path and (problem := _problem(wide)):
        return f"in its normal form {problem}"
    return None


def character_problem(name: str) -> str | None:
    """Why people could not read this name for what it is, or None. Also asked of branches and tags."""
    if name.isascii() and name.isprintable():
        return None
    for character in name:
        if reason := _BAD_CATEGORIES.get(unicodedata.category(character)):
            return reason
        if character in _IGNORABLE:
            return "it holds an invisible or direction-changing character"
    return None


def folder_problem(paths: Iterable[str]) -> tuple[str, str] | None:
    """The first name that cannot stand beside the others, with the reason, or None."""
    folders: dict[str, str] = {}
    files: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")
        key = _same(path)
        if key in files:
            return path, f"it is the same file as {files[key]!a} on many computers"
        files[key] = path
        for end in range(1, len(parts)):
            above = "/".join(parts[:end])
            first = folders.setdefault(_same(above), above)
            if first != above:
                return path, f"its folder is the same as {first!a} on many computers"
    for key, path in files.items():
        if key in folders:
            return path, "it is a file and a folder at once"
    return None


def _same(path: str) -> str:
    """Equal for names that case-insensitive or normalising file systems cannot hold side by side."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _problem(path: str) -> str | None:
    if not path:
        return "it is empty"
    if reason := character_problem(path):
        return reason
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    if "\\" in path:
        return "it holds a backslash"
    if path.startswith("/"):
        return "it starts at the root of the disk"
    if _DRIVE.match(path):
        return "it names a drive"
    parts = path.split("/")
    if len(parts) > MAX_PARTS:
        return f"it is more than {MAX_PARTS} folders deep"
    return next((reason for part in parts if (reason := _part_problem(part))), None)


def _part_problem(part: str) -> str | None:
    if not part:
        return "it has an empty part"
    if part in (".", ".."):
        return f"it has the part {part}"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"a part is longer than {MAX_PART_BYTES} bytes"
    if part[0].isspace():
        return "a part starts with a space"
    if part[-1].isspace() or part[-1] == ".":
        return "a part ends with a space or a dot"
    folded = part.casefold()
    # Windows opens .git by its short name git~1 too, and by the name of a stream of it (.git::x).
    if folded.split(":")[0] in (".git", "git~1"):
        return "it reaches into .git"
    if _DEVICE.match(folded):
        return "Windows reserves it for a device"
    return None


def check(path: str) -> None:
    """Raise InvalidPath unless a repository may hold a file of this name."""
    if why := path_problem(path):
        raise InvalidPath(f"Invalid path: {path[:200]!a} is not an allowed file name: {why}.")


def check_length(path: str) -> None:
    """Raise InvalidPath where the name is longer or deeper than any that a repository may hold: for
    names that nobody is going to store, but that cost the more to look at, the longer they are."""
    if len(path) > MAX_PATH_BYTES or path.count("/") >= MAX_PARTS:
        raise InvalidPath(
            f"Invalid path: {path[:200]!a} is longer than {MAX_PATH_BYTES} bytes or more than "
            f"{MAX_PARTS} folders deep."
        )


def check_folder(folder: str, files: Iterable[str], folders: Iterable[str]) -> None:
    """Raise InvalidPath when two names in a folder (`""`, or a path that ends with `/`) cannot
    stand side by side."""
    of_folders: dict[str, str] = {}
    for name in folders:
        if (first := of_folders.setdefault(_same(name), name)) != name:
            raise _clash(
                f"{folder}{name}/",
                f"its folder is the same as {folder + first!a} on many computers",
            )
    of_files: dict[str, str] = {}
    for name in files:
        if (first := of_files.setdefault(_same(name), name)) != name:
            raise _clash(
                f"{folder}{name}", f"it is the same file as {folder + first!a} on many computers"
            )
    for key, name in of_files.items():
        if key in of_folders:
            raise _clash(f"{folder}{name}", "it is a file and a folder at once")


def _clash(path: str, why: str) -> InvalidPath:
    return InvalidPath(f"Invalid path: {path[:200]!a} cannot stand beside the other files: {why}.")
