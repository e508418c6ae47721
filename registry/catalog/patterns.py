"""What the patterns of `.gitattributes` and `.gitignore` say of a path, as git reads them.

Patterns come with uploads, so matching is done part by part and never backtracks over a whole path.
"""

import fnmatch
import functools
import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from registry.catalog import paths
from registry.errors import TooLarge

MAX_PATTERNS = 1000
# Steps, of which a machine takes about half a million in a second
MAX_EFFORT = 2_000_000
# Of the parts of a pattern at most every other one is `**`, and each of the rest is a part of a path
MAX_PARTS = 2 * paths.MAX_PARTS + 1


@dataclass(frozen=True)
class Pattern:
    """One line: what it matches, and what it says of it (True or False)."""

    parts: tuple[str, ...]
    says: bool
    is_anchored: bool
    only_folders: bool = False

    def matches(self, path: str, *, is_folder: bool = False) -> bool:
        if self.only_folders and not is_folder:
            return False
        parts = path.split("/")
        if not self.is_anchored:
            return fnmatch.fnmatchcase(parts[-1], self.parts[0])
        return _match(self.parts, tuple(parts))

    def effort(self, depth: int) -> int:
        """About how many steps it takes at most to compare this with a path of so many parts. A
        long part is compared with a long name at many places."""
        steps = sum(1 + min(len(part), paths.MAX_PART_BYTES) // 8 for part in self.parts)
        return steps * depth if "**" in self.parts else steps


def lfs_patterns(gitattributes: str) -> list[Pattern]:
    """Which files go to LFS. A later line wins over an earlier one."""
    found = []
    for line in gitattributes.splitlines():
        pattern, *attributes = line.split()[:32] or [""]
        if not pattern or pattern.startswith(("#", "!", "[attr]")):
            continue
        says = None
        for attribute in attributes:
            if attribute == "filter=lfs":
                says = True
            elif attribute.startswith("filter=") or attribute in {"-filter", "!filter"}:
                says = False
        if says is not None:
            found.append(_pattern(pattern, says))
    return found[:MAX_PATTERNS]


def is_lfs(patterns: list[Pattern], path: str) -> bool:
    """Whether a file at this path goes to LFS."""
    return next((p.says for p in reversed(patterns) if p.matches(path)), False)


def ignore_patterns(gitignore: str) -> list[Pattern]:
    found = []
    for line in gitignore.splitlines():
        line = line.rstrip(" \t\r")
        if not line or line.startswith("#"):
            continue
        says = not line.startswith("!")
        line = line.removeprefix("!")
        only_folders = line.endswith("/")
        line = line.rstrip("/")
        if line:
            found.append(_pattern(line, says, only_folders=only_folders))
    return found[:MAX_PATTERNS]


def ignored(patterns: list[Pattern], paths: Iterable[str]) -> set[str]:
    """Which of these files are left out. Each folder is looked at once; what is in an ignored one
    cannot be brought back."""
    verdicts: dict[str, bool] = {}

    def is_left_out(path: str) -> bool:
        for folder in _folders(path):
            if folder not in verdicts:
                verdicts[folder] = _last_says(patterns, folder, is_folder=True)
            if verdicts[folder]:
                return True
        return _last_says(patterns, path, is_folder=False)

    return {path for path in paths if is_left_out(path)}


def check_effort(patterns: list[Pattern], paths: Iterable[str]) -> None:
    """Raise where it would be too much work to compare all these patterns with all these paths and
    the folders above them."""
    by_depth = Counter(
        place.count("/") + 1
        for place in {place for path in paths for place in (path, *_folders(path))}
    )
    effort = sum(
        places * sum(pattern.effort(depth) for pattern in patterns)
        for depth, places in by_depth.items()
    )
    if effort > MAX_EFFORT:
        raise TooLarge(
            _(
                "The patterns of .gitignore or .gitattributes are too many, or too long, for "
                "so many paths. Ask about fewer files at once, or shorten the patterns."
            )
        )


def _last_says(patterns: list[Pattern], path: str, *, is_folder: bool) -> bool:
    matching = (p for p in reversed(patterns) if p.matches(path, is_folder=is_folder))
    return next((pattern.says for pattern in matching), False)


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _pattern(text: str, says: bool, *, only_folders: bool = False) -> Pattern:
    text = text.removeprefix("\\") if text[:2] in {"\\#", "\\!"} else text
    is_anchored = "/" in text
    parts = text.strip("/").split("/")
    # Some `**` in a row mean what one does; what then has more parts than a path, matches none
    plain = [part for part, same in itertools.groupby(parts) for part in _once(part, same)]
    return Pattern(tuple(plain[:MAX_PARTS]), says, is_anchored, only_folders)


def _once(part: str, same: Iterable[str]) -> Iterable[str]:
    return [part] if part == "**" else same


@functools.lru_cache(maxsize=4096)
def _match(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        if len(pattern) == 1:
            return bool(path)
        return any(_match(pattern[1:], path[start:]) for start in range(len(path)))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and _match(pattern[1:], path[1:])
